package googleapi

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"sluice/internal/sandbox/kit"
)

// Sizes are those of a page: what a request that says nothing gets, and the most that
// any does.
//
// Discovery document: "The maximum value is 1000; values above 1000 will be set to 1000."
type Sizes struct{ Usual, Most int }

// List is the method that lists the resources of a collection below the one that is
// asked about, page by page, as shown. all is where they are kept, by their names.
func List[R any](all *map[string]*R, collection string, sizes *Sizes, shown func(*R) any) Serve {
	return func(c *Call) (any, error) {
		return Listed(c, collection, sizes, kit.Shown(Under(*all, c.Name, collection), shown))
	}
}

// Listed is what a list request asks for of all (filter, orderBy, pageSize, pageToken),
// under the name that the API has for it.
func Listed[T any](c *Call, kind string, sizes *Sizes, all []T) (any, error) {
	items, next, err := page(c, sizes, all)
	return Paged(kind, items, next), err
}

// Paged is a page of a list as the API answers it.
func Paged[T any](kind string, items []T, next string) any {
	answer := map[string]any{}
	if len(items) > 0 {
		answer[kind] = items
	}
	if next != "" {
		answer["nextPageToken"] = next
	}
	return answer
}

// Under lists the resources of a collection, by name. A "-" in the parent stands for all.
func Under[R any](all map[string]*R, parent, collection string) []*R {
	var found []*R
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if inCollection(name, parent, collection) {
			found = append(found, all[name])
		}
	}
	return found
}

func inCollection(name, parent, collection string) bool {
	parts, want := strings.Split(name, "/"), strings.Split(parent+"/"+collection, "/")
	if len(parts) != len(want)+1 {
		return false
	}
	for i := range want {
		if want[i] != "-" && want[i] != parts[i] {
			return false
		}
	}
	return true
}

func page[T any](c *Call, sizes *Sizes, all []T) (items []T, next string, err error) {
	want, err := parseFilter(c.Param("filter"))
	if err != nil {
		return nil, "", err
	}
	var rows []row[T]
	for _, item := range all {
		r := row[T]{item: item, fields: kit.Fields(item)}
		if want(r.fields) {
			rows = append(rows, r)
		}
	}
	if err := sortRows(rows, c.Param("orderBy")); err != nil {
		return nil, "", err
	}
	size, from, err := sizes.span(c)
	if err != nil {
		return nil, "", err
	}
	rows, to := kit.Page(rows, from, size)
	for _, r := range rows {
		items = append(items, r.item)
	}
	if to > 0 {
		next = token(c, to)
	}
	return items, next, nil
}

type row[T any] struct {
	item   T
	fields any
}

// span is how many items are asked for and from where.
func (s Sizes) span(c *Call) (size, from int, err error) {
	size, ok := kit.Number(c.Param("pageSize"), 0, 0)
	if !ok {
		return 0, 0, Invalid("Invalid page size: %s", c.Param("pageSize"))
	}
	if text := c.Param("pageToken"); text != "" {
		data, err := base64.RawURLEncoding.DecodeString(text)
		offset, rest, _ := strings.Cut(string(data), " ")
		if from, _ = strconv.Atoi(offset); err != nil || from < 0 || rest != question(c) {
			return 0, 0, Invalid("Invalid page token: it belongs to another list request")
		}
	}
	return min(cmp.Or(size, s.Usual), s.Most), from, nil
}

// token is where the next page begins. It is good for the same request only:
// "When paginating, all other provided parameters match the call that provided
// the page token."
func token(c *Call, from int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprint(from, " ", question(c))))
}

func question(c *Call) string {
	return c.URL.Path + "\n" + c.Param("filter") + "\n" + c.Param("orderBy")
}

// valuesAt are the values that a dotted path leads to, through every element
// of lists on the way.
func valuesAt(fields any, path []string) []string {
	switch v := fields.(type) {
	case map[string]any:
		if len(path) == 0 {
			return nil
		}
		return valuesAt(v[path[0]], path[1:])
	case []any:
		var all []string
		for _, element := range v {
			all = append(all, valuesAt(element, path)...)
		}
		return all
	case nil:
		return nil
	default:
		if len(path) > 0 {
			return nil
		}
		return []string{fmt.Sprint(v)}
	}
}

// sortRows sorts by "field [desc], …". gcloud writes fields with a capital.
func sortRows[T any](rows []row[T], by string) error {
	for _, key := range slices.Backward(strings.Split(by, ",")) {
		words := strings.Fields(key)
		if len(words) == 0 {
			continue
		}
		if len(words) > 2 || len(words) == 2 && words[1] != "desc" && words[1] != "asc" {
			return Invalid("Invalid order by: %q", by)
		}
		field := strings.ToLower(words[0][:1]) + words[0][1:]
		sort.SliceStable(rows, func(i, j int) bool {
			if len(words) == 2 && words[1] == "desc" {
				i, j = j, i
			}
			return sortable(rows[i].fields, field) < sortable(rows[j].fields, field)
		})
	}
	return nil
}

// sortable is a field's value in an order that strings have: times at full length.
func sortable(fields any, field string) string {
	values := valuesAt(fields, strings.Split(field, "."))
	if len(values) == 0 {
		return ""
	}
	if t, err := time.Parse(time.RFC3339Nano, values[0]); err == nil {
		return t.Format("2006-01-02T15:04:05.000000000")
	}
	return values[0]
}
