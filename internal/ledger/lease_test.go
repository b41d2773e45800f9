package ledger_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/store"
	"sluice/internal/work"
	"sluice/rollout"
)

// TestRenewed: while a run works for longer than a lease lasts, and saves
// nothing, its targets stay its own.
func TestRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		held := a.hold("web", "api")
		other := w.start("run-b")
		for range 80 {
			time.Sleep(30 * time.Second)
			if !a.MayBegin() {
				t.Fatal("the holder may begin nothing")
			}
			for _, target := range []string{"web", "api"} {
				if _, err := other.Take(t.Context(), other.load(target)[target]); !isHeldBy(err, "run-a") {
					t.Fatalf("another run took %s: %v", target, err)
				}
			}
		}
		if n := a.store.commits(); n > 1+40/5 {
			t.Errorf("%d commits in 40 minutes", n)
		}
		a.saves(is(held["web"], "after the check"))
		a.closes()
		other.closes()
	})
}

// TestRenewedWithOthers: a commit that is made anyway renews the lease, so that
// no commit is made for it alone.
func TestRenewedWithOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		held := a.hold("web")
		for i := range 10 {
			time.Sleep(4*time.Minute + 30*time.Second)
			a.saves(is(held["web"], string(rune('a'+i))))
		}
		if n := a.store.commits(); n != 11 {
			t.Errorf("%d commits for 11 saves", n)
		}
		if run := w.stored("run-a"); time.Until(run.Until) != 15*time.Minute {
			t.Errorf("the lease ends %s from now", time.Until(run.Until))
		}
		a.closes()
	})
}

// TestNotRenewed: a lease that cannot be renewed lets nothing begin in its last
// minute, and says so once; what happened is still saved.
func TestNotRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		held := a.hold("web")
		taken := time.Now()
		down := &store.UnreadableError{Op: "write", Err: errors.New("the store is down"), Remedy: "wait"}
		a.store.when(func(context.Context, []store.Entry, commitFunc) ([]store.Entry, error) { return nil, down }, nil)
		time.Sleep(14*time.Minute - time.Second)
		if !a.MayBegin() {
			t.Error("nothing may begin although more than a minute is left")
		}
		var lost *ledger.LostError
		select {
		case err := <-a.Lost():
			if !errors.As(err, &lost) || !errors.Is(err, down) || !ledger.IsUnreadable(err) {
				t.Errorf("lost: %v", err)
			}
		case <-time.After(time.Hour):
			t.Fatal("nobody says that the lease is lost")
		}
		if d := time.Since(taken); d > 14*time.Minute+time.Second || a.MayBegin() {
			t.Errorf("it is lost after %s, and something may begin: %v", d, a.MayBegin())
		}
		if _, err := a.Take(t.Context(), a.load("api")["api"]); !errors.As(err, &lost) {
			t.Errorf("more is taken: %v", err)
		}
		a.store.when(nil, nil)
		a.saves(is(held["web"], "what happened"))
		if r := w.record("web"); r.Release.ID != "what happened" || r.Lease != "run-a" {
			t.Errorf("%+v", r)
		}
		a.closes()
		if r := w.record("web"); r.Lease != "" {
			t.Errorf("it is still held by %s", r.Lease)
		}
		select {
		case err := <-a.Lost():
			t.Errorf("it is said twice: %v", err)
		default:
		}
	})
}

// TestRenewalHangs: a store that does not answer keeps no lease alive.
func TestRenewalHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		a.hold("web")
		back := make(chan struct{})
		a.store.when(func(_ context.Context, entries []store.Entry, next commitFunc) ([]store.Entry, error) {
			<-back
			return next(entries)
		}, nil)
		time.Sleep(14*time.Minute + time.Second)
		if a.MayBegin() {
			t.Error("something may begin in the last minute of the lease")
		}
		select {
		case err := <-a.Lost():
			if !ledger.IsUnreadable(err) {
				t.Errorf("lost: %v", err)
			}
		case <-time.After(time.Minute):
			t.Error("nobody says that the lease is lost")
		}
		close(back)
		a.closes()
	})
}

