package heroku

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// docs/platforms.md: "Pages have 200 items unless `max` says otherwise, 1,000 at most"
const (
	pageSize    = 200
	largestPage = 1000
)

// item is one element of a list: what is shown of it, and what it can be
// ordered by.
type item struct {
	keys map[string]string // by attribute; versions padded, so that text orders them
	body any
}

// list is a whole list, before a page is cut out of it.
type list struct {
	attribute string // its order unless the request says otherwise
	items     []item
}

// listOf is a list of what is kept.
func listOf[T any](attribute string, all []T, shown func(T) item) list {
	l := list{attribute: attribute}
	for _, one := range all {
		l.items = append(l.items, shown(one))
	}
	return l
}

type page struct {
	items []any
	next  string // Next-Range; "" at the end
}

// ranged is a Range header: "version ]12..; order=desc,max=5".
type ranged struct {
	attribute string
	after     string // the items up to this one are left out, itself too
	from      string // … itself not
	desc      bool
	max       int
}

// page cuts out what a Range header asks for.
func (l list) page(header string) (page, error) {
	r, err := parseRange(header, l.attribute)
	if err != nil {
		return page{}, err
	}
	all := slices.Clone(l.items)
	sort.SliceStable(all, func(i, j int) bool {
		if r.desc {
			i, j = j, i
		}
		return all[i].keys[r.attribute] < all[j].keys[r.attribute]
	})
	p := page{items: []any{}}
	last := ""
	for _, it := range all {
		key, ok := it.keys[r.attribute]
		if !ok {
			return page{}, rangeError(header)
		}
		if r.before(key) {
			continue
		}
		if len(p.items) == r.max {
			p.next = r.following(last)
			break
		}
		p.items, last = append(p.items, it.body), key
	}
	return p, nil
}

// before reports whether the range starts after key.
func (r ranged) before(key string) bool {
	switch {
	case r.after != "" && r.desc:
		return key >= r.after
	case r.after != "":
		return key <= r.after
	case r.from != "" && r.desc:
		return key > r.from
	case r.from != "":
		return key < r.from
	default:
		return false
	}
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
	r.attribute = found[1]
	start := found[3]
	if r.attribute == "version" && start != "" {
		n, err := strconv.Atoi(start)
		if err != nil {
			return r, rangeError(header)
		}
		start = versionKey(n)
	}
	if found[2] == "]" {
		r.after = start
	} else {
		r.from = start
	}
	for _, setting := range strings.FieldsFunc(found[5], func(c rune) bool { return c == ',' || c == ';' }) {
		if err := r.set(strings.TrimSpace(setting)); err != nil {
			return r, rangeError(header)
		}
	}
	return r, nil
}

func (r *ranged) set(setting string) error {
	name, value, _ := strings.Cut(setting, "=")
	switch name {
	case "":
		return nil
	case "order":
		r.desc = value == "desc"
		return nil
	case "max":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return rangeError(setting)
		}
		r.max = min(n, largestPage)
		return nil
	default:
		return rangeError(setting)
	}
}

func rangeError(header string) *apiError {
	return &apiError{http.StatusRequestedRangeNotSatisfiable, "requested_range_not_satisfiable", "Invalid `Range` header: " + header}
}

func versionKey(version int) string { return fmt.Sprintf("%012d", version) }
