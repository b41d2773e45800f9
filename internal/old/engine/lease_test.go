package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/internal/store"
)

// TestTwoRuns: of two runs that start at the same moment one wins; the other
// learns who, and has no effect.
func TestTwoRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.sky().slow = time.Minute
		first, second := w.start(), w.start(other, func(c *engine.Config) { c.Over = nil })
		results := make(chan result, 2)
		go func() { results <- first.run(promote("prod")) }()
		go func() { results <- second.run(promote("prod")) }()
		a, b := <-results, <-results
		if a.err == nil {
			a, b = b, a
		}
		if b.err != nil || b.Status != rollout.StatusSucceeded {
			t.Errorf("the winner ends with %v, %s", b.err, b.Status)
		}
		var held *engine.HeldError
		if !errors.As(a.err, &held) || !strings.Contains(held.Error(), "https://ci.example/") {
			t.Errorf("the loser ends with %v, want who holds it", a.err)
		}
		w.had("web deploy")
		w.is("web", rollout.StateSucceeded)
	})
}

// TestHeld: a second run while the first is at work is told who holds the
// target, whatever it wants; reconcile leaves it alone.
func TestHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.sky().slow = 5 * time.Minute
		done, p := make(chan result), w.start()
		go func() { done <- p.run(promote("prod")) }()
		time.Sleep(time.Minute)
		commits := w.memory.Commits()
		for name, a := range map[string]action{
			"promote": promote("prod"), "rollback": rollback("web"), "cancel": order(engine.CommandCancel, "web"),
			"promote-canary": promoteCanary("web", false),
			"lock": func(ctx context.Context, e *engine.Engine) (rollout.Outcome, error) {
				return e.Lock(ctx, find(e, []string{"web"}), "stop")
			},
		} {
			var held *engine.HeldError
			if r := w.do(a, other, func(c *engine.Config) { c.Over = nil }); !errors.As(r.err, &held) || held.Lock.Holder != "run/1" {
				t.Errorf("%s: %v, want held by run/1", name, r.err)
			}
		}
		r := w.do(reconcile(), other, func(c *engine.Config) { c.Over = nil })
		if r.err != nil || waits(t, r.Outcome, "web", rollout.WaitLock).By != "run/1" {
			t.Errorf("reconcile: %v %+v", r.err, r.Targets)
		}
		if n := w.memory.Commits() - commits; n != 0 {
			t.Errorf("%d commits by those who lost", n)
		}
		if r := <-done; r.err != nil || r.Status != rollout.StatusSucceeded {
			t.Errorf("the holder ends with %v, %s", r.err, r.Status)
		}
		w.had("web deploy")
	})
}

// TestDeadLease: a dead run's lease is broken when it ended, or when its run is
// known to be over; the history says so.
func TestDeadLease(t *testing.T) {
	for name, c := range map[string]struct {
		wait time.Duration
		over bool
		free bool
	}{
		"alive":   {0, false, false},
		"over":    {0, true, true},
		"ended":   {21 * time.Minute, false, true},
		"not yet": {19 * time.Minute, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, one)
				p := w.start()
				p.dieAt = 5
				if r := p.run(promote("prod")); !r.died {
					t.Fatal("it did not die")
				}
				time.Sleep(c.wait)
				r := w.do(promote("prod"), other, func(cfg *engine.Config) {
					cfg.Over = func(context.Context, rollout.Lock) bool { return c.over }
				})
				var held *engine.HeldError
				if broke := r.err == nil; broke != c.free || (!broke && !errors.As(r.err, &held)) {
					t.Fatalf("%v, want free %v", r.err, c.free)
				}
				said := false
				for _, event := range w.record("web").Events {
					said = said || event.Type == "lease.broken" && strings.Contains(event.Message, "run/1")
				}
				if said != c.free {
					t.Errorf("the history says that a lease was broken: %v", said)
				}
			})
		})
	}
}

// TestLostOnTheWay: a run whose record somebody else changes stops at once and
// claims nothing.
func TestLostOnTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, canaryWaits))
		done, p := make(chan result), w.start()
		go func() { done <- p.run(promote("prod")) }()
		time.Sleep(30 * time.Second)
		w.set("web", func(r *rollout.Record) { r.Lock.Holder = "a thief" })
		r := <-done
		if !store.IsConflict(r.err) {
			t.Errorf("error %v, want a conflict", r.err)
		}
		w.had("web weight 10")
		if l := w.record("web").Lock; l == nil || l.Holder != "a thief" {
			t.Errorf("the lock is %+v", l)
		}
	})
}

// TestPersonsLock: a person's lock refuses new promotions and holds effects
// back; it never keeps traffic from being put back.
func TestPersonsLock(t *testing.T) {
	lock := func(ctx context.Context, e *engine.Engine) (rollout.Outcome, error) {
		return e.Lock(ctx, find(e, []string{"web"}), "incident")
	}
	unlock := func(ctx context.Context, e *engine.Engine) (rollout.Outcome, error) {
		return e.Unlock(ctx, find(e, []string{"web"}), "over")
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, `strategy: {canary: {percentages: [10, 50], wait: 30m}}`))
		w.must(rollout.StatusPending, promote("prod"))
		if r := w.do(lock); r.err != nil {
			t.Fatal(r.err)
		}
		w.refused("locked by alice", promote("prod"))
		w.refused("locked by alice", promoteCanary("web", false))
		w.refused("locked already", lock)
		time.Sleep(31 * time.Minute)
		out := w.must(rollout.StatusPending, reconcile())
		waits(t, out, "web", rollout.WaitLock)
		w.had("web weight 10")
		w.must(rollout.StatusSucceeded, order(engine.CommandCancel))
		w.had("web weight 10", "web rollback")
		w.is("web", rollout.StateCancelled)
		if l := w.record("web").Lock; l == nil || !l.Person {
			t.Fatalf("the lock is %+v", l)
		}
		if r := w.do(unlock); r.err != nil {
			t.Fatal(r.err)
		}
		w.refused("nobody has locked it", unlock)
		w.must(rollout.StatusPending, promote("prod"))
	})
}

// TestRollbackUnderLock: a rollback goes through a person's lock.
func TestRollbackUnderLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.must(rollout.StatusSucceeded, promote("prod"))
		w.set("web", func(r *rollout.Record) {
			r.Lock = &rollout.Lock{Holder: "bob", Actor: "bob", Since: time.Now(), Person: true, Reason: "incident"}
		})
		w.must(rollout.StatusSucceeded, rollback("web"))
		w.had("web deploy", "web rollback")
		if l := w.record("web").Lock; l == nil || !l.Person {
			t.Errorf("the lock is %+v", l)
		}
	})
}

// TestLeaseOutlivesChecks: a check that takes longer than the wait budget keeps
// its lease.
func TestLeaseOutlivesChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, `verify: [{run: [soak], timeout: 2h}]`))
		w.checks.takes = 90 * time.Minute
		done, p := make(chan result), w.start()
		go func() { done <- p.run(promote("prod")) }()
		time.Sleep(80 * time.Minute)
		var held *engine.HeldError
		if r := w.do(promote("prod"), other, func(c *engine.Config) { c.Over = nil }); !errors.As(r.err, &held) {
			t.Errorf("error %v, want held", r.err)
		}
		if r := <-done; r.err != nil || r.Status != rollout.StatusSucceeded {
			t.Errorf("the holder ends with %v, %s", r.err, r.Status)
		}
		if n := len(w.checks.list()); n != 1 {
			t.Errorf("the check ran %d times", n)
		}
	})
}
