package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/stages/driver"
)

// remote is a pipeline on the platform that owns its rollouts.
const remote = `
name: shop
stages:
  - name: dev
    targets: [{name: web-dev, cloud: {spot: web-dev}}]
  - name: prod
    targets: [{name: web, cloud: {spot: web}}]
`

func (w *world) cloud() *sky { return w.platform("cloud") }

// TestRemote walks a platform's own rollout to its end: approved, advanced, and
// mirrored all the way.
func TestRemote(t *testing.T) {
	for name, lost := range map[string][]answer{
		"answered": nil, "lost after the effect": {{code: driver.Lost}}, "lost before the effect": {{code: driver.Lost, drop: true}},
		"throttled": {{code: driver.Retryable}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, remote)
				w.cloud().cloud.approval = true
				for _, kind := range []driver.Kind{driver.Deploy, driver.Approve, driver.Advance} {
					w.cloud().next("web", kind, lost...)
				}
				out := w.must(rollout.StatusPending, promote("prod"))
				if got := waits(t, out, "web", rollout.WaitApproval); !strings.Contains(got.Command, "approve --target web") {
					t.Errorf("waits %+v", got)
				}
				x := w.newest("web")
				if step, ok := x.OpenStep(); x.Rollout.State != rollout.StatePendingApproval || !ok || step.State != rollout.StepBegun || len(x.Rollout.Phases) != 2 {
					t.Fatalf("mirrored %+v, steps %+v", x.Rollout, x.Steps)
				}
				commits := w.memory.Commits()
				waits(t, w.must(rollout.StatusPending, reconcile()), "web", rollout.WaitApproval)
				if n := w.memory.Commits() - commits; n != 0 {
					t.Errorf("reconcile saved %d times while the platform waits for a person", n)
				}
				waits(t, w.status(false).Outcome, "web", rollout.WaitApproval)
				w.refused("only a rollout that is IN_PROGRESS", order(engine.CommandAdvance))

				out = w.must(rollout.StatusPending, order(engine.CommandApprove), bob)
				if got := waits(t, out, "web", rollout.WaitPerson); !strings.Contains(got.Command, "advance --target web") {
					t.Errorf("waits %+v", got)
				}
				w.had("web deploy", "web approve")
				waits(t, w.status(false).Outcome, "web", rollout.WaitPerson)
				w.must(rollout.StatusSucceeded, order(engine.CommandAdvance))
				w.had("web deploy", "web approve", "web advance")
				w.is("web", rollout.StateSucceeded)
				if r := w.record("web").Release; r == nil || r.ID != "r2" {
					t.Errorf("the state says that %v runs", r)
				}
				w.must(rollout.StatusUnchanged, reconcile())
			})
		})
	}
}

// bob is another person than the one who starts everything.
func bob(c *engine.Config) { c.Actor.Login = "bob" }

// TestRemoteEnds: reject and cancel are asked of the platform.
func TestRemoteEnds(t *testing.T) {
	for command, c := range map[string]struct {
		approval bool
		effect   string
		state    rollout.State
	}{
		engine.CommandReject: {true, "web reject", rollout.StateApprovalRejected},
		engine.CommandCancel: {false, "web cancel", rollout.StateCancelled},
		"cancel-waiting":     {true, "web cancel", rollout.StateCancelled},
	} {
		t.Run(command, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, remote)
				w.cloud().cloud.approval = c.approval
				w.must(rollout.StatusPending, promote("prod"))
				for _, kind := range []driver.Kind{driver.Reject, driver.Cancel} {
					w.cloud().next("web", kind, answer{code: driver.Lost, drop: true}, answer{code: driver.Lost})
				}
				w.must(rollout.StatusSucceeded, order(strings.TrimSuffix(command, "-waiting")), bob)
				w.had("web deploy", c.effect)
				w.is("web", c.state)
			})
		})
	}
}

// TestRemoteFails: a job that failed on the platform is retried or ignored
// there.
func TestRemoteFails(t *testing.T) {
	for command, effect := range map[string]string{engine.CommandRetryJob: "web retryJob", engine.CommandIgnoreJob: "web ignoreJob"} {
		t.Run(command, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, remote)
				w.cloud().cloud.fails = "canary-10"
				w.must(rollout.StatusFailed, promote("prod"))
				w.is("web", rollout.StateFailed)
				for _, kind := range []driver.Kind{driver.RetryJob, driver.IgnoreJob} {
					w.cloud().next("web", kind, answer{code: driver.Lost, drop: true}, answer{code: driver.Lost})
				}
				w.must(rollout.StatusPending, order(command))
				w.had("web deploy", effect)
				w.must(rollout.StatusSucceeded, order(engine.CommandAdvance))
				w.is("web", rollout.StateSucceeded)
			})
		})
	}
}

// TestRemoteCommandRefused: a command that the platform refuses leaves its
// rollout as it is.
func TestRemoteCommandRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, remote)
		w.must(rollout.StatusPending, promote("prod"))
		w.cloud().next("web", driver.Advance, answer{code: driver.Denied})
		r := w.do(order(engine.CommandAdvance))
		if r.err != nil || !w.observer.said("denied") {
			t.Errorf("%v %+v", r.err, r.Targets)
		}
		w.had("web deploy")
		w.is("web", rollout.StateInProgress)
		w.must(rollout.StatusSucceeded, order(engine.CommandAdvance))
		w.had("web deploy", "web advance")
	})
}

// TestRemoteCrash kills the process at every point of a command to the
// platform's own rollout.
func TestRemoteCrash(t *testing.T) {
	s := story{
		name: "advance", file: remote, do: order(engine.CommandAdvance),
		before: func(w *world) { w.must(rollout.StatusPending, promote("prod")) },
		want:   []string{"web advance"}, state: map[string]rollout.State{"web": rollout.StateSucceeded},
	}
	for _, sky := range weathers() {
		n := s.count(t, sky)
		for at := 1; at <= n; at++ {
			synctest.Test(t, func(t *testing.T) { s.dieAt(t, sky, sky.next[0], at) })
		}
	}
}

// TestRemoteMoved: what somebody did on the platform itself is taken up by the
// next reconcile.
func TestRemoteMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, remote)
		w.cloud().cloud.approval = true
		w.must(rollout.StatusPending, promote("prod"))
		by := func(kind driver.Kind, phase string) {
			change := driver.Change{Target: w.targets("web")[0].Driver(), Phase: phase}
			w.cloud().cloud.apply(w.cloud(), driver.Call{Kind: kind, Changes: []driver.Change{change}})
		}
		by(driver.Approve, "")
		waits(t, w.must(rollout.StatusPending, reconcile()), "web", rollout.WaitPerson)
		by(driver.Advance, "stable")
		w.must(rollout.StatusSucceeded, reconcile())
		w.had("web deploy")
		w.is("web", rollout.StateSucceeded)
	})
}
