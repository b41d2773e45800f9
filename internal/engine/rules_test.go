package engine_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"sluice/internal/engine"
	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/rollout"
	"sluice/stages/driver"
)

// TestAdvanceRuleOfThePlatformsOwn: a rule starts the phases of a rollout that the
// platform owns, through its real driver: each once, when it is due, as automation's,
// and never past a block.
func TestAdvanceRuleOfThePlatformsOwn(t *testing.T) {
	found := 0
	for _, facts := range platforms() {
		if !facts.Remote || !facts.Supports(driver.Advance) || !facts.Supports(driver.RetryJob) {
			continue // its phases are not told by the place here
		}
		found++
		t.Run(facts.Platform, func(t *testing.T) {
			w := worldOf(t, facts, "name: shop\nstages:\n  - name: staging\n    targets: [{name: source, "+place(facts.Platform, "staging", 0)+
				"}]\n  - name: production\n    targets: [{name: t1, "+place(facts.Platform, "canary", 1)+"}]\nautomation:\n  - advance: {stage: production, after: 30m}\n")
			w.ruled()
		})
	}
	if found == 0 {
		t.Error("no platform was looked at")
	}
}

// ruled goes through a rollout of three phases, of which a rule starts two.
func (w *world) ruled() {
	out := w.does(view.Pending, "anna", w.promote)
	if kind := out.Targets[0].WaitingFor.Kind; kind != rollout.WaitPerson {
		w.t.Fatalf("it waits for %s", kind)
	}
	w.does(view.Pending, "github-actions[bot]", w.reconcile)
	w.sent("deploy") // nothing before its time
	w.time.Skip(31 * time.Minute)
	w.by("carol", func(ctx context.Context, e *engine.Engine) (view.Outcome, error) { //nolint:errcheck // what it does is seen below
		return e.Lock(ctx, engine.Blocking{Targets: w.production().Targets, Scope: rollout.ScopeStage})
	})
	w.does(view.Pending, "github-actions[bot]", w.reconcile)
	w.sent("deploy")                                                                  // a lock stops a rule
	w.by("carol", func(ctx context.Context, e *engine.Engine) (view.Outcome, error) { //nolint:errcheck // what it does is seen below
		return e.Unlock(ctx, w.production().Targets)
	})
	out = w.does(view.Pending, "github-actions[bot]", w.reconcile)
	w.sent("deploy", "advance")
	if runs := out.Targets[0].Automation; len(runs) != 1 || runs[0].Phase == "" || runs[0].State != rollout.AutomationSucceeded {
		w.t.Errorf("its runs are %+v", runs)
	}
	w.does(view.Pending, "github-actions[bot]", w.reconcile)
	w.sent("deploy", "advance") // once
	w.time.Skip(31 * time.Minute)
	out = w.does(view.Succeeded, "github-actions[bot]", w.reconcile)
	w.sent("deploy", "advance", "advance")
	if runs := out.Targets[0].Automation; len(runs) != 2 || runs[0].Phase == runs[1].Phase {
		w.t.Errorf("its runs are %+v", runs)
	}
}

// sent asserts all effects so far.
func (w *world) sent(kinds ...string) {
	w.t.Helper()
	var got []string
	for _, e := range w.server.Effects() {
		got = append(got, e.Kind)
	}
	if !slices.Equal(got, kinds) {
		w.t.Errorf("sent %v, want %v", got, kinds)
	}
}

// TestTerminateNeedsAPlatformThatStops: what a platform is at and cannot stop is
// refused by its name before anything is sent, with what goes back instead.
func TestTerminateNeedsAPlatformThatStops(t *testing.T) {
	for _, facts := range platforms() {
		why := map[string]string{
			"heroku":       " is at work for the job, and offers no way to stop that",
			"inframanager": " is at work for the job, and offers no way to stop that",
			"ecs":          " is at work for the job, and ends what it is at as a whole: it goes back",
		}[facts.Platform]
		if why == "" {
			continue
		}
		w := newWorld(t, facts, 1, "", "", "t1:deploy:hang")
		w.budget = 2 * time.Minute
		w.does(view.Pending, "anna", w.promote)
		w.refused(facts.Title+why, "berta", w.order(planner.CommandTerminate))
	}
}
