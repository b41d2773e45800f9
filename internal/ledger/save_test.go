package ledger_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/store"
	"sluice/rollout"
	"sluice/stages/driver"
)

// slowly is a store that takes its time to save.
func slowly(d time.Duration) onCommit {
	return func(_ context.Context, entries []store.Entry, next commitFunc) ([]store.Entry, error) {
		time.Sleep(d)
		return next(entries)
	}
}

// TestGrouped: what comes while a commit is under way is saved by the next one,
// with the last content of each entry, whatever becomes of the records meanwhile.
func TestGrouped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		targets := names(100)
		records := a.hold(targets...)
		a.store.when(slowly(time.Second), nil)
		before := a.store.commits()
		var waiting []<-chan ledger.Saved
		for i := range 5 {
			for _, name := range targets {
				waiting = append(waiting, a.Save(rows(is(records[name], string(rune('a'+i))))...))
				if len(waiting) == 1 {
					synctest.Wait() // the first one is under way
				}
			}
		}
		for _, name := range targets {
			is(records[name], "not saved")
		}
		for i, saved := range waiting {
			if s := <-saved; s.Err != nil {
				t.Fatalf("save %d: %v", i, s.Err)
			}
		}
		if n := a.store.commits() - before; n != 2 {
			t.Errorf("%d commits for 500 saves", n)
		}
		for _, name := range targets {
			if r := w.record(name); r.Release.ID != "e" {
				t.Fatalf("%s: %+v", name, r.Release)
			}
		}
		first, last := w.record(targets[0]), w.record(targets[99])
		if first.Generation != 3 || last.Generation != 2 { // the first one was in both commits
			t.Errorf("generations %d and %d", first.Generation, last.Generation)
		}
		if n := a.Generation(ledger.Target(targets[0])); n != 3 {
			t.Errorf("the ledger says generation %d", n)
		}
		a.closes()
	})
}

// TestGathered: several who each save again as soon as they are told go into one
// commit each time, and do not take turns; one alone never waits.
func TestGathered(t *testing.T) {
	for places, took := range map[int]time.Duration{8: 5*80*time.Millisecond + 5*10*time.Millisecond, 1: 5 * 80 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			a := w.start("run-a")
			targets := names(places)
			records := a.hold(targets...)
			a.store.when(slowly(80*time.Millisecond), nil)
			before, began := a.store.commits(), time.Now()
			var all sync.WaitGroup
			for _, name := range targets {
				all.Go(func() {
					for i := range 5 {
						if s := <-a.Save(rows(is(records[name], string(rune('a'+i))))...); s.Err != nil {
							t.Error(s.Err)
						}
					}
				})
			}
			all.Wait()
			if n := a.store.commits() - before; n > 6 || places == 1 && n != 5 { // the very first may be alone
				t.Errorf("%d commits for %d times 5 saves", n, places)
			}
			if d := time.Since(began); places == 1 && d != took || d > took+100*time.Millisecond {
				t.Errorf("%d places took %s", places, d)
			}
			a.closes()
		})
	}
}

// TestSetsTogether: several sets handed over at once are one commit, and each has
// its own fate.
func TestSetsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		records := a.load("web", "api", "db")
		b := w.start("run-b")
		b.hold("api")
		list := sorted(records, []string{"web", "api", "db"})
		if _, err := a.Take(t.Context(), list...); err != nil {
			t.Fatal(err)
		}
		waiting := a.SaveSets(rows(list[0]), rows(list[1]), rows(list[2]))
		web, api, db := <-waiting[0], <-waiting[1], <-waiting[2]
		if web.Err != nil || db.Err != nil || !isHeldBy(api.Err, "run-b") {
			t.Errorf("%v, %v, %v", web.Err, api.Err, db.Err)
		}
		if n := a.store.commits(); n != 2 { // with api, and without
			t.Errorf("%d commits", n)
		}
		a.closes()
		b.closes()
	})
}

// TestSetNotSplit: of a set that loses one record none is saved, on a store that
// is atomic; the others of the commit are.
func TestSetNotSplit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		records := a.load("web", "api", "db")
		w.start("run-b").hold("api")
		list := sorted(records, []string{"web", "api", "db"})
		if _, err := a.Take(t.Context(), list...); err != nil {
			t.Fatal(err)
		}
		waiting := a.SaveSets(rows(list[0], list[1]), rows(list[2]))
		if s := <-waiting[0]; !isHeldBy(s.Err, "run-b") {
			t.Errorf("the set that lost: %v", s.Err)
		}
		if s := <-waiting[1]; s.Err != nil {
			t.Errorf("the other: %v", s.Err)
		}
		if w.record("web") != nil || w.record("db").Lease != "run-a" {
			t.Errorf("web %+v, db %+v", w.record("web"), w.record("db"))
		}
		a.closes()
	})
}

