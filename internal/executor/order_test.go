package executor_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/planner"
	"sluice/rollout"
	"sluice/stages/driver"
)

// TestPlain: a plain promotion of one target is two saves and one request where
// the preflight has read.
func TestPlain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		plan := w.plan(promotion{read: true})
		read := w.platform.asked()
		w.do("run", plan)
		w.is("web", rollout.StateSucceeded)
		w.free("web")
		if n := w.platform.asked() - read; n != 1 {
			t.Errorf("%d requests, want the effect alone", n)
		}
		if n := w.memory.Commits(); n != 2 {
			t.Errorf("%d commits, want 2: created and intended; done and let go", n)
		}
	})
}

// TestCanary: phases that bake shorter than the inline wait are walked through.
func TestCanary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		w.do("run", w.plan(promotion{spec: []func(*rollout.Spec){canary(time.Minute, "10", "50")}}))
		w.is("web", rollout.StateSucceeded)
		want := []string{"web weight 10", "web weight 50", "web stable", "web disable"}
		if got := w.platform.done(); !slices.Equal(got, want) {
			t.Errorf("effects %q, want %q", got, want)
		}
		if got := w.platform.stand("web"); got != (standing{Release: "r2"}) {
			t.Errorf("it stands at %+v", got)
		}
	})
}

// TestRefusedTarget: a target that a plan leaves out is not worked on, whatever is
// at work there, and the result says why.
func TestRefusedTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "a", "b")
		w.do("run", w.plan(promotion{targets: []string{"b"}, spec: []func(*rollout.Spec){canary(time.Hour, "10")}}))
		time.Sleep(time.Hour)
		plan := w.plan(promotion{release: "r3", members: []string{"a"}})
		plan.Moves[1].Do, plan.Moves[1].Refused = nil, []planner.Refusal{planner.RefuseOne("b", "the baseline is gone", "")}
		r := w.do("run2", plan)
		w.is("a", rollout.StateSucceeded)
		w.is("b", rollout.StateInProgress)
		if err := r.row("b").Err; err == nil || !strings.Contains(err.Error(), "the baseline is gone") {
			t.Errorf("b ends with %v", err)
		}
		if err := r.row("a").Err; err != nil {
			t.Errorf("a ends with %v", err)
		}
	})
}

// TestSkip: a member that a person leaves out keeps the others waiting no more; said
// twice it is done once.
func TestSkip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "a", "b", "c")
		w.checks.fails["smoke"] = errors.New("it smokes")
		own := map[string][]func(*rollout.Spec){"a": {verify(gate("smoke"))}}
		waves := &rollout.Waves{Sizes: []int{1, 3}}
		w.do("run", w.plan(promotion{id: "p", onFailure: rollout.OnFailureHalt, waves: waves, own: own}), places(1))
		if got := w.deployed(); !slices.Equal(got, []string{"a"}) {
			t.Fatalf("deployed %q before anybody is left out", got)
		}
		skip := planner.Skipped{Promotion: "p", Skip: rollout.Skip{Target: "a", By: "bob", Reason: "its region is down", At: time.Now()}}
		for _, again := range []string{"skip", "skip again"} {
			plan := w.goOn([]string{"b", "c"})
			plan.Command, plan.Skips = "skip", []planner.Skipped{skip}
			w.do(again, plan)
			w.is("b", rollout.StateSucceeded)
			w.is("c", rollout.StateSucceeded)
			if got := w.promotion("p").Skips; len(got) != 1 || got[0].Target != "a" || got[0].Reason != "its region is down" {
				t.Errorf("the promotion's entry says %+v", got)
			}
		}
	})
}

