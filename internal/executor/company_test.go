package executor_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/executor"
	"sluice/internal/ledger"
	"sluice/internal/store"
	"sluice/internal/work"
	"sluice/rollout"
	"sluice/stages/driver"
)

// beside saves something beside whoever holds targets, as lock and an order do.
func (w *world) beside(change rollout.Transition, targets ...string) {
	w.t.Helper()
	ctx := context.WithoutCancel(w.t.Context())
	wk := work.Begin(ctx, work.Clock{}, work.Limits{})
	defer wk.End()
	l := ledger.Open(ctx, ledger.Config{Store: w.memory.Another(), Pipeline: "shop", Run: rollout.Run{ID: "beside"}, Work: wk})
	fresh := func(target string) rollout.Record { return rollout.New("shop", w.targets[target]) }
	_, err := l.SaveBeside(ctx, targets, fresh, func(r *rollout.Record) error { return rollout.Apply(r, change, time.Now()) })
	if err != nil {
		w.t.Fatal(err)
	}
}

func lock(id string) rollout.AddBlock {
	return rollout.AddBlock{Block: rollout.Block{ID: id, Kind: rollout.BlockLock, Scope: rollout.ScopeTarget, Whom: rollout.Everybody, By: "carol", Reason: "incident"}}
}

func order(command string, waits time.Duration) rollout.AddOrder {
	return rollout.AddOrder{Order: rollout.Order{
		ID: "o-" + command, Command: command, By: "bob", Person: true, Reason: "incident", At: time.Now(), WaitsUntil: time.Now().Add(waits), Promotion: "",
	}}
}

// count is how often an effect took place.
func (w *world) count(effect string) int {
	n := 0
	for _, e := range w.platform.done() {
		if e == effect {
			n++
		}
	}
	return n
}

// async runs an invocation beside the test.
func (p *process) async(plan func() result) <-chan result {
	done := make(chan result, 1)
	go func() { done <- plan() }()
	return done
}

// TestLockedRollbackOnce: a lock switches no lease off. A rollback that is
// throttled under a lock is sent once, whoever reconciles meanwhile.
func TestLockedRollbackOnce(t *testing.T) {
	for name, a := range map[string]answer{
		"throttled": {code: driver.Retryable, after: 3 * time.Minute},
		"slow":      {slow: 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "plain", "web")
				w.do("run", w.plan(promotion{}))
				w.beside(lock("l1"), "web")
				w.platform.next("web", driver.Rollback, a)
				p, plan := w.start("back"), w.back("web")
				done := p.async(func() result { return p.do(plan) })
				time.Sleep(time.Minute)
				r := w.start("second").do(w.goOn(nil))
				if !executor.IsConflict(r.row("web").Err) {
					t.Errorf("a second run was let in: %v", r.row("web").Err)
				}
				reconcile := w.goOn(nil)
				reconcile.LeavesHeld = true
				r = w.start("reconcile").do(reconcile)
				var held *ledger.HeldError
				if row := r.row("web"); r.Err != nil || row.Err != nil || !errors.As(row.Left, &held) || held.Run.ID != "back" {
					t.Errorf("reconcile: %v, %v, left to %v", r.Err, row.Err, row.Left)
				}
				if r := <-done; r.Err != nil {
					t.Errorf("the rollback: %v", r.Err)
				}
				if n := w.count("web rollback"); n != 1 {
					t.Errorf("it was rolled back %d times", n)
				}
			})
		})
	}
}