// TestFailedSave: after a failed save everything is as before: the next save of
// the record has the next generation, and what failed together fails for all.
func TestFailedSave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		records := a.hold("web", "api")
		full := &store.UnreadableError{Op: "write", Err: errors.New("disk full"), Remedy: "make room"}
		fails := true
		a.store.when(func(_ context.Context, entries []store.Entry, next commitFunc) ([]store.Entry, error) {
			time.Sleep(time.Second)
			if fails {
				return nil, full
			}
			return next(entries)
		}, nil)
		first := a.Save(rows(is(records["web"], "one"))...)
		synctest.Wait() // it is under way: the next one counts on its success
		second := a.SaveSets(rows(is(records["web"], "two")), rows(is(records["api"], "two")))
		for i, c := range append(second, first) {
			if s := <-c; !errors.Is(s.Err, full) {
				t.Errorf("save %d: %v", i, s.Err)
			}
		}
		if g := w.record("web").Generation; g != 1 || a.Generation(ledger.Target("web")) != 1 {
			t.Errorf("generation %d stored, %d known", g, a.Generation(ledger.Target("web")))
		}
		fails = false
		a.saves(records["web"], records["api"])
		if r := w.record("web"); r.Generation != 2 || r.Release.ID != "two" {
			t.Errorf("%d %+v", r.Generation, r.Release)
		}
		a.closes()
	})
}

// TestFailedThenNext: a save that was encoded while another was under way has the
// right generation although that one failed.
func TestFailedThenNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		records := a.hold("web")
		n := 0
		a.store.when(func(_ context.Context, entries []store.Entry, next commitFunc) ([]store.Entry, error) {
			time.Sleep(time.Second)
			if n++; n == 1 {
				return nil, &store.UnreadableError{Op: "write", Err: errors.New("once"), Remedy: "try again"}
			}
			return next(entries)
		}, nil)
		first := a.Save(rows(is(records["web"], "one"))...)
		synctest.Wait()
		second := a.Save(rows(is(records["web"], "two"))...)
		if s := <-first; s.Err == nil {
			t.Fatal("it did not fail")
		}
		if s := <-second; s.Err != nil {
			t.Fatal(s.Err)
		}
		if r := w.record("web"); r.Generation != 2 || r.Release.ID != "two" {
			t.Errorf("%d %+v", r.Generation, r.Release)
		}
		a.closes()
	})
}

// TestAnswerLost: a save whose answer alone was lost is a save.
func TestAnswerLost(t *testing.T) {
	for name, piecemeal := range map[string]bool{"atomic": false, "entry by entry": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.piecemeal = piecemeal
				a := w.start("run-a")
				lost := &store.UnreadableError{Op: "write", Err: errors.New("connection reset"), Remedy: "try again"}
				a.store.when(func(_ context.Context, entries []store.Entry, next commitFunc) ([]store.Entry, error) {
					if _, err := next(entries); err != nil {
						return nil, err
					}
					return nil, lost
				}, nil)
				records := a.hold("web", "api")
				a.saves(is(records["web"], "one"), is(records["api"], "one"))
				a.saves(is(records["web"], "two"))
				if r := w.record("web"); r.Generation != 3 || r.Release.ID != "two" {
					t.Errorf("%d %+v", r.Generation, r.Release)
				}
				a.closes()
				if w.record("web").Lease != "" || w.stored("run-a") != nil {
					t.Error("it is still held")
				}
			})
		})
	}
}

// TestAnswerLostForLong: where nobody can say whether a save arrived it is an
// error; that it did is recognised later, with what others saved on top of it.
func TestAnswerLostForLong(t *testing.T) {
	for name, locked := range map[string]bool{"alone": false, "with a block beside": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				a := w.start("run-a")
				records := a.hold("web")
				away := &store.UnreadableError{Op: "write", Err: errors.New("no route to host"), Remedy: "try again"}
				a.store.when(func(_ context.Context, entries []store.Entry, next commitFunc) ([]store.Entry, error) {
					_, err := next(entries)
					return nil, errors.Join(err, away)
				}, func(context.Context, []store.Key, loadFunc) ([]store.Entry, error) { return nil, away })
				if s := <-a.Save(rows(is(records["web"], "one"))...); !errors.Is(s.Err, away) || !ledger.IsUnreadable(s.Err) {
					t.Fatalf("%v", s.Err)
				}
				if g := a.Generation(ledger.Target("web")); g != 1 {
					t.Errorf("generation %d is known", g)
				}
				if locked {
					w.locks("beside", "web")
				}
				a.store.when(nil, nil)
				saved := a.saves(is(records["web"], "two"))
				r := w.record("web")
				if r.Release.ID != "two" || isBlocked(r, "beside") != locked || (len(saved.Theirs) == 1) != locked {
					t.Errorf("%+v, theirs %+v", r, saved.Theirs)
				}
				a.closes()
			})
		})
	}
}

