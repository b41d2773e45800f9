package heroku

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/sandbox/kit"
)

// docs/platforms.md: "Pages have 200 items unless `max` says otherwise, 1,000 at most"
const (
	pageSize    = 200
	largestPage = 1000
)

// list is a whole list, before a page is cut out of it.
type list struct {
	items      []any
	attributes []string // that can order it; the first does unless the request says otherwise
}

// listOf is a list of what is kept.
func listOf[T any](all []T, shown func(T) any, attributes ...string) list {
	return list{kit.Shown(all, shown), attributes}
}

type page struct {
	items []any
	next  string // Next-Range; "" at the end
}

// ranged is a Range header: "version ]12..; order=desc,max=5".
type ranged struct {
	attribute string
	start     string // the items before this one are left out; "" for none
	after     bool   // itself too
	desc      bool
	max       int
}

// keyed is an item with what orders it.
type keyed struct {
	key  string
	item any
}

// keyOf is what an attribute orders an item by: its text, a version's padded, so that text
// orders it.
func keyOf(item any, attribute string) string {
	fields, _ := kit.Fields(item).(map[string]any)
	if version, ok := fields[attribute].(float64); ok {
		return versionKey(int(version))
	}
	return fmt.Sprint(fields[attribute])
}

// page cuts out what a Range header asks for.
func (l list) page(header string) (page, error) {
	r, err := parseRange(header, l.attributes[0])
	if err != nil {
		return page{}, err
	}
	if !slices.Contains(l.attributes, r.attribute) {
		return page{}, rangeError(header)
	}
	all := kit.Shown(l.items, func(item any) keyed { return keyed{keyOf(item, r.attribute), item} })
	slices.SortStableFunc(all, func(a, b keyed) int { return r.order(a.key, b.key) })
	all = slices.DeleteFunc(all, func(one keyed) bool { return r.before(one.key) })
	all, next := kit.Page(all, 0, r.max)
	p := page{items: kit.Shown(all, func(one keyed) any { return one.item })}
	if next > 0 {
		p.next = r.following(all[next-1].key)
	}
	return p, nil
}

func (r ranged) order(a, b string) int {
	if r.desc {
		a, b = b, a
	}
	return strings.Compare(a, b)
}

// before reports whether the range starts after key.
func (r ranged) before(key string) bool {
	order := r.order(key, r.start)
	return r.start != "" && (order < 0 || order == 0 && r.after)
}

// following is the range after the item with the key last.
func (r ranged) following(last string) string {
	if r.attribute == "version" {
		last = strings.TrimLeft(last, "0")
	}
	order := ""
	if r.desc {
		order = "order=desc,"
	}
	return fmt.Sprintf("%s ]%s..; %smax=%d", r.attribute, last, order, r.max)
}

// parseRange reads a Range header; without one it is everything.
func parseRange(header, attribute string) (ranged, error) {
	r := ranged{attribute: attribute, max: pageSize}
	if header == "" {
		return r, nil
	}
	found := regexp.MustCompile(`^([a-z_]+) (\]?)([^ ]*?)\.\.([^; ]*)(?:;(.*))?$`).FindStringSubmatch(strings.TrimSpace(header))
	if found == nil || found[4] != "" {
		return r, rangeError(header)
	}
	r.attribute, r.after, r.start = found[1], found[2] == "]", found[3]
	if r.attribute == "version" && r.start != "" {
		n, err := strconv.Atoi(r.start)
		if err != nil {
			return r, rangeError(header)
		}
		r.start = versionKey(n)
	}
	for _, setting := range strings.FieldsFunc(found[5], func(c rune) bool { return c == ',' || c == ';' }) {
		if !r.set(strings.TrimSpace(setting)) {
			return r, rangeError(header)
		}
	}
	return r, nil
}

// set reports whether a setting is one that there is.
func (r *ranged) set(setting string) bool {
	switch name, value, _ := strings.Cut(setting, "="); name {
	case "":
		return true
	case "order":
		r.desc = value == "desc"
		return true
	case "max":
		n, err := strconv.Atoi(value)
		r.max = min(n, largestPage)
		return err == nil && n > 0
	default:
		return false
	}
}

func rangeError(header string) error {
	return kit.Errorf(http.StatusRequestedRangeNotSatisfiable, "requested_range_not_satisfiable", "Invalid `Range` header: %s", header)
}

func versionKey(version int) string { return fmt.Sprintf("%012d", version) }