// TestBackBeatsForward: whoever orders to go back is heard by the run that is at
// work: it begins nothing more, lets go, and ends in a conflict that names who
// ordered what.
func TestBackBeatsForward(t *testing.T) {
	for _, command := range []string{rollout.OrderRollback, rollout.OrderCancel} {
		t.Run(command, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "plain", "web")
				p := w.start("run")
				plan := w.plan(promotion{spec: []func(*rollout.Spec){canary(2*time.Minute, "10", "50")}})
				done := p.async(func() result { return p.do(plan) })
				time.Sleep(30 * time.Second)
				begun := time.Now()
				w.beside(order(command, 5*time.Minute), "web")
				r := <-done
				if waited := time.Since(begun); waited > 31*time.Second {
					t.Errorf("it was heard after %s", waited)
				}
				var ordered *executor.OrderedError
				if !errors.As(r.Err, &ordered) || ordered.Order.By != "bob" || ordered.Order.Command != command || !executor.IsConflict(r.Err) {
					t.Errorf("it ended with %v", r.Err)
				}
				if got := w.platform.done(); !slices.Equal(got, []string{"web weight 10"}) {
					t.Errorf("effects %q", got)
				}
				w.free("web")
			})
		})
	}
}

// TestOrderBeforeEffect: an order that comes while the intent is saved keeps its
// effect from being sent.
func TestOrderBeforeEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		w.platform.lag = 10 * time.Second // Prepare takes so long
		p, plan := w.start("run"), w.plan(promotion{})
		done := p.async(func() result { return p.do(plan) })
		time.Sleep(5 * time.Second)
		w.beside(order(rollout.OrderCancel, 5*time.Minute), "web")
		r := <-done
		if !executor.IsConflict(r.Err) {
			t.Errorf("it ended with %v", r.Err)
		}
		if w.platform.asked("begin") != 0 {
			t.Error("the effect was sent")
		}
		w.free("web")
	})
}

// overwriting has a process save over whatever is stored, as a store does that cannot
// swap.
func overwriting(p *process) {
	looks := p.world.memory.Another()
	p.store.OnCommit = func(entries []store.Entry) error {
		keys := make([]store.Key, len(entries))
		for i, e := range entries {
			keys[i] = e.Key
		}
		stored, err := looks.Load(context.WithoutCancel(p.ctx), keys...)
		for i := range stored {
			entries[i].Version, entries[i].Generation = stored[i].Version, stored[i].Generation+1
		}
		return err
	}
}

// TestOrderBeforeEffectBlind: also where the store cannot swap, and an intent would
// be written over the order: it is read before.
func TestOrderBeforeEffectBlind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		w.memory.Weak = true
		p := w.start("run", overwriting)
		plan := w.plan(promotion{spec: []func(*rollout.Spec){canary(20*time.Second, "10")}})
		done := p.async(func() result { return p.do(plan) })
		time.Sleep(15 * time.Second)
		w.beside(order(rollout.OrderCancel, 5*time.Minute), "web") // heard when the next phase begins, before it is looked again
		r := <-done
		var ordered *executor.OrderedError
		if !errors.As(r.Err, &ordered) || ordered.Order.By != "bob" {
			t.Errorf("it ended with %v", r.Err)
		}
		if got := w.platform.done(); !slices.Equal(got, []string{"web weight 10"}) {
			t.Errorf("effects %q", got)
		}
		w.free("web")
	})
}

// TestLockBeforeEffect: so does a lock.
func TestLockBeforeEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "fleet", "a", "b")
		w.platform.lag = 10 * time.Second
		p, plan := w.start("run"), w.plan(promotion{})
		done := p.async(func() result { return p.do(plan) })
		time.Sleep(5 * time.Second)
		w.beside(lock("l1"), "a")
		r := <-done
		if k := r.row("a").Waiting.Kind; k != rollout.WaitLock {
			t.Errorf("a waits for %q: %v", k, r.row("a").Err)
		}
		if got := w.platform.done(); !slices.Equal(got, []string{"b deploy"}) {
			t.Errorf("effects %q, want b alone", got)
		}
		w.free("a", "b")
	})
}

// TestNobodyWaits: where whoever ordered no longer waits the holder carries the
// order out itself.
func TestNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		w.platform.slow = 3 * time.Minute
		p := w.start("run")
		plan := w.plan(promotion{spec: []func(*rollout.Spec){canary(time.Minute, "10", "50")}})
		done := p.async(func() result { return p.do(plan) })
		time.Sleep(10 * time.Second)
		w.beside(order(rollout.OrderCancel, time.Minute), "web")
		r := <-done
		if r.Err != nil {
			t.Errorf("it ended with %v", r.Err)
		}
		if got := w.platform.done(); !slices.Equal(got, []string{"web weight 10", "web rollback"}) {
			t.Errorf("effects %q", got)
		}
		w.is("web", rollout.StateCancelled)
	})
}