// TestBeside: what others save beside a lease is in what the holder saves next,
// also in what it had handed over before it knew, and nothing is lost by either.
func TestBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		records := a.hold("web", "api")
		web := records["web"]
		w.locks("one", "web", "api")

		saved := a.saves(is(web, "a"))
		if len(saved.Theirs) != 1 || saved.Theirs[0].Key != ledger.Target("web") || !isBlocked(saved.Theirs[0].Record(), "one") {
			t.Fatalf("theirs: %+v", saved.Theirs)
		}
		// The caller goes on without having taken it over: still nothing is lost.
		a.saves(is(web, "b"))
		if r := w.record("web"); r.Release.ID != "b" || !isBlocked(r, "one") {
			t.Errorf("%+v", r)
		}
		if !isBlocked(web, "one") {
			t.Error("the caller's record lacks what is stored")
		}
		saved.Theirs[0].Into(web)
		if n := len(web.Blocks); n != 1 {
			t.Errorf("%d blocks after it was taken over twice", n)
		}

		// Handed over before the block was found, and after.
		a.store.when(slowly(time.Second), nil)
		first := a.Save(rows(is(web, "c"))...)
		synctest.Wait()
		second := a.Save(rows(is(web, "d"))...)
		w.locks("two", "web") // while the first commit is on its way
		if s := <-first; s.Err != nil || len(s.Theirs) != 1 {
			t.Errorf("%v, theirs %+v", s.Err, s.Theirs)
		}
		if s := <-second; s.Err != nil {
			t.Errorf("%v", s.Err)
		}
		if r := w.record("web"); r.Release.ID != "d" || !isBlocked(r, "one") || !isBlocked(r, "two") {
			t.Errorf("%+v", r)
		}
		a.store.when(nil, nil)

		// The holder's own end of a block stands, too.
		if err := rollout.Apply(web, rollout.EndBlock{ID: "one", By: rollout.Actor{Login: "anna", Person: true, Reason: "over"}}, time.Now()); err != nil {
			t.Fatal(err)
		}
		w.locks("three", "web")
		a.saves(web)
		if r := w.record("web"); isBlocked(r, "one") || !isBlocked(r, "two") || !isBlocked(r, "three") {
			t.Errorf("blocks %+v", r.Blocks)
		}
		a.closes()
	})
}

// TestOrders: what others saved beside the lease is told, once, in one call of
// the store, and the next save needs no second try.
func TestOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		records := a.hold("web", "api", "db")
		if theirs, err := a.Orders(t.Context()); err != nil || len(theirs) != 0 {
			t.Fatalf("%+v, %v", theirs, err)
		}
		w.locks("one", "web", "api")
		loads, commits := a.store.loaded(), a.store.commits()
		theirs, err := a.Orders(t.Context())
		if err != nil || len(theirs) != 2 || theirs[0].Key != ledger.Target("api") || !isBlocked(theirs[1].Record(), "one") {
			t.Fatalf("%+v, %v", theirs, err)
		}
		if n := a.store.loaded() - loads; n != 1 {
			t.Errorf("%d loads", n)
		}
		if again, err := a.Orders(t.Context()); err != nil || len(again) != 0 {
			t.Errorf("told again: %+v, %v", again, err)
		}
		for _, x := range theirs {
			x.Into(records[x.Key.Name])
			x.Into(records["db"]) // not its own: nothing
		}
		if len(records["db"].Blocks) != 0 || !isBlocked(records["web"], "one") {
			t.Errorf("db %+v, web %+v", records["db"].Blocks, records["web"].Blocks)
		}
		a.saves(is(records["web"], "x"), is(records["api"], "x"))
		if n := a.store.commits() - commits; n != 1 || len(w.record("web").Blocks) != 1 {
			t.Errorf("%d commits, blocks %+v", n, w.record("web").Blocks)
		}
		a.closes()
	})
}

