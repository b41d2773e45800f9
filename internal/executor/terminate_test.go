package executor_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sluice/analysis"
	"sluice/rollout"
)

func terminate(job string) rollout.AddOrder {
	return rollout.AddOrder{Order: rollout.Order{ID: "o-end", Command: rollout.OrderTerminate, Job: job, By: "bob", Person: true, Reason: "it hangs", At: time.Now()}}
}

// TestTerminateStopsACheck that hangs in another run: that run hears of it, what runs
// is stopped, and it goes on from there: traffic is put back.
func TestTerminateStopsACheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		w.checks.takes = map[string]time.Duration{"smoke": 10 * time.Minute}
		p := w.start("run")
		restore := func(s *rollout.Spec) { s.Restore = true }
		plan := w.plan(promotion{spec: []func(*rollout.Spec){canary(time.Minute, "10"), verify(gate("smoke")), restore}})
		done := p.async(func() result { return p.do(plan) })
		time.Sleep(time.Minute)
		begun := time.Now()
		w.beside(terminate(rollout.JobVerify), "web")
		r := <-done
		if waited := time.Since(begun); waited > 40*time.Second || r.Err != nil {
			t.Errorf("after %s it ended with %v", waited, r.Err)
		}
		x := w.newest("web")
		if x.Rollout.State != rollout.StateFailed || x.Rollout.FailureReason != "verify was terminated in canary-10: by bob: it hangs" {
			t.Errorf("it is %s: %s", x.Rollout.State, x.Rollout.FailureReason)
		}
		if got := w.platform.done(); !slices.Equal(got, []string{"web weight 10", "web rollback"}) {
			t.Errorf("effects %q", got)
		}
		w.free("web")
	})
}

// TestTerminateStopsTheStagesCheck: it runs for all targets of the wave, and fails for
// all of them.
func TestTerminateStopsTheStagesCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "a", "b")
		w.checks.takes = map[string]time.Duration{"smoke": 10 * time.Minute}
		p := w.start("run")
		plan := w.plan(promotion{spec: []func(*rollout.Spec){verify(onStage("smoke"))}})
		done := p.async(func() result { return p.do(plan) })
		time.Sleep(time.Minute)
		begun := time.Now()
		ran := w.checks.list()
		w.beside(terminate(rollout.JobVerify), "a")
		<-done
		if waited := time.Since(begun); waited > 40*time.Second || len(ran) != 1 || len(w.checks.list()) != 1 {
			t.Errorf("after %s, ran %q", waited, w.checks.list())
		}
		w.is("a", rollout.StateFailed)
		w.is("b", rollout.StateFailed)
		if x := w.newest("b"); x.Rollout.FailureReason != "verify failed in stable: somebody terminated it" {
			t.Errorf("b: %s", x.Rollout.FailureReason)
		}
	})
}

// TestAnInconclusiveStageCheckAsks: it fails nobody, a person decides.
func TestAnInconclusiveStageCheckAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "a", "b")
		w.checks.failing(map[string]error{"errors": errUnclear})
		stage := onStage("errors")
		stage.Measured = &analysis.Measured{}
		w.do("run", w.plan(promotion{spec: []func(*rollout.Spec){verify(stage)}}))
		for _, name := range []string{"a", "b"} {
			w.is(name, rollout.StateInProgress)
			if x := w.newest(name); x.Undecided == nil || x.Undecided.Message != "verify is inconclusive in stable: errors inconclusive: nobody can tell" {
				t.Errorf("%s asks %+v", name, x.Undecided)
			}
		}
		w.checks.failing(map[string]error{})
		w.do("again", w.goOn([]string{"a", "b"}, rollout.RetryJob{By: rollout.Actor{Login: "bob", Person: true}}))
		w.is("a", rollout.StateSucceeded)
		w.is("b", rollout.StateSucceeded)
		if got := w.checks.list(); len(got) != 2 {
			t.Errorf("ran %q", got)
		}
	})
}
