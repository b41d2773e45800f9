package engine_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
)

// TestRerun: a re-run of a finished promotion reports it and changes nothing;
// of an unfinished one it resumes.
func TestRerun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, canary30))
		first := w.must(rollout.StatusPending, promote("prod"), again)
		time.Sleep(31 * time.Minute)
		second := w.must(rollout.StatusPending, promote("prod"), again)
		w.had("web weight 10", "web weight 50")
		time.Sleep(31 * time.Minute)
		third := w.must(rollout.StatusSucceeded, promote("prod"), again)
		if first.Promotion == "" || first.Promotion != second.Promotion || second.Promotion != third.Promotion {
			t.Errorf("promotions %s, %s, %s", first.Promotion, second.Promotion, third.Promotion)
		}
		w.sky().put("web-dev", "r3") // there would be something to do
		commits, requests := w.memory.Commits(), w.sky().asked()
		fourth := w.must(rollout.StatusSucceeded, promote("prod"), again)
		if fourth.Promotion != first.Promotion || fourth.Release != "r2" {
			t.Errorf("%+v", fourth)
		}
		if n := w.memory.Commits() - commits + w.sky().asked() - requests; n != 0 {
			t.Errorf("a re-run of a finished promotion made %d commits and requests", n)
		}
		if n := len(w.record("web").Promotions); n != 1 {
			t.Errorf("%d promotions", n)
		}
	})
}

// TestRerunOfAnother: another step, another run or other targets make another
// promotion; outside of Actions every invocation does.
func TestRerunOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, two)
		ids := map[string]bool{}
		for _, c := range []struct {
			a      action
			origin string
		}{
			{promote("prod"), "run/1 job 1"},
			{promote("prod"), "run/1 job 2"},
			{promote("prod", only("web")), "run/1 job 1"},
			{promote("prod"), ""},
			{promote("prod"), ""},
		} {
			w.sky().put("web", "r1")
			w.sky().put("api", "r1")
			out := w.must(rollout.StatusSucceeded, c.a, func(cfg *engine.Config) { cfg.Origin = c.origin })
			ids[out.Promotion] = true
		}
		if len(ids) != 5 {
			t.Errorf("%d promotions, want 5", len(ids))
		}
	})
}

// TestRerunOfFailed: a re-run of a promotion that failed reports the failure.
func TestRerunOfFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, `verify: [{run: [smoke]}]`))
		w.checks.fails["smoke"] = errors.New("500")
		w.must(rollout.StatusFailed, promote("prod"), again)
		delete(w.checks.fails, "smoke")
		w.must(rollout.StatusFailed, promote("prod"), again)
		if n := len(w.checks.list()); n != 1 {
			t.Errorf("the check ran %d times", n)
		}
	})
}

// TestRerunPartlyUnchanged: a re-run tells of targets where nothing was to do
// that nothing was to do.
func TestRerunPartlyUnchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, two)
		w.sky().put("api", "r2")
		for range 2 {
			out := w.must(rollout.StatusSucceeded, promote("prod"), again)
			if out.Targets[0].Unchanged || !out.Targets[1].Unchanged {
				t.Errorf("targets %+v", out.Targets)
			}
		}
		w.had("web deploy")
	})
}

// TestCommandAgain: a re-run of a command does not give it twice.
func TestCommandAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, `strategy: {canary: {percentages: [10, 20, 50]}}`))
		w.must(rollout.StatusPending, promote("prod"))
		for range 3 {
			w.must(rollout.StatusPending, order(engine.CommandAdvance), again)
		}
		w.had("web weight 10", "web weight 20")
		w.must(rollout.StatusPending, order(engine.CommandAdvance), func(c *engine.Config) { c.Origin = "run/2 job step" })
		w.had("web weight 10", "web weight 20", "web weight 50")
	})
}

// TestPromoteCanaryAgain: without anything that tells a re-run, a canary
// promotion that is not over is resumed, and one that is over is unchanged.
func TestPromoteCanaryAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.sky().intrude("web", standing{Release: "r1", Canary: "r3", Percent: "10"})
		w.sky().slow = 20 * time.Minute
		w.must(rollout.StatusPending, promoteCanary("web", false))
		w.must(rollout.StatusSucceeded, promoteCanary("web", false))
		w.had("web stable")
		w.must(rollout.StatusUnchanged, promoteCanary("web", false))
		w.sky().slow = 0
		w.must(rollout.StatusSucceeded, promoteCanary("web", true))
		w.had("web stable", "web disable")
	})
}

// TestPromoteCanaryRefused: without a canary nothing is sent; while a rollout
// of ours is at work, `advance` is the word.
func TestPromoteCanaryRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, canary30))
		w.refused("there is no canary", promoteCanary("web", true))
		w.must(rollout.StatusPending, promote("prod"))
		w.refused("sluice advance --target web", promoteCanary("web", true))
		w.had("web weight 10")
	})
}