// TestOrderedRollback: the promotion of a rollback that was ordered is in the
// state before its targets name it, whoever made it.
func TestOrderedRollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web", "api")
		w.platform.slow = 2 * time.Minute
		p, plan := w.start("run"), w.plan(promotion{})
		done := p.async(func() result { return p.do(plan) })
		time.Sleep(10 * time.Second)
		w.beside(order(rollout.OrderRollback, time.Minute), "web", "api")
		if r := <-done; r.Err != nil {
			t.Fatal(r.Err)
		}
		entry := w.promotion("o-rollback")
		if !slices.Equal(slices.Sorted(slices.Values(entry.Members)), []string{"api", "web"}) || entry.Actor != "bob" || entry.Command != "rollback" {
			t.Errorf("the promotion is %+v", entry)
		}
		for _, name := range w.order {
			if n := w.count(name + " rollback"); n != 1 {
				t.Errorf("%s was rolled back %d times", name, n)
			}
		}
		w.do("later", w.goOn(nil)) // what is stored can be read
		w.free("web", "api")
	})
}

// promotion is what the store holds of one.
func (w *world) promotion(id string) rollout.Promotion {
	w.t.Helper()
	entries, err := w.memory.Load(context.WithoutCancel(w.t.Context()), store.Key{Pipeline: "shop", Kind: store.KindPromotion, Target: id})
	if err != nil || entries[0].Version == "" {
		w.t.Fatalf("the state has no promotion %s: %v", id, err)
	}
	p, err := rollout.Decode[rollout.Promotion](entries[0].Data)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// TestCancelledDuringCheck: an order that is carried out while a check of scope
// stage runs leaves the check its end.
func TestCancelledDuringCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		w.checks.takes = map[string]time.Duration{"all": 3 * time.Minute}
		p, plan := w.start("run"), w.plan(promotion{spec: []func(*rollout.Spec){verify(onStage("all"))}})
		done := p.async(func() result { return p.do(plan) })
		time.Sleep(10 * time.Second)
		w.beside(order(rollout.OrderCancel, time.Second), "web")
		if r := <-done; r.Err != nil {
			t.Fatal(r.Err)
		}
		w.is("web", rollout.StateCancelled)
		w.free("web")
	})
}

// TestAdvanceInPlace: an order to advance lets the holder begin the next phase.
func TestAdvanceInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web", "other")
		w.checks.takes = map[string]time.Duration{"slow": 5 * time.Minute}
		p := w.start("run")
		plan := w.plan(promotion{own: map[string][]func(*rollout.Spec){
			"web": {canary(time.Hour, "10"), func(s *rollout.Spec) { s.Gates.Verify = []rollout.Gate{gate("slow")} }}, "other": {},
		}})
		done := p.async(func() result { return p.do(plan) })
		time.Sleep(time.Minute)
		w.beside(order(rollout.OrderAdvance, 5*time.Minute), "web")
		if r := <-done; r.Err != nil {
			t.Fatal(r.Err)
		}
		if len(w.record("web").Orders) != 0 {
			t.Error("the order stands although it was answered")
		}
	})
}

// TestLeaseOutlivesChecks: one target's long check keeps the leases of all.
func TestLeaseOutlivesChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "fleet", "a", "b")
		w.checks.takes = map[string]time.Duration{"slow": 40 * time.Minute, "quick": time.Minute}
		long := rollout.Gate{Run: []string{"slow"}, Timeout: rollout.Duration(2 * time.Hour)}
		p := w.start("run")
		plan := w.plan(promotion{onFailure: rollout.OnFailureRollback, own: map[string][]func(*rollout.Spec){"a": {verify(long)}, "b": {verify(gate("quick"))}}})
		done := p.async(func() result { return p.do(plan) })
		time.Sleep(30 * time.Minute)
		over := func(p *process) {
			p.over = func(context.Context, rollout.Run) (ledger.Fate, error) { return ledger.Alive, nil }
		}
		r := w.start("other", over).do(w.back("b"))
		if !executor.IsConflict(r.Err) {
			t.Errorf("another run took a target whose run was alive and at work: %v", r.Err)
		}
		if r := <-done; r.Err != nil {
			t.Errorf("the run that was alive all the time: %v", r.Err)
		}
		if got := w.platform.done(); !slices.Equal(got, []string{"a deploy", "b deploy"}) {
			t.Errorf("effects %q", got)
		}
	})
}

