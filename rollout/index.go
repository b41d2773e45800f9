package rollout

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Index names every target of a pipeline that was ever saved: one that is named
// and missing is unreadable, not new.
type Index struct {
	Schema     string         `json:"schema"`
	Pipeline   string         `json:"pipeline"`
	Generation int64          `json:"generation"`
	Targets    []string       `json:"targets"` // sorted
	Unknown    jsontext.Value `json:",embed"`
}

// NewIndex is the index of a pipeline of which nothing was saved.
func NewIndex(pipeline string) Index {
	return Index{Schema: Schema, Pipeline: pipeline, Targets: []string{}}
}

// Has reports whether a target was ever saved.
func (i *Index) Has(target string) bool {
	_, found := slices.BinarySearch(i.Targets, target)
	return found
}

// Add adds targets and reports whether any was new.
func (i *Index) Add(targets ...string) bool {
	before := len(i.Targets)
	i.Targets = append(i.Targets, targets...)
	slices.Sort(i.Targets)
	i.Targets = slices.Compact(i.Targets)
	return len(i.Targets) != before
}

// Remove takes a target out, as when its record was renamed.
func (i *Index) Remove(target string) {
	i.Targets = slices.DeleteFunc(i.Targets, func(t string) bool { return t == target })
}
