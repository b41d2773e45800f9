package engine_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/stages/driver"
)

// TestRollback: back to what the platform ran before the rollout's first
// effect; and not further.
func TestRollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, canaryWaits))
		w.refused("no rollout of ours", rollback("web"))
		w.must(rollout.StatusSucceeded, promote("prod"))
		w.must(rollout.StatusSucceeded, rollback("web"))
		if got := w.sky().stand("web"); got != (standing{Release: "r1"}) {
			t.Errorf("web stands at %+v", got)
		}
		x := w.newest("web")
		if x.Rollout.RollbackOfRollout != "r2-to-web-0001" || len(x.Rollout.Phases) != 1 {
			t.Errorf("rollback %+v", x.Rollout)
		}
		first := w.record("web").Rollouts[0].Rollout
		if strings.Join(first.RolledBackByRollouts, " ") != x.Rollout.Name {
			t.Errorf("rolled back by %v", first.RolledBackByRollouts)
		}
		w.refused("no rollout of ours", rollback("web"))
	})
}

// TestRollbackOfAStage: each target goes back to its own release; a target that
// nothing happened to is left out.
func TestRollbackOfAStage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, two)
		w.sky().put("web", "r3")
		w.must(rollout.StatusSucceeded, promote("prod", only("web")))
		w.must(rollout.StatusSucceeded, rollback("web", "api"))
		w.had("web deploy", "web rollback")
		w.must(rollout.StatusSucceeded, promote("prod"))
		w.must(rollout.StatusSucceeded, rollback("web", "api"))
		for name, want := range map[string]string{"web": "r3", "api": "r1"} {
			if got := w.sky().stand(name).Release; got != want {
				t.Errorf("%s runs %s, want %s", name, got, want)
			}
		}
	})
}

// TestRollbackInTheMiddle: a rollback of a rollout that is under way ends it.
func TestRollbackInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, canary30))
		w.must(rollout.StatusPending, promote("prod"))
		w.must(rollout.StatusSucceeded, rollback("web"))
		w.had("web weight 10", "web rollback")
		if x := w.record("web").Rollouts[0].Rollout; x.State != rollout.StateCancelled {
			t.Errorf("the first is %s", x.State)
		}
		w.must(rollout.StatusUnchanged, reconcile())
	})
}

// TestRollbackFails: a rollback that fails says so, and is tried again on
// demand.
func TestRollbackFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.must(rollout.StatusSucceeded, promote("prod"))
		w.sky().next("web", driver.Rollback, answer{fail: "web is full"})
		w.must(rollout.StatusFailed, rollback("web"))
		w.is("web", rollout.StateFailed)
		w.must(rollout.StatusSucceeded, order(engine.CommandRetryJob))
		if got := w.sky().stand("web").Release; got != "r1" {
			t.Errorf("web runs %s", got)
		}
	})
}

// TestRollbackOfCanaryPromotion: a canary that somebody else put there is put
// back, too.
func TestRollbackOfCanaryPromotion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		before := standing{Release: "r1", Canary: "r3", Percent: "10"}
		w.sky().intrude("web", before)
		w.must(rollout.StatusSucceeded, promoteCanary("web", true))
		if got := w.sky().stand("web"); got != (standing{Release: "r3"}) {
			t.Errorf("web stands at %+v", got)
		}
		w.must(rollout.StatusSucceeded, rollback("web"))
		if got := w.sky().stand("web"); got != before {
			t.Errorf("web stands at %+v, want %+v", got, before)
		}
	})
}

// TestRollbackWaitsForAnEffect: a rollback does not overtake an effect that is
// under way.
func TestRollbackWaitsForAnEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.sky().slow = time.Hour
		w.must(rollout.StatusPending, promote("prod"))
		w.refused("an effect is under way", rollback("web"))
	})
}

// TestCancel: cancelling removes a canary, keeps a release that is stable, and
// waits for an effect under way.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, canary30))
		w.sky().slow = 20 * time.Minute
		w.must(rollout.StatusPending, promote("prod"))
		w.must(rollout.StatusPending, order(engine.CommandCancel))
		w.is("web", rollout.StateCancelling)
		time.Sleep(20 * time.Minute)
		w.sky().slow = 0
		r := w.do(reconcile())
		if r.err != nil {
			t.Fatal(r.err)
		}
		w.had("web weight 10", "web rollback")
		w.is("web", rollout.StateCancelled)
	})
}

// TestImport: what runs today becomes the first state.
func TestImport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, two)
		p := w.start()
		adopt := func(drift bool) {
			t.Helper()
			if _, err := p.Import(context.WithoutCancel(p.ctx), find(p.Engine, nil), drift); err != nil {
				t.Fatal(err)
			}
		}
		adopt(false)
		if r := w.record("web"); r.Release == nil || r.Release.ID != "r1" {
			t.Errorf("release %v", r.Release)
		}
		commits := w.memory.Commits()
		adopt(false)
		if n := w.memory.Commits() - commits; n != 0 {
			t.Errorf("imported again with %d commits", n)
		}
		w.sky().put("web", "r3")
		adopt(false)
		if r := w.record("web").Release.ID; r != "r1" {
			t.Errorf("drift was taken over: %s", r)
		}
		adopt(true)
		if r := w.record("web").Release.ID; r != "r3" {
			t.Errorf("release %s", r)
		}
		w.had()
	})
}
