package executor_test

import (
	"context"
	"errors"
	"slices"
	"strings"
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

// TestThreeBegins: what the platform refuses for now is prepared anew and sent at
// most three times; then the target is pending, not failed.
func TestThreeBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		w.platform.next("web", driver.Deploy, slices.Repeat([]answer{{code: driver.Retryable, busy: true}}, 50)...)
		r := w.do("run", w.plan(promotion{}))
		if n := w.platform.asked("begin"); n != 3 {
			t.Errorf("begun %d times", n)
		}
		if n := w.platform.asked("prepare"); n != 3 {
			t.Errorf("prepared %d times", n)
		}
		if n := w.memory.Commits(); n > 8 {
			t.Errorf("%d commits", n)
		}
		if got := r.row("web").Waiting; got.Kind != rollout.WaitPlatform {
			t.Errorf("it waits for %+v", got)
		}
		w.free("web")
		w.platform.script = map[string][]answer{}
		time.Sleep(10 * time.Minute)
		w.do("later", w.goOn(nil))
		w.is("web", rollout.StateSucceeded)
	})
}

// TestPauses: the platform's word on when to try again is kept within the budget,
// and beyond it the target is pending at once.
func TestPauses(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration
		took  time.Duration
		want  rollout.State
	}{
		"within": {3 * time.Minute, 3 * time.Minute, rollout.StateSucceeded},
		"beyond": {20 * time.Minute, 0, rollout.StateInProgress},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "plain", "web")
				w.platform.next("web", driver.Deploy, answer{code: driver.Retryable, after: c.after})
				begun := time.Now()
				w.do("run", w.plan(promotion{}))
				if took := time.Since(begun); took != c.took {
					t.Errorf("it took %s, want %s", took, c.took)
				}
				w.is("web", c.want)
			})
		})
	}
}

// TestUnreached: a platform that does not answer makes its targets pending. The
// others go on under continue; under halt none begins.
func TestUnreached(t *testing.T) {
	for onFailure, want := range map[string]int{rollout.OnFailureContinue: 3, rollout.OnFailureHalt: 0} {
		t.Run(onFailure, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "plain", "web", "a", "b", "c")
				w.platform.next("web", driver.Deploy, answer{code: driver.Retryable, after: time.Hour})
				r := w.do("run", w.plan(promotion{onFailure: onFailure}), places(1))
				if k := r.row("web").Waiting.Kind; k != rollout.WaitPlatform {
					t.Errorf("web waits for %q", k)
				}
				if n := len(w.platform.done()); n != want {
					t.Errorf("%d effects, want %d", n, want)
				}
			})
		})
	}
}

// TestLostAnswer: what became of an effect without an answer is looked up.
func TestLostAnswer(t *testing.T) {
	for name, a := range map[string]answer{"took place": {code: driver.Lost}, "did not": {code: driver.Lost, drop: true}, "unknown": {code: driver.Unknown, drop: true}} {
		for _, platform := range []string{"plain", "fleet"} {
			t.Run(name+"/"+platform, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, platform, "a", "b")
					w.platform.facts[platform] = settling(w.platform.facts[platform], 5*time.Second)
					w.platform.next("a", driver.Deploy, a)
					w.do("run", w.plan(promotion{}))
					for _, target := range w.order {
						w.is(target, rollout.StateSucceeded)
						if n := w.count(target + " deploy"); n != 1 {
							t.Errorf("%s was deployed %d times", target, n)
						}
					}
				})
			})
		}
	}
}

func settling(f driver.Facts, d time.Duration) driver.Facts {
	f.Settle = d
	return f
}

// TestForeign: where neither what stood nor what was wanted stands a person
// decides.
func TestForeign(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		w.platform.next("web", driver.Deploy, answer{code: driver.Lost, drop: true})
		w.platform.says["web:deploy"] = driver.ForeignChange
		r := w.do("run", w.plan(promotion{}))
		if got := r.row("web").Waiting; got.Kind != rollout.WaitOperator || got.Cause != rollout.CauseAsking {
			t.Errorf("it waits for %+v", got)
		}
		w.free("web")
	})
}