// TestLongBake: a bake longer than the inline wait is left to a later invocation,
// which goes on where the first one left.
func TestLongBake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		r := w.do("run", w.plan(promotion{spec: []func(*rollout.Spec){canary(time.Hour, "10")}}))
		if k := r.row("web").Waiting.Kind; k != rollout.WaitBake {
			t.Errorf("it waits for %q", k)
		}
		w.free("web")
		time.Sleep(time.Hour)
		w.do("later", w.goOn(nil))
		w.is("web", rollout.StateSucceeded)
	})
}

// TestHaltHalts: under halt no more targets begin than there are places, in the
// file's order, in a call as well.
func TestHaltHalts(t *testing.T) {
	for _, platform := range []string{"plain", "fleet"} {
		for _, onFailure := range []string{rollout.OnFailureHalt, rollout.OnFailureRollback} {
			t.Run(platform+"/"+onFailure, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, platform, many(40)...)
					w.platform.lag = 300 * time.Millisecond
					w.checks.fails["smoke"] = errors.New("it smokes")
					w.do("run", w.plan(promotion{onFailure: onFailure, spec: []func(*rollout.Spec){verify(gate("smoke"))}}), places(4))
					deployed := w.deployed()
					if want := w.order[:len(deployed)]; len(deployed) == 0 || len(deployed) > 4 || !slices.Equal(slices.Sorted(slices.Values(deployed)), want) {
						t.Errorf("deployed %q, want at most the first four", deployed)
					}
					for _, e := range w.platform.effects {
						if e.size > 4 {
							t.Errorf("a call of %d targets went out with four places", e.size)
						}
					}
					w.free(w.order...)
					for _, name := range w.order[4:] {
						if x := w.newest(name); len(x.Steps) > 0 {
							t.Errorf("%s has begun", name)
						}
					}
				})
			})
		}
	}
}

// deployed are the targets that something was deployed on, in order.
func (w *world) deployed() []string {
	var names []string
	for _, e := range w.platform.effects {
		if e.kind == driver.Deploy || e.kind == driver.Weight {
			if !slices.Contains(names, e.target) {
				names = append(names, e.target)
			}
		}
	}
	return names
}

// TestFileOrder: targets begin in the file's order, and no more than there are
// places are at work at once.
func TestFileOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", many(20)...)
		w.platform.slow, w.platform.lag = 3*time.Second, 100*time.Millisecond
		w.do("run", w.plan(promotion{}), places(4))
		if got := w.deployed(); len(got) != len(w.order) {
			t.Errorf("deployed %q", got)
		}
		for i, e := range w.platform.effects {
			for _, later := range w.platform.effects[i:] {
				if later.at.After(e.at) && later.target < e.target {
					t.Errorf("%s began before %s", e.target, later.target)
				}
			}
		}
		if w.platform.most > 4 {
			t.Errorf("%d requests at once", w.platform.most)
		}
		for i, e := range w.platform.effects[4:] {
			if done := w.platform.effects[i].at.Add(w.platform.slow); e.at.Before(done) {
				t.Errorf("%s began before %s was over", e.target, w.platform.effects[i].target)
			}
		}
	})
}

// TestBatch: targets of a fleet share calls, within their waves.
func TestBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "fleet", many(10)...)
		w.do("run", w.plan(promotion{onFailure: rollout.OnFailureHalt, waves: &rollout.Waves{Sizes: []int{1, 4, 10}}}), places(20))
		var sizes []int
		for _, r := range w.platform.requests {
			if r.what == "begin" {
				sizes = append(sizes, len(r.names))
			}
		}
		if !slices.Equal(sizes, []int{1, 3, 6}) {
			t.Errorf("calls of %v targets, want 1, 3, 6", sizes)
		}
		for _, name := range w.order {
			w.is(name, rollout.StateSucceeded)
		}
		w.free(w.order...)
	})
}

// TestContinueBatch: where a failure concerns nobody else one call takes all.
func TestContinueBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "fleet", many(300)...)
		w.do("run", w.plan(promotion{}))
		if n := w.platform.asked("begin"); n != 1 {
			t.Errorf("%d calls for 300 targets", n)
		}
		if n := w.platform.asked(); n > 3 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestBatchAsOne: one call carries only targets that are asked as the same.
func TestBatchAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "fleet", many(6)...)
		w.platform.as = map[string]string{}
		for i, name := range w.order {
			w.platform.as[name] = []string{"one", "other"}[i%2]
		}
		w.do("run", w.plan(promotion{}))
		calls := 0
		for _, r := range w.platform.requests {
			if r.what != "begin" {
				continue
			}
			calls++
			for _, name := range r.names {
				if w.platform.as[name] != w.platform.as[r.names[0]] {
					t.Errorf("one call carries %v, asked as different", r.names)
				}
			}
		}
		if calls != 2 {
			t.Errorf("%d calls for two identities", calls)
		}
		for _, name := range w.order {
			w.is(name, rollout.StateSucceeded)
		}
	})
}

// TestBatchWaitsForPredeploy: a target whose predeploy check takes longer still
// shares the call of the others.
func TestBatchWaitsForPredeploy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "fleet", "a", "b", "c")
		w.checks.takes = map[string]time.Duration{"slow": 30 * time.Second}
		before := func(name string) []func(*rollout.Spec) {
			return []func(*rollout.Spec){func(s *rollout.Spec) { s.Gates.Predeploy = []rollout.Gate{gate(name)} }}
		}
		w.do("run", w.plan(promotion{own: map[string][]func(*rollout.Spec){"a": before("quick"), "b": before("slow"), "c": before("quick")}}))
		if n := w.platform.asked("begin"); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

// TestTurnsBackFromWhereItIs: under onFailure rollback a target that is at 10 %
// when another fails goes back from there, not over 100 %.
func TestTurnsBackFromWhereItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "t1", "t2")
		w.platform.next("t2", driver.Weight, answer{slow: 5 * time.Second, code: driver.Denied})
		w.do("run", w.plan(promotion{onFailure: rollout.OnFailureRollback, spec: []func(*rollout.Spec){canary(time.Minute, "10", "50")}}))
		want := []string{"t1 weight 10", "t1 rollback"}
		if got := w.platform.done(); !slices.Equal(got, want) {
			t.Errorf("effects %q, want %q", got, want)
		}
		w.free("t1", "t2")
	})
}

// TestTakesBackWhatSucceeded: under onFailure rollback a target that was over
// goes back too.
func TestTakesBackWhatSucceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "t1", "t2", "t3")
		w.platform.next("t2", driver.Deploy, answer{slow: 20 * time.Second, fail: "t2 is full"})
		w.do("run", w.plan(promotion{onFailure: rollout.OnFailureRollback}))
		for _, name := range w.order {
			if got := w.platform.stand(name); got != (standing{Release: "r1"}) {
				t.Errorf("%s stands at %+v", name, got)
			}
		}
		w.free(w.order...)
	})
}

// TestSideBySide: what is read and sent goes side by side from the first moment.
func TestSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", many(64)...)
		w.platform.lag = 300 * time.Millisecond
		begin := time.Now()
		w.do("run", w.plan(promotion{}), places(64))
		if took := time.Since(begin); took > 700*time.Millisecond {
			t.Errorf("64 targets at 300 ms a request took %s", took)
		}
		if w.platform.most != 64 {
			t.Errorf("%d at once", w.platform.most)
		}
	})
}

// TestWaves: a wave begins when the one before is good; one failure too many
// halts what comes after.
func TestWaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", many(10)...)
		w.platform.lag = 100 * time.Millisecond
		w.checks.fails["t3:smoke"] = errors.New("it smokes")
		w.do("run", w.plan(promotion{
			onFailure: rollout.OnFailureHalt, waves: &rollout.Waves{Sizes: []int{1, 5, 10}}, spec: []func(*rollout.Spec){verify(gate("smoke"))},
		}), places(20))
		if got := w.deployed(); !slices.Equal(slices.Sorted(slices.Values(got)), w.order[:5]) {
			t.Errorf("deployed %q, want two waves", got)
		}
		w.checks.failing(map[string]error{})
		w.do("later", w.goOn([]string{"t3"}, rollout.RetryJob{By: rollout.Actor{Login: "bob", Person: true}}))
		w.do("later", w.goOn(nil), places(20))
		for _, name := range w.order {
			w.is(name, rollout.StateSucceeded)
		}
	})
}