// TestNotBeside: a record of ours in which another run changed more than it may
// is lost, not merged.
func TestNotBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		records := a.hold("web", "api")
		r := w.record("web")
		r.Lease, r.Release = "run-thief", nil
		r.Generation++
		data, err := rollout.Encode(*is(r, "stolen"))
		if err != nil {
			t.Fatal(err)
		}
		w.memory.Set(store.Key{Pipeline: "shop", Target: "web"}, data)
		waiting := a.SaveSets(rows(is(records["web"], "mine")), rows(is(records["api"], "mine")))
		if s := <-waiting[0]; !isHeldBy(s.Err, "run-thief") {
			t.Errorf("web: %v", s.Err)
		}
		if s := <-waiting[1]; s.Err != nil {
			t.Errorf("api: %v", s.Err)
		}
		if s := <-a.Save(rows(is(records["web"], "mine"))...); !ledger.IsConflict(s.Err) {
			t.Errorf("it is saved again without having been loaded again: %v", s.Err)
		}
		if r := a.load("web")["web"]; r.Release.ID != "stolen" || r.Lease != "run-thief" {
			t.Errorf("%+v", r)
		}
		a.closes()
	})
}

// TestTakenByAnother: orders say so where a target is another's now.
func TestTakenByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		a.hold("web", "api")
		r := w.record("web")
		r.Lease = "run-thief"
		r.Generation++
		data, err := rollout.Encode(*r)
		if err != nil {
			t.Fatal(err)
		}
		w.memory.Set(store.Key{Pipeline: "shop", Target: "web"}, data)
		w.locks("beside", "api")
		theirs, err := a.Orders(t.Context())
		if !isHeldBy(err, "run-thief") || len(theirs) != 1 || theirs[0].Key != ledger.Target("api") {
			t.Errorf("orders: %+v, %v", theirs, err)
		}
		a.closes()
		if r := w.record("web"); r.Lease != "run-thief" {
			t.Errorf("%+v", r)
		}
	})
}

// TestTakenBack: what a store that cannot save all or none saved of a set that
// took targets is taken back; the history says so; promotions are there before
// the targets that name them.
func TestTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.piecemeal = true
		z := w.start("run-z")
		web := z.hold("web")["web"]
		z.saves(is(web, "before"))
		z.closes()

		a := w.start("run-a")
		records := a.load("web", "api", "new")
		b := w.start("run-b")
		b.hold("api")
		list := sorted(records, []string{"web", "api", "new"})
		if _, err := a.Take(t.Context(), list...); err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			is(r, "after")
			spec := rollout.Spec{Promotion: "p-1", Command: "promote", Release: driver.Release{ID: "r2"}, Target: driver.Target{Name: r.Target}, Phases: rollout.PhasesOf(nil, false)}
			if err := rollout.Apply(r, rollout.Create{Spec: spec}, time.Now()); err != nil {
				t.Fatal(err)
			}
			rollout.Settle(r, nil, rollout.Setting{}, time.Now())
		}
		a.store.when(func(_ context.Context, entries []store.Entry, next commitFunc) ([]store.Entry, error) {
			saved, err := next(entries)
			if store.IsConflict(err) { // before it is taken back, somebody else is faster once more
				w.locks("beside", "web", "new")
			}
			return saved, err
		}, nil)
		p := &rollout.Promotion{Schema: rollout.Schema, Pipeline: "shop", ID: "p-1", Members: []string{"web", "api", "new"}}
		saved := <-a.Save(append(rows(list...), ledger.Row{Promotion: p})...)
		if !isHeldBy(saved.Err, "run-b") {
			t.Errorf("%v", saved.Err)
		}
		r := w.record("web")
		if r.Lease != "" || r.Release.ID != "before" || len(r.Rollouts) != 0 || !isBlocked(r, "beside") || !isBlocked(w.record("new"), "beside") {
			t.Errorf("web: %+v", r)
		}
		if !slices.ContainsFunc(r.Events, func(e rollout.Event) bool { return e.Type == "promotion.withdrawn" }) {
			t.Errorf("events: %+v", r.Events)
		}
		if open := stillOpen(r.Events); len(open) > 0 {
			t.Errorf("begun and never over: %v", open)
		}
		if r := w.record("new"); r.Lease != "" || r.Release != nil || len(r.Rollouts) != 0 || len(r.Events) == 0 {
			t.Errorf("what was new: %+v", r)
		}
		if w.entry(store.KindPromotion, "p-1").Version == "" {
			t.Error("a promotion entry, which other jobs may name, was taken away")
		}
		first := a.store.log[0]
		if !slices.Contains(first, store.Key{Pipeline: "shop", Kind: store.KindPromotion, Target: "p-1"}) ||
			slices.ContainsFunc(first, func(k store.Key) bool { return k.Kind == store.KindTarget }) {
			t.Errorf("first was saved %v", first)
		}
		if s := <-a.Save(rows(list[0])...); !ledger.IsConflict(s.Err) {
			t.Errorf("what was taken back is saved again: %v", s.Err)
		}
		a.closes()
		if w.stored("run-a") != nil {
			t.Error("the run's entry is still there")
		}
		c := w.start("run-c")
		c.hold("web", "new") // free, and in order
		c.closes()
		b.closes()
	})
}