// TestUndecided: a lookup that cannot say goes on within the budget, and no longer.
func TestUndecided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		w.platform.next("web", driver.Deploy, answer{code: driver.Lost})
		w.platform.says["web:deploy"] = driver.Undecided
		begun := time.Now()
		r := w.do("run", w.plan(promotion{}))
		if k := r.row("web").Waiting.Kind; k != rollout.WaitOperation {
			t.Errorf("it waits for %q", k)
		}
		if took := time.Since(begun); took > 15*time.Minute || took < 10*time.Minute {
			t.Errorf("it looked for %s", took)
		}
		if step := w.newest("web").Steps[0]; step.Looked != 1 || step.State != rollout.StepIntended {
			t.Errorf("the step is %s, looked for %d times", step.State, step.Looked)
		}
	})
}

// TestLeftOnce: an effect that is left to a later invocation stays so while other
// targets keep this one.
func TestLeftOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "a", "b")
		w.checks.takes = map[string]time.Duration{"long": 30 * time.Minute}
		w.platform.next("a", driver.Deploy, answer{code: driver.Lost})
		w.platform.says["a:deploy"] = driver.Undecided
		long := rollout.Gate{Run: []string{"long"}, Timeout: rollout.Duration(time.Hour)}
		r := w.do("run", w.plan(promotion{onFailure: rollout.OnFailureRollback, spec: []func(*rollout.Spec){verify(long)}}))
		if k := r.row("a").Waiting.Kind; k != rollout.WaitOperation {
			t.Errorf("a waits for %q", k)
		}
		if n := w.newest("a").Steps[0].Looked; n != 1 {
			t.Errorf("noted %d times that nobody could tell", n)
		}
		w.is("b", rollout.StateSucceeded)
		w.free("a", "b")
	})
}

// TestAbsentAfter: whoever takes over from a run that may still have a request
// under way concludes nothing before that run's lease has ended.
func TestAbsentAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		p := w.start("run")
		p.dieAt = 3 // after the intent is saved, before the call
		if r := p.do(w.plan(promotion{read: true})); !r.died || p.where != "before a call" {
			t.Fatalf("it died %s", p.where)
		}
		begun := time.Now()
		over := func(p *process) {
			p.over = func(context.Context, rollout.Run) (ledger.Fate, error) { return ledger.Over, nil }
			p.limits.Budget = time.Hour
		}
		w.do("other", w.goOn(nil), over)
		w.is("web", rollout.StateSucceeded)
		if took := time.Since(begun); took < 15*time.Minute {
			t.Errorf("it concluded after %s", took)
		}
		if n := w.count("web deploy"); n != 1 {
			t.Errorf("deployed %d times", n)
		}
	})
}

// TestAbsentAfterIsKept: whoever cannot wait so long lets go, and the next one,
// which takes the target from nobody, does not conclude it either.
func TestAbsentAfterIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		p := w.start("run")
		p.dieAt = 3 // after the intent is saved, before the call
		if r := p.do(w.plan(promotion{read: true})); !r.died || p.where != "before a call" {
			t.Fatalf("it died %s", p.where)
		}
		ends := time.Now().Add(15 * time.Minute)
		impatient := func(p *process) {
			p.over = func(context.Context, rollout.Run) (ledger.Fate, error) { return ledger.Over, nil }
			p.limits.Budget = time.Minute
		}
		for _, run := range []string{"first", "second"} {
			w.do(run, w.goOn(nil), impatient)
			w.free("web")
			x := w.newest("web")
			if n := w.count("web deploy"); n != 0 || x.Rollout.State.Final() {
				t.Fatalf("%s: deployed %d times, %s", run, n, x.Rollout.State)
			}
			if x.Due.Before(ends) {
				t.Errorf("%s: it is due at %s, and nothing can be concluded before %s", run, x.Due, ends)
			}
			time.Sleep(time.Minute)
		}
		time.Sleep(time.Until(ends.Add(time.Minute)))
		w.do("third", w.goOn(nil), impatient)
		w.is("web", rollout.StateSucceeded)
		if n := w.count("web deploy"); n != 1 {
			t.Errorf("deployed %d times", n)
		}
	})
}

