package kit

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Sorted are a map's values in the order of their keys: an emulator's lists have one.
func Sorted[V any](m map[string]V) []V {
	values := make([]V, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		values = append(values, m[key])
	}
	return values
}

// Find is the first of a list that is wanted, nil for none.
func Find[T any](all []*T, wanted func(*T) bool) *T {
	if i := slices.IndexFunc(all, wanted); i >= 0 {
		return all[i]
	}
	return nil
}

// Those are the ones of a list that are wanted.
func Those[T any](all []T, wanted func(T) bool) []T {
	var found []T
	for _, one := range all {
		if wanted(one) {
			found = append(found, one)
		}
	}
	return found
}

// Shown is a list as an API shows it, never nil.
func Shown[T, S any](all []T, shown func(T) S) []S {
	items := make([]S, 0, len(all))
	for _, one := range all {
		items = append(items, shown(one))
	}
	return items
}

// Whole shows a resource as it is kept.
func Whole[R any](r R) any { return r }

// Fields is a resource as plain JSON.
func Fields(resource any) any {
	data, err := json.Marshal(resource)
	if err != nil {
		return nil
	}
	var fields any
	json.Unmarshal(data, &fields) //nolint:errcheck // it was just written
	return fields
}

// Copy is an independent copy of what is kept: what is kept is what its JSON says.
func Copy[T any](of *T) (*T, error) {
	data, err := json.Marshal(of)
	if err != nil {
		return nil, err
	}
	next := new(T)
	return next, json.Unmarshal(data, next)
}

// Newest is the last of a list that has the oldest first, nil for none.
func Newest[T any](all []*T) *T {
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

// Last is the last part of a name with slashes.
func Last(name string) string { return name[strings.LastIndex(name, "/")+1:] }

// First are the first n parts of a name with slashes.
func First(name string, n int) string {
	parts := strings.Split(name, "/")
	return strings.Join(parts[:min(n, len(parts))], "/")
}

// Parts are the ids in a resource's name, by their collections.
func Parts(name string) map[string]string {
	of := map[string]string{}
	parts := strings.Split(name, "/")
	for i := 1; i < len(parts); i += 2 {
		of[parts[i-1]] = parts[i]
	}
	return of
}

// Page is a page of a list: at most size of it from a place on. next is where the one
// after it begins, 0 at the end. A page beyond the list is empty.
func Page[T any](all []T, from, size int) (items []T, next int) {
	from = min(from, len(all))
	to := min(from+size, len(all))
	if to < len(all) {
		next = to
	}
	return all[from:to], next
}

// PageAt is a page of a list whose items have names: at most size of it from the one that
// is called at on, from the first for "". next is what the item after it is called, "" at
// the end. It is false where no item is called at.
func PageAt[T any](all []T, name func(T) string, at string, size int) (items []T, next string, ok bool) {
	from := 0
	if at != "" {
		from = slices.IndexFunc(all, func(one T) bool { return name(one) == at })
	}
	if from < 0 {
		return nil, "", false
	}
	items, to := Page(all, from, size)
	if to > 0 {
		next = name(all[to])
	}
	return items, next, true
}

// Number reads a parameter of a list, such as a page's size or where it begins: usual
// where it is not given. It is false where the text is no number from least on.
func Number(text string, usual, least int) (n int, ok bool) {
	if text == "" {
		return usual, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= least
}

// Token is where a page begins as text, "" for 0.
func Token(next int) string {
	if next == 0 {
		return ""
	}
	return strconv.Itoa(next)
}