// stillOpen are the actions that were begun and are not over.
func stillOpen(events []rollout.Event) []string {
	var open []string
	for _, e := range events {
		open = slices.DeleteFunc(open, func(action string) bool { return action == e.Action })
		if e.Temporary {
			open = append(open, e.Action)
		}
	}
	return open
}

// TestNamedFirst: on a store that cannot save all or none, what a record names is
// durable before it, and the index after it, so that a process that dies between
// two of them leaves nothing that cannot be read.
func TestNamedFirst(t *testing.T) {
	for dies := range 6 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.piecemeal = true
			a := w.start("run-a")
			records := a.load("web", "api")
			list := sorted(records, []string{"web", "api"})
			if _, err := a.Take(t.Context(), list...); err != nil {
				t.Fatal(err)
			}
			for _, r := range list {
				spec := rollout.Spec{Promotion: "p-1", Command: "promote"}
				if err := rollout.Apply(r, rollout.Create{Spec: spec}, time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			n := 0
			a.store.when(func(_ context.Context, entries []store.Entry, next commitFunc) ([]store.Entry, error) {
				for i := range entries {
					if n++; n > dies {
						a.dies()
						return nil, errDead
					}
					if _, err := next(entries[i : i+1]); err != nil {
						return nil, err
					}
				}
				return nil, errDead
			}, nil)
			p := &rollout.Promotion{Schema: rollout.Schema, Pipeline: "shop", ID: "p-1", Members: []string{"web", "api"}}
			<-a.Save(append(rows(list...), ledger.Row{Promotion: p})...)
			w.fates["run-a"] = ledger.Over
			b := w.start("run-b")
			s, err := b.Load(t.Context(), "web", "api")
			if err != nil {
				t.Fatalf("after %d entries: %v", dies, err)
			}
			for target, r := range s.Records {
				if s.Promotions["p-1"] == nil || s.Runs["run-a"] == nil {
					t.Errorf("after %d entries %s names what is not there: %+v", dies, target, r)
				}
			}
			b.hold("web", "api")
			b.closes()
		})
	}
}

// TestMissing: what the index or a record names and what is not there is
// unreadable, never new.
func TestMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		r := a.hold("web", "api")["web"]
		if err := rollout.Apply(r, rollout.Create{Spec: rollout.Spec{Promotion: "p-1"}}, time.Now()); err != nil {
			t.Fatal(err)
		}
		a.saves(r)
		a.closes()
		remove(t, w, store.Key{Pipeline: "shop", Target: "api"})
		b := w.start("run-b")
		for target, what := range map[string]string{"api": "the pipeline's index names it", "web": "the record of web names it"} {
			var u *ledger.UnreadableError
			_, err := b.Load(t.Context(), target)
			if !errors.As(err, &u) || !ledger.IsUnreadable(err) || !strings.Contains(err.Error(), what) || u.Remedy == "" {
				t.Errorf("%s: %v", target, err)
			}
		}
		if s, err := b.Load(t.Context(), "new"); err != nil || s.Records["new"] != nil {
			t.Errorf("a target that was never saved: %v", err)
		}
		b.closes()
	})
}