// TestPrecedence: state that cannot be written is worse than a lost race, whatever
// the order of targets.
func TestPrecedence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "t0", "t1")
		p := w.start("run")
		n := 0
		p.store.OnCommit = func(entries []store.Entry) error {
			if n++; n == 1 {
				return nil
			}
			for _, e := range entries {
				if e.Key.Target == "t0" && e.Key.Kind == store.KindTarget {
					return &store.ConflictError{Keys: []store.Key{e.Key}}
				}
			}
			return &store.UnreadableError{Op: "write", Err: errors.New("disk full")}
		}
		r := p.do(w.plan(promotion{}))
		if !ledger.IsUnreadable(r.Err) || executor.IsConflict(r.Err) {
			t.Errorf("it ended with %v", r.Err)
		}
	})
}

// TestUnsavedIntent: where the intent cannot be saved nothing is sent, and the
// others of the call go on without the one that somebody changed.
func TestUnsavedIntent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "fleet", "a", "b", "c")
		w.do("before", w.plan(promotion{}))
		before := len(w.platform.done())
		w.platform.lag = 10 * time.Second
		p, plan := w.start("run"), w.plan(promotion{release: "r3"})
		done := p.async(func() result { return p.do(plan) })
		time.Sleep(5 * time.Second)
		w.set("b", func(r *rollout.Record) { r.Lease, r.Release = "", &driver.Release{ID: "r9"} })
		r := <-done
		if !executor.IsConflict(r.Err) || r.row("b").Err == nil || r.row("a").Err != nil {
			t.Errorf("it ended with %v", r.Err)
		}
		if got := w.platform.done()[before:]; !slices.Equal(got, []string{"a deploy", "c deploy"}) {
			t.Errorf("effects %q", got)
		}
		w.free("a", "c")
	})
}

// TestBudget: beyond the budget nothing begins, no check starts, and nothing is
// followed. A check that runs has its own timeout.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "a", "b", "c")
		w.platform.slow = 14 * time.Minute
		w.checks.takes = map[string]time.Duration{"smoke": 10 * time.Minute, "second": time.Minute}
		r := w.do("run", w.plan(promotion{spec: []func(*rollout.Spec){verify(gate("smoke"), gate("second"))}}), places(1))
		if got := w.platform.done(); !slices.Equal(got, []string{"a deploy"}) {
			t.Errorf("effects %q", got)
		}
		if got := w.checks.list(); len(got) > 1 {
			t.Errorf("checks %q", got)
		}
		if r.row("a").Waiting.Kind != rollout.WaitOperation || r.row("b").Waiting.Kind == "" {
			t.Errorf("a waits for %+v, b for %+v", r.row("a").Waiting, r.row("b").Waiting)
		}
		w.free("a", "b", "c")
	})
}

// TestPlacesOfLongWork: what the platform still works on when the budget is over
// keeps its place: nothing begins instead.
func TestPlacesOfLongWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", many(5)...)
		w.platform.slow = 20 * time.Minute
		w.do("run", w.plan(promotion{onFailure: rollout.OnFailureHalt}), places(2))
		if n := len(w.platform.done()); n != 2 {
			t.Errorf("%d began with two places", n)
		}
	})
}

// TestPollOnce: one poll tells of all targets of a call.
func TestPollOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "fleet", many(50)...)
		w.platform.slow = 10 * time.Second
		w.do("run", w.plan(promotion{}))
		if n := w.platform.asked("poll"); n > 5 {
			t.Errorf("%d polls for one call of 50 targets over 10 s", n)
		}
		for _, name := range w.order {
			w.is(name, rollout.StateSucceeded)
		}
	})
}

