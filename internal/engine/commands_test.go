package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/engine"
	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/rollout"
	"sluice/stages/driver"
)

const (
	approvedBy = "    approval: {required: true, approvers: [octocat]}\n"
	smoke      = "    verify: [{run: [smoke]}]\n"
	waves      = "    waves: {sizes: [1, 100%]}\n"
	canary     = ", strategy: {canary: {percentages: [10]}}"

	canaryAndDisable = ", strategy: {canary: {percentages: [10], disable: true}}"
)

// commands are what people do, with what must come of it on every platform that can
// do it, through the real driver and the platform's emulator.
var commands = map[string]struct {
	needs   []driver.Kind
	ours    bool // of rollouts that the platform does not own
	targets int
	stage   string
	target  string
	fault   string // of the emulator
	do      func(w *world)
}{
	"promote": {targets: 2, do: func(w *world) {
		w.does(view.Succeeded, "anna", w.promote)
		sent := w.effects()
		w.does(view.Unchanged, "anna", w.promote)
		if got := w.effects(); !slices.Equal(got, sent) || len(sent) == 0 {
			w.t.Errorf("what ran already was sent again: %v, then %v", sent, got)
		}
	}},
	"what comes next": {targets: 1, do: func(w *world) {
		w.comes("production")
		w.does(view.Succeeded, "anna", w.promote)
		w.comes()
	}},
	"rollback": {targets: 1, do: func(w *world) {
		w.does(view.Succeeded, "anna", w.promote)
		out := w.does(view.Succeeded, "berta", w.rollback)
		sent := w.effects()
		w.does(view.Unchanged, "berta", w.rollback)
		if got := w.effects(); !slices.Equal(got, sent) {
			w.t.Errorf("a second rollback was sent: %v, then %v", sent, got)
		}
		if out.Targets[0].Release == "" {
			w.t.Errorf("nobody knows where it went back to: %+v", out.Targets[0])
		}
		w.refused("went-back", "anna", w.promote)
	}},
	"approve": {targets: 1, stage: approvedBy, do: func(w *world) {
		w.does(view.Pending, "anna", w.promote)
		w.nothingSent()
		w.refused("not among its approvers", "mallory", w.order(planner.CommandApprove))
		out, err := w.by("octocat", w.order(planner.CommandApprove))
		if out.Status == view.Pending && w.facts.Remote { // the platform's own gate
			out, err = w.by("octocat", w.order(planner.CommandApprove))
		}
		if err != nil || out.Status != view.Succeeded {
			w.t.Errorf("it is %s (%v); effects %v", out.Status, err, w.effects())
		}
	}},
	"reject": {targets: 1, stage: approvedBy, do: func(w *world) {
		w.does(view.Pending, "anna", w.promote)
		w.does(view.Succeeded, "octocat", w.order(planner.CommandReject))
		w.nothingSent()
		w.refused("went-back", "anna", w.promote)
	}},
	"cancel": {targets: 1, stage: approvedBy, do: func(w *world) {
		w.does(view.Pending, "anna", w.promote)
		w.does(view.Succeeded, "anna", w.order(planner.CommandCancel))
		w.nothingSent()
	}},
	"cancel a canary": {needs: []driver.Kind{driver.Weight}, targets: 1, target: canary, do: func(w *world) {
		w.does(view.Pending, "anna", w.promote)
		w.does(view.Succeeded, "anna", w.order(planner.CommandCancel))
		w.last("rollback")
	}},
	"advance": {needs: []driver.Kind{driver.Weight}, targets: 1, target: canary, do: func(w *world) {
		w.does(view.Pending, "anna", w.promote)
		w.last("weight")
		w.does(view.Succeeded, "anna", w.order(planner.CommandAdvance))
		w.last("stable")
	}},
	"advance and disable": {needs: []driver.Kind{driver.Weight}, targets: 1, target: canaryAndDisable, do: func(w *world) {
		w.does(view.Pending, "anna", w.promote)
		w.does(view.Succeeded, "anna", w.order(planner.CommandAdvance))
		w.does(view.Unchanged, "anna", w.promote)
	}},
	"promote-canary": {needs: []driver.Kind{driver.Weight}, targets: 1, target: canary, do: func(w *world) {
		w.refused("there is nothing to promote", "anna", w.canary(false))
		w.does(view.Pending, "anna", w.promote)
		w.refused("a rollout of ours is at work there", "anna", w.canary(false))
	}},
	"disable-canary": {needs: []driver.Kind{driver.Weight, driver.Disable}, targets: 1, target: canary, do: func(w *world) {
		w.does(view.Unchanged, "anna", w.canary(true))
		w.does(view.Pending, "anna", w.promote)
		w.does(view.Succeeded, "berta", w.canary(true))
		w.last("rollback", "disable") // as the emulator sees it: the canary loses its traffic, or its settings
	}},
	"retry-job": {ours: true, targets: 1, stage: smoke, do: func(w *world) {
		w.checks.fails["t1"] = true
		w.does(view.Failed, "anna", w.promote)
		sent := w.effects()
		delete(w.checks.fails, "t1")
		w.does(view.Succeeded, "anna", w.order(planner.CommandRetryJob))
		if got := w.effects(); !slices.Equal(got, sent) {
			w.t.Errorf("a check was retried and %v sent, after %v", got, sent)
		}
	}},
	"retry-job of the platform's": {needs: []driver.Kind{driver.RetryJob}, targets: 1, fault: "t1:deploy:fail", do: func(w *world) {
		w.does(view.Failed, "anna", w.promote)
		w.does(view.Succeeded, "anna", w.order(planner.CommandRetryJob))
		w.last("retryJob")
	}},
	"ignore-job of the platform's": {needs: []driver.Kind{driver.IgnoreJob}, targets: 1, fault: "t1:deploy:fail", do: func(w *world) {
		w.does(view.Failed, "anna", w.promote)
		w.does(view.Succeeded, "anna", w.order(planner.CommandIgnoreJob))
		w.last("ignoreJob")
	}},
	"terminate what the platform is at": {needs: []driver.Kind{driver.Terminate}, targets: 1, fault: "t1:deploy:hang", do: func(w *world) {
		w.budget = 2 * time.Minute
		w.does(view.Pending, "anna", w.promote)
		out := w.does(view.Succeeded, "berta", w.order(planner.CommandTerminate))
		w.last("terminate")
		if t := out.Targets[0]; t.State != rollout.StateFailed || !strings.Contains(t.ErrorMessage, "terminated") {
			w.t.Errorf("it is %s: %s", t.State, t.ErrorMessage)
		}
		w.refused("only a job that is IN_PROGRESS can be terminated", "berta", w.order(planner.CommandTerminate))
		w.does(view.Succeeded, "anna", w.order(planner.CommandRetryJob))
	}},
	"ignore-job": {ours: true, targets: 1, stage: smoke, do: func(w *world) {
		w.checks.fails["t1"] = true
		w.does(view.Failed, "anna", w.promote)
		w.does(view.Succeeded, "anna", w.order(planner.CommandIgnoreJob))
	}},
	"skip": {ours: true, targets: 2, stage: waves + smoke, do: func(w *world) {
		w.checks.fails["t1"] = true
		w.does(view.Failed, "anna", w.promote)
		w.does(view.Succeeded, "anna", func(ctx context.Context, e *engine.Engine) (view.Outcome, error) {
			return e.Skip(ctx, w.production().Targets[:1], "")
		})
		w.last("t2")
	}},
	"lock and unlock": {targets: 1, do: func(w *world) {
		w.by("berta", func(ctx context.Context, e *engine.Engine) (view.Outcome, error) { //nolint:errcheck // what it does is seen below
			return e.Lock(ctx, engine.Blocking{Targets: w.production().Targets, Scope: rollout.ScopeStage})
		})
		w.refused("lock", "anna", w.promote)
		w.by("anna", func(ctx context.Context, e *engine.Engine) (view.Outcome, error) { //nolint:errcheck // what it does is seen below
			return e.Unlock(ctx, w.production().Targets)
		})
		w.does(view.Succeeded, "anna", w.promote)
	}},
	"abandon": {targets: 1, do: func(w *world) {
		runs := w.does(view.Succeeded, "anna", w.promote).Release
		w.does(view.Succeeded, "anna", w.rollback)
		w.by("berta", func(ctx context.Context, e *engine.Engine) (view.Outcome, error) { //nolint:errcheck // what it does is seen below
			return e.Abandon(ctx, w.production().Targets, rollout.ScopeStage, runs)
		})
		w.by("berta", func(ctx context.Context, e *engine.Engine) (view.Outcome, error) { //nolint:errcheck // what it does is seen below
			return e.Unblock(ctx, w.production().Targets, "", "")
		})
		w.refused("abandon", "anna", w.promote)
	}},
	"reconcile": {targets: 1, do: func(w *world) {
		w.does(view.Unchanged, "anna", w.reconcile)
		w.does(view.Succeeded, "anna", w.promote)
		sent := w.effects()
		w.does(view.Unchanged, "anna", w.reconcile)
		if got := w.effects(); !slices.Equal(got, sent) {
			w.t.Errorf("nothing was due, and %v is sent after %v", got, sent)
		}
	}},
}