func remove(t *testing.T, w *world, k store.Key) {
	t.Helper()
	m := w.memory.Another()
	e, err := m.Load(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	e[0].Generation++
	e[0].Data = nil
	if _, err := m.Commit(t.Context(), e...); err != nil {
		t.Fatal(err)
	}
}

// TestRemoved: a target that was renamed leaves the store and the index together.
func TestRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		a.hold("web", "api")
		old := a.hold("old")["old"]
		renamed := old.Clone()
		renamed.Target = "young"
		renamed.Generation = 0
		a.load("young")
		if s := <-a.Save(ledger.Row{Record: &renamed}, ledger.Row{Remove: ledger.Target("old")}); s.Err != nil {
			t.Fatal(s.Err)
		}
		a.closes()
		s, err := w.start("run-b").Load(t.Context(), "old", "young", "web")
		if err != nil || s.Records["old"] != nil || s.Records["young"].Lease != "" || !slices.Equal(s.Index.Targets, []string{"api", "web", "young"}) {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// TestIndexOfTwo: two runs that save new targets at once both stand in the index.
func TestIndexOfTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start("run-a"), w.start("run-b")
		mine, theirs := a.load("web"), b.load("api")
		for r, records := range map[*run]map[string]*rollout.Record{a: mine, b: theirs} {
			for _, record := range records {
				if _, err := r.Take(t.Context(), record); err != nil {
					t.Fatal(err)
				}
				r.saves(record)
			}
		}
		a.closes()
		b.closes()
		s, err := w.start("run-c").Load(t.Context())
		if err != nil || !slices.Equal(s.Index.Targets, []string{"api", "web"}) {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// TestHistory: what a record no longer holds is in the target's history, saved
// with it, once, and within the bound; a save that fails loses none of it.
func TestHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		web := a.hold("web")["web"]
		moved := func(name string, id int64) rollout.Moved {
			return rollout.Moved{
				Rollouts: []rollout.Execution{{Rollout: rollout.Rollout{Name: name, State: rollout.StateSucceeded}, Steps: []rollout.Step{}}},
				Events:   []rollout.Event{{ID: id, Type: "rollout.succeeded", Time: time.Now().UTC(), Rollout: name}},
			}
		}
		save := func(m rollout.Moved) error { return (<-a.Save(ledger.Row{Record: web, Moved: m})).Err }
		if err := save(moved("one", 1)); err != nil {
			t.Fatal(err)
		}
		if n := len(a.store.log[a.store.commits()-1]); n != 2 {
			t.Errorf("the record and its history are %d entries of one commit", n)
		}
		a.saves(web)
		if n := len(a.store.log[a.store.commits()-1]); n != 1 {
			t.Errorf("what is in the history already makes %d entries of one commit", n)
		}
		a.store.when(func(context.Context, []store.Entry, commitFunc) ([]store.Entry, error) {
			return nil, &store.UnreadableError{Op: "write", Err: errors.New("down"), Remedy: "wait"}
		}, nil)
		if err := save(moved("two", 2)); err == nil {
			t.Fatal("it did not fail")
		}
		a.store.when(nil, nil)
		for i, name := range []string{"three", "four"} {
			if err := save(moved(name, int64(i+3))); err != nil {
				t.Fatal(err)
			}
		}
		h, err := a.Histories(t.Context(), "web", "api")
		if err != nil || h["api"] != nil {
			t.Fatalf("%+v, %v", h, err)
		}
		var names []string
		for _, e := range h["web"].Rollouts {
			names = append(names, e.Rollout.Name)
		}
		if !slices.Equal(names, []string{"two", "three", "four"}) || len(h["web"].Events) != 4 { // state.history is 3
			t.Errorf("%v, %d events", names, len(h["web"].Events))
		}
		a.closes()
	})
}

// TestHistoryForgotten: a caller that loads a record again, after the save that
// moved something from it failed, has it in the record again: nothing moves.
func TestHistoryForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		web := a.hold("web")["web"]
		web.Lease = ""
		a.saves(web)
		a.store.when(func(context.Context, []store.Entry, commitFunc) ([]store.Entry, error) {
			return nil, &store.UnreadableError{Op: "write", Err: errors.New("down"), Remedy: "wait"}
		}, nil)
		moved := rollout.Moved{Events: []rollout.Event{{ID: 1, Type: "rollout.succeeded", Time: time.Now().UTC()}}}
		if s := <-a.Save(ledger.Row{Record: web, Moved: moved}); s.Err == nil {
			t.Fatal("it did not fail")
		}
		a.store.when(nil, nil)
		a.hold("web")
		if h, err := a.Histories(t.Context(), "web"); err != nil || h["web"] != nil {
			t.Errorf("%+v, %v", h, err)
		}
		a.closes()
	})
}

// TestLoadOfHeld: what this run holds is as it was last saved: what others saved
// beside its lease since is taken over by a save alone, and not lost to one.
func TestLoadOfHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		web := a.hold("web")["web"]
		a.saves(is(web, "one"))
		w.locks("beside", "web")
		if r := a.load("web")["web"]; r.Release.ID != "one" || isBlocked(r, "beside") {
			t.Errorf("%+v", r)
		}
		a.saves(is(web, "two"))
		if r := w.record("web"); r.Release.ID != "two" || !isBlocked(r, "beside") || r.PipelineDigest != "sha256:file" {
			t.Errorf("%+v", r)
		}
		a.closes()
	})
}