// TestPollAfterAWrongClock: what a process began whose clock was 20 hours ahead is asked
// about at once, and not in 20 hours.
func TestPollAfterAWrongClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		w.platform.slow = 20 * time.Minute
		ahead := work.System()
		ahead.Now = func() time.Time { return time.Now().Add(20 * time.Hour) }
		w.do("run", w.plan(promotion{}), func(p *process) { p.clock, p.limits.Budget = ahead, time.Minute })
		w.is("web", rollout.StateInProgress)
		time.Sleep(time.Hour)
		w.do("later", w.goOn(nil), func(p *process) { p.limits.Budget = time.Minute })
		w.is("web", rollout.StateSucceeded)
	})
}

// TestPollTrouble: a poll without an answer ends nothing; one that fails again and
// again leaves the operation to a later invocation.
func TestPollTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		fails int
		code  driver.Code
		want  rollout.State
	}{
		"a few":     {3, driver.Retryable, rollout.StateSucceeded},
		"too many":  {20, driver.Retryable, rollout.StateInProgress},
		"forbidden": {1, driver.Denied, rollout.StateInProgress},
		"gone":      {1, driver.NotFound, rollout.StateFailed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "plain", "web")
				w.platform.slow = time.Minute
				w.platform.polls = slices.Repeat([]error{fails(c.code)}, c.fails)
				r := w.do("run", w.plan(promotion{}))
				w.is("web", c.want)
				if pending := r.row("web").Waiting.Kind == rollout.WaitPlatform; pending != (name == "too many") {
					t.Errorf("it waits for %+v: %v", r.row("web").Waiting, r.row("web").Err)
				}
				w.free("web")
			})
		})
	}
}

// TestMemberProves: a member of a call whose record does not hold the intent
// proves that the call was never sent; one whose rollout moved to the history
// proves nothing.
func TestMemberProves(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*rollout.Record)
		looks  int
		again  int
	}{
		"without the intent": {func(r *rollout.Record) { r.Rollouts[0].Steps = nil }, 0, 1},
		"in the history": {func(r *rollout.Record) {
			r.Past = append(r.Past, rollout.Past{Rollout: r.Rollouts[0].Rollout.Name, Promotion: "p1", State: rollout.StateSucceeded})
			r.Rollouts = []rollout.Execution{}
		}, 1, 0},
		"which knows that it was sent": {func(r *rollout.Record) { r.Rollouts[0].Steps[0].State = rollout.StepBegun }, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "fleet", "a", "b")
				p := w.start("run")
				p.dieAt = 4 // after the call
				if r := p.do(w.plan(promotion{read: false})); !r.died || p.where != "after a call" {
					t.Fatalf("it died %s", p.where)
				}
				w.set("b", func(r *rollout.Record) { c.change(r); r.Lease = "" })
				before := w.platform.asked("lookup")
				w.do("other", w.goOn([]string{"a"}), knowing)
				if n := w.platform.asked("lookup") - before; n != c.looks {
					t.Errorf("looked %d times, want %d", n, c.looks)
				}
				if n := w.count("a deploy") - 1; n != c.again && w.platform.asked("prepare") > 1 != (c.again > 0) {
					t.Errorf("a was deployed %d more times", n)
				}
				w.is("a", rollout.StateSucceeded)
			})
		})
	}
}

// TestOneKnows: a member that knows that the call was sent outweighs one whose
// record lacks the intent.
func TestOneKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "fleet", "a", "b", "c")
		p := w.start("run")
		p.dieAt = 4
		if r := p.do(w.plan(promotion{})); !r.died || p.where != "after a call" {
			t.Fatalf("it died %s", p.where)
		}
		w.set("b", func(r *rollout.Record) { r.Rollouts[0].Steps, r.Lease = nil, "" })
		w.set("c", func(r *rollout.Record) { r.Rollouts[0].Steps[0].State, r.Lease = rollout.StepBegun, "" })
		w.do("other", w.goOn([]string{"a"}), knowing)
		w.is("a", rollout.StateSucceeded)
		if n, m := w.platform.asked("lookup"), w.platform.asked("begin"); n != 1 || m != 1 {
			t.Errorf("looked %d times, begun %d times", n, m)
		}
	})
}

