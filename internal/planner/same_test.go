package planner_test

import (
	"testing"
	"time"

	"sluice/rollout"
	"sluice/stages/driver"
)

// stood makes what a target's record says that it runs.
func (r *rig) stood(target, stage string, release driver.Release) {
	record := rollout.New("shop", driver.Target{Name: target, Stage: stage, Platform: "moon"})
	record.Release = &release
	r.state.Records[target] = &record
}

// TestSoaksWhereItHasAnotherName: stages side by side that call one release otherwise, as
// two functions do that have its code, both run it.
func TestSoaksWhereItHasAnotherName(t *testing.T) {
	r := newRig(t, staged(fan, "soak: 2h"))
	r.platform.runs["web-eu"], r.platform.runs["web-us"] = live("r3"), live("r3")
	r.carry(r.passes(r.promote("world")))
	r.stood("web-eu", "eu", driver.Release{ID: "r3", Origin: "a3"})
	r.stood("web-us", "us", driver.Release{ID: "c3", Origin: "a3"})
	if moves := r.reconcile().Moves; len(moves) != 1 || moves[0].Pending == nil || moves[0].Pending.Kind != rollout.WaitSoak {
		t.Errorf("while it stands on both: %+v", moves)
	}
	r.stood("web-us", "us", driver.Release{ID: "c2", Origin: "a2"})
	r.does(r.reconcile().Moves[0], "Cancel")
}

// TestAutoPromotesWhereItHasAnotherName: what succeeded on stages side by side goes on by
// a rule, whatever each of them calls it, and only where it is the same.
func TestAutoPromotesWhereItHasAnotherName(t *testing.T) {
	for origin, want := range map[string]int{"a3": 1, "a2": 0} {
		r := newRig(t, fan+"automation:\n  - promote: {from: eu, after: 1h}\n")
		r.succeeded("web-dev", "r3")
		r.succeeded("web-eu", "r3")
		r.succeeded("web-us", "r3")
		r.newest("web-eu").Spec.Release = driver.Release{ID: "b3", Origin: "a3"}
		r.newest("web-us").Spec.Release = driver.Release{ID: "c3", Origin: origin}
		r.now = t0.Add(2 * time.Hour)
		if got := r.planner().Rules().Promotions(r.state); len(got) != want {
			t.Errorf("from %s: %d promotions, want %d: %+v", origin, len(got), want, got)
		}
	}
}