// TestMadeAnew: what was once saved beside a lease does not come back in a record
// that was removed and made anew since.
func TestMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		web := a.hold("web")["web"]
		w.locks("beside", "web")
		web.Lease = ""
		a.saves(is(web, "three"))
		k := store.Key{Pipeline: "shop", Target: "web"}
		remove(t, w, k)
		made := fresh("web")
		made.Generation = 1
		data, err := rollout.Encode(made)
		if err != nil {
			t.Fatal(err)
		}
		w.memory.Set(k, data)
		a.hold("web")
		if r := w.record("web"); isBlocked(r, "beside") || r.Release != nil {
			t.Errorf("%+v", r)
		}
		a.closes()
	})
}

// TestOrdersWhileSaving: orders that were read before a save, and are looked at
// after it, do not undo what the save found out.
func TestOrdersWhileSaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		web := a.hold("web")["web"]
		w.locks("one", "web")
		a.store.when(nil, func(_ context.Context, _ []store.Key, next loadFunc) ([]store.Entry, error) {
			found, err := next()
			time.Sleep(time.Minute)
			return found, err
		})
		looked := make(chan error)
		go func() {
			theirs, err := a.Orders(t.Context())
			if err == nil && len(theirs) != 0 {
				err = errors.New("it is told although the save told it")
			}
			looked <- err
		}()
		synctest.Wait()
		a.store.when(nil, nil)
		if s := a.saves(is(web, "two")); len(s.Theirs) != 1 {
			t.Errorf("theirs %+v", s.Theirs)
		}
		if err := <-looked; err != nil {
			t.Error(err)
		}
		a.saves(is(web, "three"))
		if r := w.record("web"); r.Release.ID != "three" || !isBlocked(r, "one") {
			t.Errorf("%+v", r)
		}
		a.closes()
	})
}

// TestLoadWhileSaving: what is saved while it is being read is as it was saved,
// and its next save is no conflict with ourselves.
func TestLoadWhileSaving(t *testing.T) {
	for name, queued := range map[string]bool{"saved meanwhile": false, "still to be saved": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				a := w.start("run-a")
				s, err := a.Load(t.Context(), "web")
				if err != nil {
					t.Fatal(err)
				}
				a.store.when(nil, func(_ context.Context, _ []store.Key, next loadFunc) ([]store.Entry, error) {
					found, err := next()
					time.Sleep(time.Minute)
					return found, err
				})
				done := make(chan error)
				go func() { done <- a.LoadPromotions(t.Context(), s, "p-1") }()
				synctest.Wait()
				takes := time.Second
				if queued {
					takes = 2 * time.Minute
				}
				a.store.when(slowly(takes), nil)
				p := &rollout.Promotion{Schema: rollout.Schema, Pipeline: "shop", ID: "p-1", Members: []string{"web"}}
				first := a.Save(ledger.Row{Promotion: p})
				if err := <-done; err != nil || (s.Promotions["p-1"] != nil) == queued {
					t.Errorf("%+v, %v", s.Promotions, err)
				}
				if saved := <-first; saved.Err != nil {
					t.Error(saved.Err)
				}
				p.EndTime = time.Now().UTC()
				if saved := <-a.Save(ledger.Row{Promotion: p}); saved.Err != nil {
					t.Errorf("the next save: %v", saved.Err)
				}
				a.closes()
			})
		})
	}
}

// TestPromotionOfTwo: what two jobs save of one promotion at once is kept by both;
// a check that both begin is begun by one.
func TestPromotionOfTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start("run-a"), w.start("run-b")
		p := &rollout.Promotion{Schema: rollout.Schema, Pipeline: "shop", ID: "p-1", Members: []string{"web", "api"}}
		if s := <-a.Save(ledger.Row{Promotion: p}); s.Err != nil {
			t.Fatal(s.Err)
		}
		s, err := b.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := b.LoadPromotions(t.Context(), s, "p-1", "p-never"); err != nil || s.Promotions["p-never"] != nil {
			t.Fatal(err)
		}
		theirs := s.Promotions["p-1"]
		theirs.Halted = &rollout.Halt{By: "api", At: time.Now().UTC()}
		if s := <-b.Save(ledger.Row{Promotion: theirs}); s.Err != nil {
			t.Fatal(s.Err)
		}
		p.Skips = []rollout.Skip{{Target: "web", By: "anna"}}
		saved := <-a.Save(ledger.Row{Promotion: p})
		if saved.Err != nil || len(saved.Theirs) != 1 || saved.Theirs[0].Record() != nil {
			t.Fatalf("%+v", saved)
		}
		if !saved.Theirs[0].IntoPromotion(p) || p.Halted == nil || len(p.Skips) != 1 {
			t.Errorf("%+v", p)
		}
		fresh, err := b.Fresh(t.Context(), ledger.Promotion("p-1"))
		if err != nil || fresh.Promotions["p-1"].Halted == nil || len(fresh.Promotions["p-1"].Skips) != 1 {
			t.Errorf("%+v, %v", fresh, err)
		}

		check := rollout.StageCheck{Phase: "stable", Run: 1, State: rollout.CheckRunning}
		for r, x := range map[*run]*rollout.Promotion{a: p, b: theirs} {
			check.By = r.id
			x.Checks = append(x.Checks, check)
		}
		one, two := <-a.Save(ledger.Row{Promotion: p}), <-b.Save(ledger.Row{Promotion: theirs})
		if one.Err != nil || !ledger.IsConflict(two.Err) {
			t.Errorf("%v, %v", one.Err, two.Err)
		}
		a.closes()
		b.closes()
	})
}