// set changes a target's stored record as another run would.
func (w *world) set(target string, change func(*rollout.Record)) {
	w.t.Helper()
	r := w.record(target)
	change(&r)
	r.Generation++
	data, err := rollout.Encode(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.memory.Set(store.Key{Pipeline: "shop", Target: target}, data)
}

// TestInterrupt: an interrupted invocation sends nothing more, takes the answer of
// what it sent, saves, lets go, and ends in time.
func TestInterrupt(t *testing.T) {
	for name, c := range map[string]struct {
		slow  time.Duration // the answer
		after time.Duration // when it is interrupted
		ends  time.Duration // at most so much later
		state rollout.StepState
	}{
		"answered":   {2 * time.Second, time.Second, 2 * time.Second, rollout.StepDone},
		"unanswered": {time.Hour, time.Second, 3 * time.Second, rollout.StepIntended},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "plain", many(20)...)
				for _, n := range w.order {
					w.platform.next(n, driver.Deploy, answer{slow: c.slow})
				}
				ctx, interrupt := context.WithCancelCause(t.Context())
				told := errors.New("told to stop")
				time.AfterFunc(c.after, func() { interrupt(told) })
				p := w.start("run", places(4), func(p *process) { p.ctx = ctx })
				r := p.do(w.plan(promotion{}))
				if took := time.Since(w.platform.began()) - c.after; took > c.ends {
					t.Errorf("it ended %s after the interruption", took)
				}
				if !errors.Is(r.Err, told) {
					t.Errorf("it ended with %v", r.Err)
				}
				if n := w.platform.asked("begin"); n != 4 {
					t.Errorf("%d sent", n)
				}
				for _, n := range w.order[:4] {
					if got := w.newest(n).Steps[0].State; got != c.state {
						t.Errorf("%s is %s", n, got)
					}
				}
				w.free(w.order...)
			})
		})
	}
}

// TestHangingStore: an interrupted invocation whose store hangs ends in time all
// the same, and says that it could not save.
func TestHangingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		w.platform.next("web", driver.Deploy, answer{slow: time.Minute})
		ctx, interrupt := context.WithCancelCause(t.Context())
		p := w.start("run", func(p *process) { p.ctx = ctx })
		var at time.Time
		time.AfterFunc(10*time.Second, func() { at = time.Now(); interrupt(errors.New("told to stop")) })
		n := 0
		p.store.OnCommit = func([]store.Entry) error {
			if n++; n > 1 {
				<-w.end
			}
			return nil
		}
		done := p.async(func() result { return p.do(w.plan(promotion{})) })
		time.Sleep(20 * time.Second)
		select {
		case r := <-done:
			if !ledger.IsUnreadable(r.Err) || !strings.Contains(r.Err.Error(), "told to stop") {
				t.Errorf("it ended with %v", r.Err)
			}
		default:
			t.Errorf("it still runs %s after the interruption", time.Since(at))
		}
	})
}

// TestInterruptedSave: an intent whose save was under way when the invocation was
// interrupted is taken back: the effect was never sent.
func TestInterruptedSave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "fleet", "a", "b")
		ctx, interrupt := context.WithCancelCause(t.Context())
		p := w.start("run", func(p *process) { p.ctx = ctx })
		n := 0
		p.store.OnCommit = func([]store.Entry) error {
			if n++; n == 2 {
				time.Sleep(2 * time.Second)
			}
			return nil
		}
		w.platform.lag = 5 * time.Second
		time.AfterFunc(6*time.Second, func() { interrupt(errors.New("told to stop")) })
		p.do(w.plan(promotion{}))
		if w.platform.asked("begin") != 0 {
			t.Error("it was sent")
		}
		for _, name := range w.order {
			if steps := w.newest(name).Steps; len(steps) != 1 || steps[0].State != rollout.StepWithdrawn {
				t.Errorf("the steps of %s are %+v", name, steps)
			}
		}
		w.free("a", "b")
	})
}
