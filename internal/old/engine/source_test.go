package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/pipeline"
)

// chain has three stages.
const chain = `
name: shop
stages:
  - name: dev
    targets: [{name: web-dev, sky: {spot: web-dev}}]
  - name: staging
    targets: [{name: web-staging, sky: {spot: web-staging}, verify: [{run: [smoke]}]}]
  - name: prod
    targets: [{name: web, sky: {spot: web}}]
`

func (w *world) stage(name string) *pipeline.Stage {
	s, err := w.pipeline().Stage(name)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// TestFirstStage: the first stage of a chain is told its release.
func TestFirstStage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, chain)
		named := func(p *engine.Promotion) { p.Release = "r3" }
		w.refused("name one with --release", promote("dev"))
		w.refused("notFound", promote("dev", func(p *engine.Promotion) { p.Release = "r77" }))
		w.must(rollout.StatusSucceeded, promote("dev", named))
		w.had("web-dev deploy")
		w.must(rollout.StatusSucceeded, promote("staging"))
		w.must(rollout.StatusSucceeded, promote("prod"))
		if got := w.sky().stand("web").Release; got != "r3" {
			t.Errorf("web runs %s", got)
		}
	})
}

// TestNothingRuns: a source where nothing runs has nothing to promote.
func TestNothingRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.sky().put("web-dev", "")
		w.refused("nothing runs on web-dev yet", promote("prod"))
	})
}

// TestOtherRelease: a release that does not run on the source is not promoted
// from there.
func TestOtherRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.refused("release r3 does not run on web-dev", promote("prod", func(p *engine.Promotion) { p.Release = "r3" }))
	})
}

// TestDrift: a source that runs something else than its record says is
// refused, until a person says that it is right.
func TestDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, chain)
		w.must(rollout.StatusSucceeded, promote("staging"))
		w.sky().put("web-staging", "r3")
		w.refused("the state says r2", promote("prod"))
		w.must(rollout.StatusSucceeded, promote("prod", func(p *engine.Promotion) { p.AcceptDrift = true }))
		if got := w.sky().stand("web").Release; got != "r3" {
			t.Errorf("web runs %s", got)
		}
	})
}

// TestFailedSource: a release that failed on its source goes no further, until
// somebody retried or ignored it, or takes it past the stage.
func TestFailedSource(t *testing.T) {
	for name, on := range map[string]func(*world){
		"retry-job": func(w *world) {
			delete(w.checks.fails, "smoke")
			w.must(rollout.StatusSucceeded, order(engine.CommandRetryJob, "web-staging"))
		},
		"ignore-job": func(w *world) { w.must(rollout.StatusSucceeded, order(engine.CommandIgnoreJob, "web-staging")) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, chain)
				w.checks.fails["smoke"] = errors.New("500")
				w.must(rollout.StatusFailed, promote("staging"))
				w.refused("release r2 failed on web-staging", promote("prod"))
				on(w)
				w.must(rollout.StatusSucceeded, promote("prod"))
			})
		})
	}
}

// TestUnfinishedSource: a release that is still being rolled out on its source
// goes no further.
func TestUnfinishedSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(chain, "verify: [{run: [smoke]}]", "strategy: {canary: {percentages: [10]}}", 1))
		w.must(rollout.StatusPending, promote("staging"))
		w.sky().intrude("web-staging", standing{Release: "r2"})
		w.refused("still being rolled out on web-staging", promote("prod"))
	})
}

// TestAbandoned: an abandoned release is promoted neither to a place nor from it.
func TestAbandoned(t *testing.T) {
	abandon := func(names ...string) action {
		return func(ctx context.Context, e *engine.Engine) (rollout.Outcome, error) {
			return e.Abandon(ctx, find(e, names), "r2", "leaks")
		}
	}
	for _, where := range []string{"web", "web-staging"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, chain)
			w.must(rollout.StatusSucceeded, promote("staging"))
			if r := w.do(abandon(where)); r.err != nil {
				t.Fatal(r.err)
			}
			w.refused("release r2 was abandoned", promote("prod"))
		})
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, approval(`self: true`))
		w.must(rollout.StatusPending, promote("prod"))
		if r := w.do(abandon("web")); r.err != nil {
			t.Fatal(r.err)
		}
		if x := w.newest("web").Rollout; x.State != rollout.StateFailed || x.DeployFailureCause != rollout.ReleaseAbandoned {
			t.Errorf("%s, %s", x.State, x.DeployFailureCause)
		}
		w.had()
	})
}

// TestSkipStages: a hot fix leaves stages out on purpose; approval still applies.
func TestSkipStages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, chain)
		from := func(p *engine.Promotion) { p.From = w.stage("dev") }
		skip := func(p *engine.Promotion) { p.SkipStages = true }
		w.refused("leaves stages out", promote("prod", from))
		w.must(rollout.StatusSucceeded, promote("prod", from, skip))
		w.sky().put("web", "r1")
		w.must(rollout.StatusSucceeded, promote("prod", skip)) // from the start of its chain
		if got := w.sky().stand("web").Release; got != "r2" {
			t.Errorf("web runs %s", got)
		}
		w.must(rollout.StatusSucceeded, promote("prod", release("r3")))
		if got := w.sky().stand("web").Release; got != "r3" {
			t.Errorf("web runs %s", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, approval(`self: true`))
		w.must(rollout.StatusPending, promote("prod", release("r3")))
		w.had()
	})
}

// TestFrom: a stage that is named as the source, before it or after it.
func TestFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, chain)
		w.sky().put("web", "r3")
		w.must(rollout.StatusSucceeded, promote("staging", func(p *engine.Promotion) { p.From = w.stage("prod") }))
		if got := w.sky().stand("web-staging").Release; got != "r3" {
			t.Errorf("web-staging runs %s", got)
		}
		if x := w.newest("web-staging"); !x.Spec.Options.AnyOrder {
			t.Error("the driver is not told that the order is on purpose")
		}
	})
}
