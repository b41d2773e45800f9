package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
)

// TestBusySame: an unfinished rollout of the same release is resumed.
func TestBusySame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, canary30))
		first := w.must(rollout.StatusPending, promote("prod"))
		time.Sleep(31 * time.Minute)
		second := w.must(rollout.StatusPending, promote("prod"))
		w.had("web weight 10", "web weight 50")
		if a, b := first.Targets[0].Rollout, second.Targets[0].Rollout; a != b {
			t.Errorf("rollouts %s and %s", a, b)
		}
		time.Sleep(31 * time.Minute)
		w.must(rollout.StatusSucceeded, reconcile())
		for _, p := range w.record("web").Promotions {
			if p.Status != rollout.PromotionSucceeded {
				t.Errorf("promotion %s is %s", p.ID, p.Status)
			}
		}
	})
}

// TestBusyNewer: a newer release queues behind one that has begun, and starts
// when that is over.
func TestBusyNewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, canary30))
		w.must(rollout.StatusPending, promote("prod"))
		w.sky().put("web-dev", "r3")
		out := w.must(rollout.StatusPending, promote("prod"))
		if got := waits(t, out, "web", rollout.WaitQueue); got.By != "r2-to-web-0001" {
			t.Errorf("waits %+v", got)
		}
		if x := w.newest("web"); x.Rollout.State != rollout.StatePending || x.Spec.Release.ID != "r3" {
			t.Errorf("%s of %s", x.Rollout.State, x.Spec.Release.ID)
		}
		for range 3 {
			time.Sleep(31 * time.Minute)
			w.do(reconcile())
		}
		w.had("web weight 10", "web weight 50", "web stable", "web disable", "web weight 10", "web weight 50")
	})
}

// TestSupersede: a newer release replaces one whose deploy job has not started,
// and queues behind one that has.
func TestSupersede(t *testing.T) {
	file := strings.Replace(approval(`approvers: [bob]`), "name: shop\n", "name: shop\nsupersede: true\n", 1)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, file)
		w.must(rollout.StatusPending, promote("prod"))
		w.sky().put("web-dev", "r3")
		out := w.must(rollout.StatusPending, promote("prod"))
		waits(t, out, "web", rollout.WaitApproval)
		first := w.record("web").Rollouts[0].Rollout
		if first.State != rollout.StateCancelled || !strings.Contains(first.FailureReason, "superseded by r3") {
			t.Errorf("the first is %s: %s", first.State, first.FailureReason)
		}
		w.must(rollout.StatusSucceeded, order(engine.CommandApprove), as("bob"))
		w.had("web deploy")
		if got := w.sky().stand("web").Release; got != "r3" {
			t.Errorf("web runs %s", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(strings.Replace(one, "name: shop\n", "name: shop\nsupersede: true\n", 1), canary30))
		w.must(rollout.StatusPending, promote("prod"))
		w.sky().put("web-dev", "r3")
		waits(t, w.must(rollout.StatusPending, promote("prod")), "web", rollout.WaitQueue)
	})
}

// TestBusyOlder: an older release is refused while a newer one is under way.
func TestBusyOlder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, canary30))
		w.must(rollout.StatusPending, promote("prod"))
		w.sky().put("web-dev", "r1")
		w.refused("release r1 is older than r2", promote("prod"))
		w.must(rollout.StatusPending, promote("prod", func(p *engine.Promotion) { p.AllowOlder = true }))
	})
}

// TestQueuedApprovals: an approval of one of two promotions that wait names which.
func TestQueuedApprovals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, approval(`approvers: [bob]`))
		first := w.must(rollout.StatusPending, promote("prod"))
		w.sky().put("web-dev", "r3")
		w.must(rollout.StatusPending, promote("prod"))
		w.refused("several promotions qualify", order(engine.CommandApprove), as("bob"))
		w.must(rollout.StatusSucceeded, orderOf(engine.CommandApprove, first.Promotion), as("bob"))
		w.had("web deploy")
		w.must(rollout.StatusSucceeded, order(engine.CommandApprove), as("bob"))
		w.had("web deploy", "web deploy")
	})
}

// TestRollbackOfQueued: a rollout that was queued is rolled back to what ran
// when it began, not to what was to run then.
func TestRollbackOfQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, canary30))
		w.must(rollout.StatusPending, promote("prod"))
		w.sky().put("web-dev", "r3")
		w.must(rollout.StatusPending, promote("prod"))
		first := w.record("web").Rollouts[0]
		w.must(rollout.StatusSucceeded, orderOf(engine.CommandCancel, first.Spec.Promotion))
		w.must(rollout.StatusPending, reconcile())
		w.must(rollout.StatusSucceeded, rollback("web"))
		x := w.newest("web")
		if got := w.sky().stand("web").Release; got != "r1" || x.Spec.Release.ID != "r1" {
			t.Errorf("web runs %s, its rollback says %s", got, x.Spec.Release.ID)
		}
	})
}