// TestInterrupted: what is handed over after the interruption is saved, within
// its grace; the run lets go.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		web := a.hold("web")["web"]
		a.store.when(slowly(800*time.Millisecond), nil)
		a.end()
		stopped := time.Now()
		a.saves(is(web, "happened"))
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if d := time.Since(stopped); d > 5*time.Second {
			t.Errorf("it took %s", d)
		}
		if r := w.record("web"); r.Release.ID != "happened" || r.Lease != "" {
			t.Errorf("%+v", r)
		}
	})
}

// TestStoreHangs: an interrupted run ends within five seconds although its store
// never answers, and whether or not the store heeds its context.
func TestStoreHangs(t *testing.T) {
	for name, heeds := range map[string]bool{"until it is told to stop": true, "for good": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				a := w.start("run-a")
				web := a.hold("web")["web"]
				free := make(chan struct{})
				a.store.when(func(ctx context.Context, _ []store.Entry, _ commitFunc) ([]store.Entry, error) {
					if heeds {
						<-ctx.Done()
						return nil, context.Cause(ctx)
					}
					<-free
					return nil, errors.New("too late")
				}, nil)
				waiting := a.Save(rows(is(web, "happened"))...)
				time.Sleep(time.Minute)
				a.end()
				stopped := time.Now()
				saved := <-waiting
				err := a.Close()
				if d := time.Since(stopped); d < 4500*time.Millisecond || d > 5*time.Second {
					t.Errorf("it took %s", d)
				}
				if !errors.Is(saved.Err, context.Canceled) || !errors.Is(err, context.Canceled) {
					t.Errorf("saved %v, closed %v", saved.Err, err)
				}
				close(free)
			})
		})
	}
}

// TestErrors: of several errors the worse counts, and stands first (6 before 5).
func TestErrors(t *testing.T) {
	unreadable := &ledger.UnreadableError{Op: "write", Err: errors.New("disk full"), Remedy: "make room"}
	conflict := &ledger.ConflictError{Keys: []store.Key{{Pipeline: "shop", Target: "web"}}}
	held := &ledger.HeldError{Targets: []string{"web"}, Run: rollout.Run{ID: "run-b"}}
	lost := &ledger.LostError{}
	failed := errors.New("a target failed")
	if err := ledger.Join(nil, nil); err != nil {
		t.Errorf("nothing is %v", err)
	}
	for _, c := range []struct {
		errs  []error
		first error
		exit  int
	}{
		{[]error{failed, conflict, unreadable}, unreadable, 6},
		{[]error{failed, nil, held}, held, 5},
		{[]error{lost, conflict}, lost, 5},
		{[]error{failed}, failed, 0},
		{[]error{conflict, &ledger.LostError{Err: unreadable}}, unreadable, 6},
	} {
		err := ledger.Join(c.errs...)
		exit := 0
		switch {
		case ledger.IsUnreadable(err) && ledger.IsConflict(err):
			t.Errorf("%v is both", err)
		case ledger.IsUnreadable(err):
			exit = 6
		case ledger.IsConflict(err):
			exit = 5
		}
		if exit != c.exit || !strings.Contains(strings.Split(err.Error(), "\n")[0], c.first.Error()) {
			t.Errorf("%v: %d, want %d and first %v", err, exit, c.exit, c.first)
		}
		for _, one := range c.errs {
			if one != nil && !errors.Is(err, one) {
				t.Errorf("%v lacks %v", err, one)
			}
		}
	}
}
