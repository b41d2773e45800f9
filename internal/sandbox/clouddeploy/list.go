package clouddeploy

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The sizes of a page.
//
// Discovery document: "If unspecified, at most 50 … The maximum value is 1000;
// values above 1000 will be set to 1000."
const (
	usualPage = 50
	mostPage  = 1000
)

// page cuts out of all what a list request asks for: filter, orderBy,
// pageSize, pageToken.
func page[T any](e *Emulator, c *call, all []T) (items []T, next string, err error) {
	want, err := parseFilter(c.query("filter"))
	if err != nil {
		return nil, "", err
	}
	var rows []row[T]
	for _, item := range all {
		r := row[T]{item: item, fields: fieldsOf(item)}
		if want(r.fields) {
			rows = append(rows, r)
		}
	}
	if err := sortRows(rows, c.query("orderBy")); err != nil {
		return nil, "", err
	}
	size, from, err := e.span(c)
	if err != nil {
		return nil, "", err
	}
	from = min(from, len(rows))
	to := min(from+size, len(rows))
	for _, r := range rows[from:to] {
		items = append(items, r.item)
	}
	if to < len(rows) {
		next = token(c, to)
	}
	return items, next, nil
}

type row[T any] struct {
	item   T
	fields any
}

// span is how many items are asked for and from where.
func (e *Emulator) span(c *call) (size, from int, err error) {
	size = usualPage
	if text := c.query("pageSize"); text != "" && text != "0" {
		if size, err = strconv.Atoi(text); err != nil || size < 0 {
			return 0, 0, invalid("Invalid page size: %s", text)
		}
	}
	if text := c.query("pageToken"); text != "" {
		data, err := base64.RawURLEncoding.DecodeString(text)
		offset, rest, _ := strings.Cut(string(data), " ")
		if from, _ = strconv.Atoi(offset); err != nil || rest != question(c) {
			return 0, 0, invalid("Invalid page token: it belongs to another list request")
		}
	}
	return min(size, mostPage, e.Page), from, nil
}

// token is where the next page begins. It is good for the same request only:
// "When paginating, all other provided parameters match the call that provided
// the page token."
func token(c *call, from int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprint(from, " ", question(c))))
}

func question(c *call) string {
	return etagOf([]string{c.URL.Path, c.query("filter"), c.query("orderBy")})
}

// fieldsOf is a resource as plain JSON.
func fieldsOf(resource any) any {
	data, err := json.Marshal(resource)
	if err != nil {
		return nil
	}
	var fields any
	json.Unmarshal(data, &fields) //nolint:errcheck // it was just written
	return fields
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
			return invalid("Invalid order by: %q", by)
		}
		field := strings.ToLower(words[0][:1]) + words[0][1:]
		slices.SortStableFunc(rows, func(a, b row[T]) int {
			n := cmp.Compare(sortable(a.fields, field), sortable(b.fields, field))
			if len(words) == 2 && words[1] == "desc" {
				return -n
			}
			return n
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
	if t := clock(values[0]); !t.IsZero() {
		return t.Format("2006-01-02T15:04:05.000000000")
	}
	return values[0]
}