// TestFates: whose lease is broken, and from when on what its holder had begun
// may be taken for absent.
func TestFates(t *testing.T) {
	never := time.Duration(-1)
	for name, c := range map[string]struct {
		wait    time.Duration
		fate    ledger.Fate
		attempt int // of the taker
		held    bool
		absent  time.Duration // after the old lease began; never: zero
	}{
		"alive":           {held: true},
		"alive, nearly":   {wait: 14*time.Minute + 59*time.Second, held: true},
		"ended":           {wait: 15 * time.Minute, absent: 16 * time.Minute},
		"over":            {fate: ledger.Over, absent: 16 * time.Minute},
		"dead":            {fate: ledger.Dead, absent: never},
		"a later attempt": {attempt: 3, absent: 16 * time.Minute},
		"the same":        {attempt: 2, held: true},
		"an earlier one":  {attempt: 1, held: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				named := func(attempt int) func(*ledger.Config) {
					return func(c *ledger.Config) { c.Run.Name, c.Run.Attempt = "octo/shop/runs/7/deploy", attempt }
				}
				begun := time.Now()
				a := w.start("run-a", named(2))
				a.hold("web")
				a.dies()
				w.fates["run-a"] = c.fate
				time.Sleep(c.wait)
				var change []func(*ledger.Config)
				if c.attempt > 0 {
					change = append(change, named(c.attempt))
				}
				b := w.start("run-b", change...)
				web := b.load("web")["web"]
				taken, err := b.Take(t.Context(), web)
				if isHeldBy(err, "run-a") != c.held || (err == nil) == c.held {
					t.Fatalf("%v, want held %v", err, c.held)
				}
				if c.held {
					if r := w.record("web"); r.Lease != "run-a" || w.stored("run-a").Ended {
						t.Errorf("the store changed: %+v", r)
					}
					return
				}
				want := time.Time{}
				if c.absent != never {
					want = begun.Add(c.absent).UTC()
				}
				if len(taken) != 1 || taken[0].Target != "web" || taken[0].From.ID != "run-a" || !taken[0].AbsentAfter.Equal(want) {
					t.Errorf("taken %+v, want absent after %v", taken, want)
				}
				b.saves(web)
				if old := w.stored("run-a"); !old.Ended || w.record("web").Lease != "run-b" {
					t.Errorf("the old run is %+v", old)
				}
				absent := begun.Add(c.absent)
				if c.absent == never {
					absent = time.Now() // whoever comes next need not wait for a dead run either
				}
				if old := w.stored("run-a"); !old.Until.Add(time.Minute).Equal(absent) {
					t.Errorf("the old lease ends %v, want a minute before %v", old.Until, absent)
				}
				if event := web.Events[len(web.Events)-1]; event.Type != "lease.broken" || !strings.Contains(event.Message, "octo/shop/runs/7/deploy, attempt 2") {
					t.Errorf("the history says %+v", event)
				}
				b.closes()
			})
		})
	}
}

// TestBrokenByALaterAttempt: a lost runner of attempt 1 learns from its next save
// or its next renewal that attempt 2 has taken over, and may begin nothing.
func TestBrokenByALaterAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		saves bool
		after time.Duration
	}{
		"saving what was taken": {true, time.Minute},
		"renewing":              {false, 6 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				attempt := func(n int) func(*ledger.Config) {
					return func(c *ledger.Config) { c.Run.Name, c.Run.Attempt = "octo/shop/runs/7/deploy", n }
				}
				a, b := w.start("run-a", attempt(1)), w.start("run-b", attempt(2))
				held := a.hold("web", "api")
				b.hold("web")
				time.Sleep(c.after)
				if c.saves {
					saved := <-a.Save(rows(is(held["web"], "mine"))...)
					if !isHeldBy(saved.Err, "run-b") || !ledger.IsConflict(saved.Err) {
						t.Errorf("saving what was taken: %v", saved.Err)
					}
				}
				var lost *ledger.LostError
				select {
				case err := <-a.Lost():
					if !errors.As(err, &lost) || !ledger.IsConflict(err) {
						t.Errorf("lost: %v", err)
					}
				default:
					t.Fatal("nobody says that the lease is lost")
				}
				if a.MayBegin() {
					t.Error("something may begin")
				}
				// What happened on what was not taken is still saved, and let go.
				a.saves(is(held["api"], "happened"))
				a.closes()
				if r := w.record("web"); r.Lease != "run-b" || r.Release != nil {
					t.Errorf("web: %+v", r)
				}
				if r := w.record("api"); r.Lease != "" || r.Release.ID != "happened" {
					t.Errorf("api: %+v", r)
				}
				b.closes()
			})
		})
	}
}

