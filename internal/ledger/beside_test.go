package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/store"
	"sluice/rollout"
)

// TestSaveBeside: an order reaches a target whoever holds it and however busy the
// holder is; a target that was never saved gets a record; a second time nothing
// is saved.
func TestSaveBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		web := a.hold("web")["web"]
		stop := make(chan struct{})
		busy := make(chan struct{})
		go func() {
			defer close(busy)
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(10 * time.Millisecond):
					<-a.Save(rows(is(web, fmt.Sprint(i)))...)
				}
			}
		}()
		time.Sleep(time.Second)
		b := w.start("run-b")
		b.store.when(slowly(15*time.Millisecond), nil) // the holder is always faster
		n := 0
		order := rollout.Order{ID: "o-1", Command: rollout.OrderCancel, By: "anna", At: time.Now().UTC()}
		change := func(r *rollout.Record) error {
			n++
			r.Orders = append(r.Orders, order)
			return nil
		}
		_, err := b.SaveBeside(t.Context(), []string{"web"}, fresh, change)
		if !ledger.IsConflict(err) || n != 30 {
			t.Errorf("after %d tries: %v", n, err)
		}
		b.store.when(slowly(time.Millisecond), nil)
		records, err := b.SaveBeside(t.Context(), []string{"web", "new"}, fresh, func(r *rollout.Record) error {
			return rollout.Apply(r, rollout.AddBlock{Block: block("one")}, time.Now())
		})
		if err != nil || !isBlocked(records["web"], "one") || !isBlocked(records["new"], "one") {
			t.Fatalf("%+v, %v", records, err)
		}
		time.Sleep(time.Second)
		close(stop)
		<-busy
		for _, target := range []string{"web", "new"} {
			if r := w.record(target); !isBlocked(r, "one") || r.Lease != map[string]string{"web": "run-a"}[target] {
				t.Errorf("%s: %+v", target, r)
			}
		}
		commits := b.store.commits()
		if _, err := b.SaveBeside(t.Context(), []string{"web"}, fresh, func(*rollout.Record) error { return nil }); err != nil || b.store.commits() != commits {
			t.Errorf("%v, %d commits for nothing", err, b.store.commits()-commits)
		}
		if s, err := b.Load(t.Context()); err != nil || !s.Index.Has("new") {
			t.Errorf("%+v, %v", s, err)
		}
		a.closes()
		b.closes()
	})
}

// TestSaveBesideRefused: the caller's own refusal ends it, and more than blocks,
// orders and events is not saved.
func TestSaveBesideRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		a.hold("web")
		b := w.start("run-b")
		no := errors.New("no")
		if _, err := b.SaveBeside(t.Context(), []string{"web"}, fresh, func(*rollout.Record) error { return no }); !errors.Is(err, no) {
			t.Errorf("%v", err)
		}
		if _, err := b.SaveBeside(t.Context(), []string{"web"}, fresh, func(r *rollout.Record) error { is(r, "x"); return nil }); err == nil {
			t.Error("a release was changed beside a lease")
		}
		web := b.load("web")["web"]
		if s := <-b.Save(rows(is(web, "x"))...); !isHeldBy(s.Err, "run-a") {
			t.Errorf("a target that another run holds was saved: %v", s.Err)
		}
		if r := w.record("web"); r.Release != nil || r.Generation != 1 {
			t.Errorf("%+v", r)
		}
		a.closes()
		b.closes()
	})
}

// TestWaitFree: the one who waits gets the target soon after it was let go, asks
// seldom, and is told who holds it when the time is over.
func TestWaitFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		a.hold("web")
		b := w.start("run-b")
		until := time.Now().Add(5 * time.Minute)
		if err := b.WaitFree(t.Context(), until, "web", "free"); !isHeldBy(err, "run-a") || !time.Now().Equal(until) {
			t.Errorf("%v after %s", err, 5*time.Minute-time.Until(until))
		}
		if n := b.store.loaded(); n > 45 {
			t.Errorf("%d loads in five minutes", n)
		}
		if n := w.asked["run-a"]; n > 6 {
			t.Errorf("asked %d times in five minutes whether the run is over", n)
		}
		free := time.Now().Add(time.Minute)
		time.AfterFunc(time.Minute, func() { a.closes() })
		if err := b.WaitFree(t.Context(), time.Now().Add(5*time.Minute), "web", "free"); err != nil {
			t.Error(err)
		}
		if d := time.Since(free); d > 20*time.Second {
			t.Errorf("%s after it was let go", d)
		}
		b.hold("web")

		ctx, cancel := context.WithCancel(t.Context())
		c := w.start("run-c")
		time.AfterFunc(time.Second, cancel)
		if err := c.WaitFree(ctx, time.Now().Add(time.Hour), "web"); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		b.closes()
		c.closes()
	})
}

// TestCannotSwap: on a store that overwrites whatever is there, a run whose target
// another has taken finds out at its next renewal, stops, and takes nothing back.
func TestCannotSwap(t *testing.T) {
	for name, take := range map[string]func(w *world){
		"a target was taken": func(w *world) {
			r := w.record("web")
			r.Lease = "run-b"
			r.Generation++
			data, err := rollout.Encode(*r)
			if err != nil {
				w.t.Fatal(err)
			}
			w.memory.Set(store.Key{Pipeline: "shop", Target: "web"}, data)
		},
		"its own entry was ended": func(w *world) {
			r := w.stored("run-a")
			r.Ended = true
			r.Generation++
			data, err := rollout.Encode(*r)
			if err != nil {
				w.t.Fatal(err)
			}
			w.memory.Set(store.Key{Pipeline: "shop", Kind: store.KindRun, Target: "run-a"}, data)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.blind = true
				a := w.start("run-a")
				held := a.hold("web", "api")
				time.Sleep(12 * time.Minute)
				if !a.MayBegin() {
					t.Fatal("the lease was not renewed")
				}
				renewed := w.stored("run-a").Until
				take(w)
				time.Sleep(5 * time.Minute)
				if a.MayBegin() {
					t.Error("something may begin")
				}
				select {
				case err := <-a.Lost():
					if !ledger.IsConflict(err) {
						t.Errorf("%v", err)
					}
				default:
					t.Error("nobody says that the lease is lost")
				}
				if r := w.stored("run-a"); r != nil && !r.Until.Equal(renewed) {
					t.Errorf("the lease was renewed: %+v", r)
				}
				web, commits := w.record("web"), a.store.commits()
				var lost *ledger.LostError
				if s := <-a.Save(rows(is(held["web"], "mine"))...); !errors.As(s.Err, &lost) {
					t.Errorf("saved: %v", s.Err)
				}
				a.closes()
				if a.store.commits() != commits || w.record("web").Generation != web.Generation {
					t.Error("something was written over what another run may hold")
				}
			})
		})
	}
}