// TestFollowHolds: a run that only follows what an earlier one began holds the
// target all the same.
func TestFollowHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		w.platform.slow = 20 * time.Minute
		w.do("run", w.plan(promotion{}))
		p := w.start("later")
		done := p.async(func() result { return p.do(w.goOn(nil)) })
		time.Sleep(3 * time.Minute)
		if r := w.start("other").do(w.goOn(nil)); !executor.IsConflict(r.row("web").Err) {
			t.Errorf("another run was let in: %v", r.row("web").Err)
		}
		if r := <-done; r.Err != nil {
			t.Error(r.Err)
		}
		w.is("web", rollout.StateSucceeded)
	})
}

// TestShortLease: where saving the intent took nearly as long as the lease lasts
// nothing is sent.
func TestShortLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		p := w.start("run")
		n := 0
		p.store.OnCommit = func([]store.Entry) error {
			if n++; n == 1 {
				time.Sleep(14*time.Minute + 30*time.Second)
			}
			return nil
		}
		p.limits.Budget = time.Hour
		if r := p.do(w.plan(promotion{read: true})); !ledger.IsUnreadable(r.Err) {
			t.Errorf("it ended with %v", r.Err)
		}
		if w.platform.asked("begin") > 0 {
			t.Error("the effect was sent")
		}
	})
}

// TestLostLease: a run whose lease another broke begins nothing any more.
func TestLostLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		p := w.start("run")
		plan := w.plan(promotion{spec: []func(*rollout.Spec){canary(2*time.Minute, "10", "50")}})
		done := p.async(func() result { return p.do(plan) })
		time.Sleep(30 * time.Second)
		w.do("other", w.goOn(nil, rollout.Cancel{By: rollout.Actor{Login: "bob", Person: true}}), knowing)
		r := <-done
		if !executor.IsConflict(r.Err) {
			t.Errorf("it ended with %v", r.Err)
		}
		if got := w.platform.done(); !slices.Equal(got, []string{"web weight 10", "web rollback"}) {
			t.Errorf("effects %q", got)
		}
	})
}

// TestHaltElsewhere: a target that fails in one job halts those of another, before
// its next effect.
func TestHaltElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", many(20)...)
		w.platform.slow = 10 * time.Second
		w.platform.next("t03", driver.Deploy, answer{fail: "t03 is full"})
		half := func(targets []string) (*process, promotion) {
			return w.start("run"+targets[0], places(1)), promotion{targets: targets, members: w.order, onFailure: rollout.OnFailureHalt, id: "p"}
		}
		a, first := half(w.order[:10])
		b, second := half(w.order[10:])
		one := a.async(func() result { return a.do(w.plan(first)) })
		time.Sleep(time.Second)
		two := b.async(func() result { return b.do(w.plan(second)) })
		ra, rb := <-one, <-two
		if ra.Err != nil || rb.Err != nil {
			t.Errorf("%v, %v", ra.Err, rb.Err)
		}
		failed := w.platform.effects[slices.IndexFunc(w.platform.effects, func(e effect) bool { return e.target == "t03" })].at.Add(w.platform.slow)
		for _, e := range w.platform.effects {
			if e.at.After(failed.Add(2 * time.Second)) {
				t.Errorf("%s began %s after the failure in another job", e.target, e.at.Sub(failed))
			}
		}
		if n := len(w.platform.effects); n < 5 || n > 9 {
			t.Errorf("%d effects", n)
		}
		w.free(w.order...)
	})
}
