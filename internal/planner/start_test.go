package planner_test

import (
	"testing"

	"sluice/internal/planner"
	"sluice/rollout"
	"sluice/stages/driver"
)

// TestStartingPhase: the first effect is that of the phase that was named, and one
// that the target's rollouts do not have is refused.
func TestStartingPhase(t *testing.T) {
	at := func(phase string) func(*planner.Promotion) {
		return func(p *planner.Promotion) { p.StartingPhase = phase }
	}
	r := newRig(t, with(one, canary30))
	m := r.move(r.passes(r.promote("prod", at("canary-50"))), "web")
	if first := m.First.Call; first.Kind != driver.Weight || first.Changes[0].Percent != "50" || first.Changes[0].Phase != "canary-50" {
		t.Errorf("the first effect is %+v", first)
	}
	if m := r.move(r.passes(r.promote("prod", at(rollout.PhaseStable))), "web"); m.First.Call.Kind != driver.Deploy {
		t.Errorf("at stable the first effect is %s", m.First.Call.Kind)
	}
	r.refuses(r.promote("prod", at("canary-20")), "canary-10, canary-50, stable")
}