// TestRenewedJustThen: a run that renews its lease while another is about to
// break it stays the holder.
func TestRenewedJustThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		held := a.hold("web")
		a.store.when(func(_ context.Context, entries []store.Entry, next commitFunc) ([]store.Entry, error) {
			time.Sleep(10*time.Minute + time.Second) // the renewal arrives when the lease has just ended
			return next(entries)
		}, nil)
		time.Sleep(15 * time.Minute)
		b := w.start("run-b")
		web := b.load("web")["web"]
		if _, err := b.Take(t.Context(), web); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if saved := <-b.Save(rows(web)...); !isHeldBy(saved.Err, "run-a") {
			t.Errorf("the lease was broken: %v", saved.Err)
		}
		a.store.when(nil, nil)
		b.closes()
		a.saves(is(held["web"], "still mine"))
		a.closes()
	})
}

// TestOverAskedOnce: taking over 1,000 targets of dead runs asks once a run, side
// by side, reads twice and commits once.
func TestOverAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		targets := names(1000)
		for i, id := range []string{"run-a", "run-b"} {
			a := w.start(id)
			a.hold(targets[i*500 : (i+1)*500]...)
			a.dies()
			w.fates[id] = ledger.Over
		}
		c := w.start("run-c", func(c *ledger.Config) {
			ask := c.Over
			c.Over = func(ctx context.Context, r rollout.Run) (ledger.Fate, error) {
				time.Sleep(time.Second)
				return ask(ctx, r)
			}
		})
		begun := time.Now()
		records := c.load(targets...)
		if _, err := c.Take(t.Context(), sorted(records, targets)...); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begun); d != time.Second {
			t.Errorf("it took %s to ask", d)
		}
		c.saves(sorted(records, targets)...)
		if w.asked["run-a"] != 1 || w.asked["run-b"] != 1 {
			t.Errorf("asked %v", w.asked)
		}
		if c.store.loaded() != 3 || c.store.commits() != 1 {
			t.Errorf("%d loads and %d commits", c.store.loaded(), c.store.commits())
		}
		c.closes()
	})
}

// TestRefusedTogether: one error a run names what it holds; none is taken.
func TestRefusedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a", func(c *ledger.Config) { c.Run.Name, c.Run.RunURL = "octo/shop/runs/7/deploy", "https://ci.example/7" })
		targets := names(12)
		a.hold(targets...)
		why := errors.New("the API is down")
		b := w.start("run-b", func(c *ledger.Config) {
			c.Over = func(context.Context, rollout.Run) (ledger.Fate, error) { return ledger.Over, why }
		})
		records := b.load(append(targets, "free")...)
		_, err := b.Take(t.Context(), append(sorted(records, targets), records["free"])...)
		want := "t0000, t0001, t0002, t0003, t0004, 7 more are held by octo/shop/runs/7/deploy (started by run-a's actor) since 2000-01-01T00:00:00Z: https://ci.example/7; its lease ends 2000-01-01T00:15:00Z; whether that run is over cannot be told: the API is down"
		if err == nil || err.Error() != want || !errors.Is(err, why) {
			t.Errorf("%v\nwant %s", err, want)
		}
		if records["free"].Lease != "" {
			t.Error("what was free is taken in memory")
		}
		a.closes()
		b.closes()
	})
}

