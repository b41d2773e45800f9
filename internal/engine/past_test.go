package engine

import (
	"testing"

	"sluice/internal/ledger"
	"sluice/pipeline"
	"sluice/rollout"
)

// A process may end between the save of a history and that of the record which it was
// moved out of: what stands in both is told once.
func TestPastIsToldOnce(t *testing.T) {
	event := func(id int64) rollout.Event { return rollout.Event{ID: id, Type: "note"} }
	over := rollout.Execution{Rollout: rollout.Rollout{Name: "v1-to-web-0001"}}
	history := &rollout.History{Rollouts: []rollout.Execution{over}, Events: []rollout.Event{event(1), event(2)}}
	record := &rollout.Record{Rollouts: []rollout.Execution{over}, Events: []rollout.Event{event(1), event(2), event(3)}}
	target := &pipeline.Target{Name: pipeline.At[string]{Value: "web"}}
	p := pastOf(target, &ledger.State{Records: map[string]*rollout.Record{"web": record}}, map[string]*rollout.History{"web": history})
	if len(p.rollouts) != 1 || len(p.events) != 3 {
		t.Fatalf("%d rollouts and %d events, want 1 and 3", len(p.rollouts), len(p.events))
	}
	for i, e := range p.events {
		if e.ID != int64(i+1) {
			t.Errorf("event %d is the %d. of them", e.ID, i+1)
		}
	}
}