// TestUnchangedOfAnotherJob: the jobs of a matrix share waves. What one of them
// finds to run the release already is good for all, whichever of them made the
// promotion's entry, and also where it found nothing else.
func TestUnchangedOfAnotherJob(t *testing.T) {
	for name, jobs := range map[string][]string{"there first": {"a", "b"}, "there last": {"b", "a"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "plain", "a", "b")
				for _, target := range jobs {
					plan := w.plan(promotion{
						id: "p1", targets: []string{target}, members: w.order, onFailure: rollout.OnFailureHalt,
						waves: &rollout.Waves{Sizes: []int{1, 2}},
					})
					if target == "a" { // it runs r2 already
						plan.Moves[0].Do, plan.Moves[0].Unchanged, plan.Promotion.Unchanged = nil, true, []string{"a"}
					}
					w.do("job-"+target, plan)
				}
				w.do("later", w.goOn([]string{"b"}))
				w.is("b", rollout.StateSucceeded)
			})
		})
	}
}

// TestStageCheckOnce: a check of scope stage runs once a wave, after its targets
// came that far.
func TestStageCheckOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", many(6)...)
		w.platform.slow = 2 * time.Second
		w.do("run", w.plan(promotion{
			onFailure: rollout.OnFailureHalt, waves: &rollout.Waves{Sizes: []int{2, 6}}, spec: []func(*rollout.Spec){verify(onStage("all"))},
		}), places(3))
		if got := w.checks.list(); len(got) != 2 {
			t.Errorf("ran %q, want one a wave", got)
		}
		for _, name := range w.order {
			w.is(name, rollout.StateSucceeded)
		}
		w.free(w.order...)
	})
}

// TestManyAreLinear: ten times the targets take about ten times the work, not a
// hundred times: counted in what the machine is asked, not in time.
func TestManyAreLinear(t *testing.T) {
	for _, n := range []int{100, 1000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "plain", many(n)...)
				w.platform.lag = 50 * time.Millisecond
				begin := time.Now()
				w.do("run", w.plan(promotion{}), places(64))
				ideal := time.Duration((n+63)/64) * 2 * w.platform.lag
				if took := time.Since(begin); took > ideal*115/100 {
					t.Errorf("%d targets took %s, ideal %s", n, took, ideal)
				}
			})
		})
	}
}

// TestRetryOfOver: a job that is retried after its rollout was over runs the
// stage's checks again, although the promotion was not loaded with it.
func TestRetryOfOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "fleet", "a", "b", "c")
		w.checks.fails["all"] = errors.New("500")
		w.do("run", w.plan(promotion{onFailure: rollout.OnFailureHalt, spec: []func(*rollout.Spec){verify(onStage("all"))}}))
		w.is("c", rollout.StateFailed)
		w.checks.failing(map[string]error{})
		w.do("later", w.goOn([]string{"b", "c"}, rollout.RetryJob{By: rollout.Actor{Login: "bob", Person: true}}))
		w.is("a", rollout.StateFailed)
		w.is("b", rollout.StateSucceeded)
		w.is("c", rollout.StateSucceeded)
		if got := w.checks.list(); len(got) != 2 {
			t.Errorf("ran %q, want once and once more", got)
		}
		if h := w.promotion("p1").Halted; h == nil || h.By != "a" {
			t.Errorf("halted by %+v although a still fails", h)
		}
	})
}
