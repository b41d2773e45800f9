package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/guard"
	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/internal/store"
	"sluice/stages"
	"sluice/stages/driver"
)

// TestSentThreeTimes: what has no effect is sent three times in one invocation
// at most, each time prepared anew and after a longer pause, and then waits for
// the next invocation.
func TestSentThreeTimes(t *testing.T) {
	for name, a := range map[string]answer{"lost": {code: driver.Lost, drop: true}, "unknown": {code: driver.Unknown, drop: true}, "throttled": {code: driver.Retryable}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, one)
				w.sky().next("web", driver.Deploy, a, a, a, a)
				began := time.Now()
				out := w.must(rollout.StatusPending, promote("prod"))
				if got := waits(t, out, "web", rollout.WaitPlatform); !got.Until.After(time.Now()) || got.By == "" || !out.Next.Equal(got.Until) {
					t.Errorf("waits %+v, next %s", got, out.Next)
				}
				if took := time.Since(began); took > time.Minute {
					t.Errorf("it took %s", took)
				}
				w.had()
				var last time.Time
				for _, r := range w.sky().requests {
					if r.what != "begin" {
						continue
					}
					if pause := r.at.Sub(last); !last.IsZero() && pause < 100*time.Millisecond {
						t.Errorf("sent again after %s", pause)
					}
					last = r.at
				}
				if begins, prepares := w.sky().asked("begin"), w.sky().asked("prepare"); begins != 3 || prepares != 3 {
					t.Errorf("sent %d times, prepared %d times, want 3 and 3", begins, prepares)
				}
				w.must(rollout.StatusSucceeded, reconcile())
				w.had("web deploy")
				w.is("web", rollout.StateSucceeded)
			})
		})
	}
}

// TestPreparedAnew: what somebody else did while an effect was waited with is
// seen before it is sent again.
func TestPreparedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, `strategy: {canary: {percentages: [10], wait: 1s}}`))
		w.sky().next("web", driver.Stable, answer{code: driver.Retryable, after: 30 * time.Second})
		time.AfterFunc(15*time.Second, func() { w.sky().intrude("web", standing{Release: "r9", Canary: "r2", Percent: "10"}) })
		waits(t, w.must(rollout.StatusPending, promote("prod")), "web", rollout.WaitOperator)
		w.had("web weight 10")
		if n := w.sky().asked("begin"); n != 2 {
			t.Errorf("%d calls, want the weight and the throttled one", n)
		}
	})
}

// dripping is a driver whose requests of some kinds take as long as a request
// may, and say nothing.
type dripping struct {
	driver.Driver
	drips string
}

// wholeRequest is how long the transport lets one request take.
const wholeRequest = 30 * time.Second

func (d *dripping) drip(ctx context.Context, what string) error {
	if !strings.Contains(d.drips, what) {
		return nil
	}
	select {
	case <-time.After(wholeRequest):
	case <-ctx.Done():
	}
	return code(driver.Lost)
}

func (d *dripping) Live(ctx context.Context, targets []driver.Target) ([]driver.Live, []error) {
	if err := d.drip(ctx, "current"); err != nil {
		return make([]driver.Live, len(targets)), slices.Repeat([]error{err}, len(targets))
	}
	return d.Driver.Live(ctx, targets)
}

func (d *dripping) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	if err := d.drip(ctx, "prepare"); err != nil {
		return driver.Prepared{}, err
	}
	return d.Driver.Prepare(ctx, c)
}

func (d *dripping) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	op, err := d.Driver.Begin(ctx, c)
	if err := d.drip(ctx, "begin"); err != nil {
		return driver.Operation{}, err
	}
	return op, err
}

func (d *dripping) Poll(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	if err := d.drip(ctx, "poll"); err != nil {
		return op, 0, err
	}
	return d.Driver.Poll(ctx, op)
}

func (d *dripping) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	if err := d.drip(ctx, "lookup"); err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	return d.Driver.Lookup(ctx, c)
}

// on puts a driver around that of the first platform.
func (w *world) on(around func(driver.Driver) driver.Driver) func(*engine.Config) {
	return func(c *engine.Config) {
		inner := &handle{sky: w.sky(), process: &process{world: w, dead: make(chan struct{})}}
		c.Stages = stages.New(driver.Env{}, stages.Platform{Facts: w.sky().facts, Open: func(context.Context, driver.Env) (driver.Driver, error) {
			return around(inner), nil
		}})
	}
}

