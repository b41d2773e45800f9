package sandbox

import (
	"maps"
	"slices"
)

// Sorted are a map's values in the order of their keys: an emulator's lists have one.
func Sorted[V any](m map[string]V) []V {
	values := make([]V, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		values = append(values, m[key])
	}
	return values
}