// canary promotes the canary that stands on the target, or takes it away.
func (w *world) canary(away bool) func(context.Context, *engine.Engine) (view.Outcome, error) {
	target := w.production().Targets[0]
	return func(ctx context.Context, e *engine.Engine) (view.Outcome, error) {
		if away {
			return e.DisableCanary(ctx, engine.CanaryRemoval{Target: target})
		}
		return e.PromoteCanary(ctx, engine.CanaryPromotion{Target: target})
	}
}

func (w *world) nothingSent() {
	w.t.Helper()
	if got := w.effects(); len(got) > 0 {
		w.t.Errorf("sent %v", got)
	}
}

// last asserts what the newest effect was: one of those named.
func (w *world) last(want ...string) {
	w.t.Helper()
	got := w.effects()
	if len(got) == 0 || !slices.ContainsFunc(want, func(one string) bool { return strings.Contains(got[len(got)-1], one) }) {
		w.t.Errorf("effects %v, want the last to be one of %v", got, want)
	}
}

// comes ends the test unless these stages would come next.
func (w *world) comes(stages ...string) {
	w.t.Helper()
	w.does(view.Succeeded, "anna", func(ctx context.Context, e *engine.Engine) (view.Outcome, error) {
		coming, err := e.Next(ctx)
		var got []string
		for _, one := range coming {
			got = append(got, one.Stage.Name.Value)
		}
		if !slices.Equal(got, stages) {
			w.t.Errorf("%v would come next, want %v", got, stages)
		}
		return view.Outcome{Status: view.Succeeded}, err
	})
}

// TestCommands joins engine and driver: every command on every platform that can do
// it.
func TestCommands(t *testing.T) {
	for _, facts := range platforms() {
		for name, c := range commands {
			can := !slices.ContainsFunc(c.needs, func(k driver.Kind) bool { return !slices.Contains(facts.Kinds, k) })
			if !can || c.ours && facts.Remote {
				continue
			}
			t.Run(facts.Platform+"/"+name, func(t *testing.T) {
				t.Parallel()
				var faults []string
				if c.fault != "" {
					faults = append(faults, c.fault)
				}
				c.do(newWorld(t, facts, c.targets, c.stage, c.target, faults...))
			})
		}
	}
}