// TestClosed: a run that ends lets go of everything, and leaves no entry.
func TestClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		held := a.hold("web", "api", "db")
		db := held["db"]
		if err := rollout.Apply(db, rollout.LetGo{Run: "run-a"}, time.Now()); err != nil {
			t.Fatal(err)
		}
		a.saves(is(db, "done"))
		if w.stored("run-a") == nil {
			t.Fatal("the run's entry is gone while it holds something")
		}
		w.locks("beside", "web")
		a.closes()
		for _, target := range []string{"web", "api", "db"} {
			if r := w.record(target); r.Lease != "" {
				t.Errorf("%s is held by %s", target, r.Lease)
			}
		}
		if !isBlocked(w.record("web"), "beside") {
			t.Error("what was saved beside the lease is lost")
		}
		if r := w.stored("run-a"); r != nil {
			t.Errorf("its entry is still there: %+v", r)
		}
		if saved := <-a.Save(rows(db)...); saved.Err == nil {
			t.Error("it still saves")
		}
		if err := a.Close(); err != nil {
			t.Errorf("closing twice: %v", err)
		}
	})
}

// TestSwept: the entries of runs that died go when somebody breaks a lease, an
// hour after the lease has ended; others stay.
func TestSwept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, target := range []string{"old", "web", "api"} {
			a := w.start("run-" + target)
			a.hold(target)
			a.dies()
			time.Sleep(40 * time.Minute)
		}
		quiet := w.start("run-quiet")
		quiet.hold("free")
		quiet.closes()
		if n := quiet.store.loaded(); n != 1 || w.stored("run-old") == nil {
			t.Errorf("a run that broke no lease looked for others: %d loads", n)
		}
		b := w.start("run-b")
		b.hold("web", "api")
		b.closes()
		for id, there := range map[string]bool{"run-old": false, "run-web": false, "run-api": true, "run-b": false} {
			if (w.stored(id) != nil) != there {
				t.Errorf("the entry of %s is there: %v", id, !there)
			}
		}
		c := w.start("run-c")
		c.hold("old")
		c.closes()
	})
}

// TestLastSaveLetsGo: a plain promotion of one target is two commits: the second
// says what happened, lets go, and takes the run's entry away.
func TestLastSaveLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("run-a")
		web := a.hold("web")["web"]
		web.Lease = ""
		a.saves(is(web, "done"))
		if w.stored("run-a") != nil || a.MayBegin() {
			t.Error("the run's entry is there although it holds nothing")
		}
		a.closes()
		if n := a.store.commits(); n != 2 {
			t.Errorf("%d commits", n)
		}
	})
}

// TestMachineAsleep: a lease that ended while the machine slept, which its
// monotonic clock does not see, lets nothing begin.
func TestMachineAsleep(t *testing.T) {
	w := newWorld(t)
	slept := time.Duration(0)
	clock := work.System()
	clock.Now = func() time.Time {
		now := time.Now()
		if slept > 0 {
			return now.Round(0).Add(slept) // the wall clock alone
		}
		return now
	}
	limits := work.Begin(t.Context(), clock, work.Limits{})
	defer limits.End()
	a := w.start("run-a", func(c *ledger.Config) { c.Work = limits })
	a.hold("web")
	if !a.MayBegin() {
		t.Fatal("nothing may begin")
	}
	slept = 14*time.Minute + 30*time.Second
	if a.MayBegin() {
		t.Error("something may begin on a lease that others may have broken")
	}
	a.closes()
}

// TestLetGoWhileLookedAt: a run that lets go while it looks whether its lease is
// still its own finds its entry gone, and has lost nothing.
func TestLetGoWhileLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.blind = true
		a := w.start("run-a")
		web := a.hold("web")["web"]
		a.store.when(nil, func(_ context.Context, _ []store.Key, next loadFunc) ([]store.Entry, error) {
			time.Sleep(2 * time.Second) // the run lets go meanwhile
			return next()
		})
		time.Sleep(5*time.Minute + time.Second)
		web.Lease = ""
		a.saves(is(web, "done"))
		a.closes()
		select {
		case err := <-a.Lost():
			t.Errorf("it lost what it had let go of: %v", err)
		default:
		}
	})
}
