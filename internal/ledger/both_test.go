package ledger

import (
	"testing"
	"time"

	"sluice/internal/store"
	"sluice/rollout"
	"sluice/stages/driver"
)

// TestBothOfARecord: of a target's record what one run said beside the other's work is
// joined with that work; two who both worked on it are not joined.
func TestBothOfARecord(t *testing.T) {
	k := store.Key{Pipeline: "shop", Target: "web"}
	text := func(change func(*rollout.Record)) []byte {
		r := rollout.New("shop", driver.Target{Stage: "production", Name: "web", Platform: "alpha"})
		r.AddEvent(rollout.Event{Type: "rollout.created", Time: time.Unix(1, 0).UTC()})
		change(&r)
		data, err := encode(k, r, nil)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	lock := func(r *rollout.Record) {
		r.Blocks = append(r.Blocks, rollout.Block{ID: "lock-1", Reason: "stop"})
		r.AddEvent(rollout.Event{Type: "block.placed", Time: time.Unix(2, 0).UTC()})
	}
	work := func(r *rollout.Record) {
		r.Lease = "7"
		r.AddEvent(rollout.Event{Type: "effect.begun", Time: time.Unix(3, 0).UTC()})
	}
	base := text(func(*rollout.Record) {})
	both, ok := Both(k, text(work), text(lock), base)
	if !ok {
		t.Fatal("not joined")
	}
	r, err := decodeRecord(k, both)
	if err != nil || r.Lease != "7" || len(r.Blocks) != 1 || len(r.Events) != 3 || r.Events[1].Type != "block.placed" || r.Events[2].ID != 3 {
		t.Errorf("%+v, %v", r, err)
	}
	for name, c := range map[string]struct{ a, b, base []byte }{
		"both worked":      {text(work), text(func(r *rollout.Record) { r.Lease = "8" }), base},
		"no common base":   {text(work), text(lock), nil},
		"not a record":     {text(work), []byte("{"), base},
		"nor is the other": {[]byte("{"), text(lock), base},
		"nor the base":     {text(work), text(lock), []byte("{")},
	} {
		if _, ok := Both(k, c.a, c.b, c.base); ok {
			t.Errorf("%s: joined", name)
		}
	}
}
