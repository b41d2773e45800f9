package executor_test

import (
	"context"
	"fmt"

	"sluice/internal/store"
	"sluice/rollout"
)

// events are all that was ever told of a target: those in its history and those in its
// record.
func (w *world) events(target string) []rollout.Event {
	w.t.Helper()
	whole := rollout.NewHistory("shop", target)
	key := store.Key{Pipeline: "shop", Kind: store.KindHistory, Target: target}
	entries, err := w.memory.Load(context.WithoutCancel(w.t.Context()), key)
	if err != nil {
		w.t.Fatal(err)
	}
	if entries[0].Version != "" {
		if whole, err = rollout.Decode[rollout.History](entries[0].Data); err != nil {
			w.t.Fatal(err)
		}
	}
	r := w.record(target)
	for i := range whole.Events {
		for _, e := range r.Events {
			if e.ID == whole.Events[i].ID && (e.Type != whole.Events[i].Type || e.Rollout != whole.Events[i].Rollout) {
				w.t.Errorf("%s: event %d is %s of %s in the record and %s of %s in the history", target, e.ID, e.Type, e.Rollout, whole.Events[i].Type, whole.Events[i].Rollout)
			}
		}
	}
	whole.Add(rollout.Moved{Events: r.Events}, 0)
	return whole.Events
}

// untrue is what events of a target say against each other when nothing of it is open:
// one that is missing, an action that was begun and is never over, a rollout that is
// over twice.
func untrue(events []rollout.Event) []string {
	var found []string
	open, over := map[string]bool{}, map[string]bool{}
	for i, e := range events {
		if e.ID != int64(i+1) {
			return append(found, fmt.Sprintf("event %d, a %s, is the %d. of them", e.ID, e.Type, i+1))
		}
		if e.Action != "" {
			delete(open, e.Action)
			if e.Temporary {
				open[e.Action] = true
			}
		}
		switch e.Type {
		case "rollout.succeeded", "rollout.failed", "rollout.cancelled":
			if over[e.Rollout] {
				found = append(found, e.Rollout+" is over twice")
			}
			over[e.Rollout] = true
		case "rollout.reopened", "rollout.cancelling": // of one that failed, while its canary stood
			delete(over, e.Rollout)
		}
	}
	for action := range open {
		found = append(found, action+" was begun and is never over")
	}
	return found
}
