package planner_test

import (
	"testing"
	"time"

	"sluice/rollout"
	"sluice/stages/driver"
)

// TestSoak: a release stands on the stage before since the platform says, or our own
// rollout there was over, or else since it is asked for.
func TestSoak(t *testing.T) {
	file := staged(one, "soak: 2h")
	soaks := func(r *rig) time.Duration {
		t.Helper()
		until := r.move(r.passes(r.promote("prod")), "web").Do[0].(rollout.Create).Spec.SoakUntil
		if until.IsZero() {
			return 0
		}
		return until.Sub(t0)
	}
	r := newRig(t, file)
	if got := soaks(r); got != 2*time.Hour {
		t.Errorf("where nobody knows: %s", got)
	}
	r.platform.runs["web-dev"] = driver.Live{Release: driver.Release{ID: "r2"}, Since: t0.Add(-30 * time.Minute)}
	if got := soaks(r); got != 90*time.Minute {
		t.Errorf("by the platform: %s", got)
	}
	r.platform.runs["web-dev"] = driver.Live{Release: driver.Release{ID: "r2"}, Since: t0.Add(-24 * time.Hour)}
	if got := soaks(r); got != -22*time.Hour {
		t.Errorf("long enough: %s", got)
	}
	if got := soaks(newRig(t, one)); got != 0 {
		t.Errorf("without the key: %s", got)
	}
}

// TestSoaksNoMore: what waits for a release that went back there is cancelled; what
// still stands there waits on.
func TestSoaksNoMore(t *testing.T) {
	r := newRig(t, staged(one, "soak: 2h"))
	r.carry(r.passes(r.promote("prod")))
	source := rollout.New("shop", driver.Target{Name: "web-dev", Stage: "dev", Platform: "moon"})
	source.Release = &driver.Release{ID: "r2"}
	r.state.Records["web-dev"] = &source
	moves := r.reconcile().Moves
	if len(moves) != 1 || moves[0].Pending == nil || moves[0].Pending.Kind != rollout.WaitSoak || !moves[0].Pending.Until.Equal(t0.Add(2*time.Hour)) {
		t.Errorf("while it stands there: %+v", moves)
	}
	r.now = t0.Add(2 * time.Hour)
	if moves := r.reconcile().Moves; len(moves) != 1 || moves[0].Pending != nil || len(moves[0].Do) > 0 {
		t.Errorf("when it stood long enough: %+v", moves)
	}
	source.Release = &driver.Release{ID: "r1"}
	r.does(r.reconcile().Moves[0], "Cancel")
}
