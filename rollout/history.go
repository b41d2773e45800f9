package rollout

import (
	"slices"
	"sort"

	"github.com/go-json-experiment/json/jsontext"
)

// History is what is over on one target; only what looks back loads it.
type History struct {
	Schema     string         `json:"schema"`
	Pipeline   string         `json:"pipeline"`
	Target     string         `json:"target"`
	Generation int64          `json:"generation"`
	Rollouts   []Execution    `json:"rollouts"`
	Events     []Event        `json:"events"`
	Unknown    jsontext.Value `json:",embed"`
}

// eventsPerRollout bounds the events beside the rollouts.
const eventsPerRollout = 50

// NewHistory is the history of a target that has none yet.
func NewHistory(pipeline, target string) History {
	return History{Schema: Schema, Pipeline: pipeline, Target: target, Rollouts: []Execution{}, Events: []Event{}}
}

// Add appends what [Seal] moved out of the record, and drops the oldest beyond
// bound rollouts; bound 0 keeps all. What is there already is not added twice: a
// process died between the history and the record, and what that came to since counts.
func (h *History) Add(moved Moved, bound int) {
	for _, e := range moved.Rollouts {
		i := slices.IndexFunc(h.Rollouts, func(x Execution) bool { return x.Rollout.Name == e.Rollout.Name })
		if i < 0 {
			h.Rollouts = append(h.Rollouts, e)
			continue
		}
		h.Rollouts[i] = e
	}
	h.addEvents(moved.Events)
	if bound > 0 {
		h.Rollouts = newest(h.Rollouts, bound)
		h.Events = newest(h.Events, bound*eventsPerRollout)
	}
}

// addEvents adds events at their place: those of a rollout that stayed longer
// come after younger ones. Two with one id are one event ([Seal] moves nothing that
// is not durable), as where a process died between the history and the record.
func (h *History) addEvents(events []Event) {
	h.Events = append(h.Events, events...)
	sort.SliceStable(h.Events, func(i, j int) bool { return h.Events[i].ID < h.Events[j].ID })
	h.Events = slices.CompactFunc(h.Events, func(a, b Event) bool { return a.ID == b.ID })
}

// newest keeps the last n.
func newest[T any](list []T, n int) []T { return slices.Clone(list[max(len(list)-n, 0):]) }