// TestDripping: whatever drips, an invocation ends within its wait budget and
// half a minute, summed over everything that is read for many targets.
func TestDripping(t *testing.T) {
	const budget = 6 * time.Second
	many := `
name: shop
stages:
  - name: dev
    targets: [{name: web-dev, sky: {spot: web-dev}}]
  - name: prod
    targets:
      - {name: web, sky: {spot: web}}
      - {name: eu, sky: {spot: eu}, from: web-dev}
      - {name: us, sky: {spot: us}, from: web-dev}
`
	for _, drips := range []string{"current", "prepare", "begin", "poll", "lookup", "begin lookup", "load", "list", "commit"} {
		t.Run(drips, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, many)
				w.sky().slow = 2 * time.Second
				began := time.Now()
				r := w.do(promote("prod"), w.on(func(d driver.Driver) driver.Driver { return &dripping{Driver: d, drips: drips} }),
					func(c *engine.Config) { c.WaitBudget, c.Store = budget, &drippingStore{Store: c.Store, drips: drips} })
				if took := time.Since(began); took > budget+30*time.Second {
					t.Errorf("it took %s: %v %+v", took, r.err, r.Targets)
				}
				found := drips == "begin" || drips == "lookup" || drips == "list" // the effect is looked up, or nothing was lost
				if succeeded := r.err == nil && r.Status == rollout.StatusSucceeded; succeeded != found {
					t.Errorf("%v %+v", r.err, r.Targets)
				}
			})
		})
	}
}

// drippingStore takes as long as a request may.
type drippingStore struct {
	store.Store
	drips string
}

func (s *drippingStore) drip(ctx context.Context, what string) error {
	if err := (&dripping{drips: s.drips}).drip(ctx, what); err != nil {
		return &store.UnreadableError{Op: what, Err: err}
	}
	return nil
}

func (s *drippingStore) Load(ctx context.Context, keys ...store.Key) ([]store.Entry, error) {
	if err := s.drip(ctx, "load"); err != nil {
		return nil, err
	}
	return s.Store.Load(ctx, keys...)
}

func (s *drippingStore) Commit(ctx context.Context, entries ...store.Entry) ([]store.Entry, error) {
	if err := s.drip(ctx, "commit"); err != nil {
		return nil, err
	}
	return s.Store.Commit(ctx, entries...)
}

// TestChecksDoNotUseUpTheBudgetOfReads: after a check that took longer than the
// budget, what comes next is still read.
func TestChecksDoNotUseUpTheBudgetOfReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(one, "  - name: prod\n", "  - name: prod\n    predeploy: [{run: [smoke]}]\n", 1))
		w.checks.takes = 5 * time.Minute
		w.must(rollout.StatusSucceeded, promote("prod"), func(c *engine.Config) { c.WaitBudget = time.Minute })
		w.had("web deploy")
	})
}

// panics is a driver that panics in one method.
type panics struct {
	driver.Driver
	in string
}

func (p *panics) Live(ctx context.Context, targets []driver.Target) ([]driver.Live, []error) {
	if p.in == "current" {
		panic("nil answer")
	}
	return p.Driver.Live(ctx, targets)
}

func (p *panics) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	if p.in == "prepare" {
		panic("nil answer")
	}
	return p.Driver.Prepare(ctx, c)
}

func (p *panics) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	op, err := p.Driver.Begin(ctx, c)
	if strings.HasPrefix(p.in, "begin") {
		panic("nil answer")
	}
	return op, err
}

func (p *panics) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	if p.in == "begin and lookup" {
		panic("nil answer")
	}
	return p.Driver.Lookup(ctx, c)
}

// TestDriverPanics: a panic is told as a mistake of ours; what was sent is
// looked up, and happens once.
func TestDriverPanics(t *testing.T) {
	for in, effects := range map[string]int{"current": 0, "prepare": 0, "begin": 1, "begin and lookup": 1} {
		t.Run(in, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, one)
				r := w.do(promote("prod"), w.on(func(d driver.Driver) driver.Driver { return &panics{Driver: d, in: in} }))
				_, mistake := errors.AsType[*guard.Mistake](r.err)
				if want := in != "begin"; mistake != want || isRefused(r.err) {
					t.Errorf("%v %+v", r.err, r.Targets)
				}
				if got := len(w.effects()); got != effects {
					t.Errorf("%d effects, want %d", got, effects)
				}
				if in == "begin" {
					w.is("web", rollout.StateSucceeded)
					return
				}
				w.must(rollout.StatusSucceeded, promote("prod"))
				w.had("web deploy")
				w.is("web", rollout.StateSucceeded)
			})
		})
	}
}

// bomb panics when it is told that a target does something.
type bomb struct{ observer }

func (*bomb) Event(_ string, e rollout.Event) {
	if e.Type == "effect.succeeded" {
		panic("no such event")
	}
}

// TestEnginePanics: what panics in the work on one target stops there, its saved
// record stays true, and the others go on.
func TestEnginePanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		r := w.do(promote("prod"), func(c *engine.Config) { c.Observer = &bomb{} })
		if _, ok := errors.AsType[*guard.Mistake](r.err); !ok {
			t.Fatalf("%v %+v", r.err, r.Targets)
		}
		w.had("web deploy")
		w.must(rollout.StatusUnchanged, promote("prod"))
		w.had("web deploy")
		if x := w.newest("web"); x.Rollout.State != rollout.StateSucceeded {
			t.Errorf("the state says %s", x.Rollout.State)
		}
	})
}
