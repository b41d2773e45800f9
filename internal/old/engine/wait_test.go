package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
)

const canary30 = `strategy: {canary: {percentages: [10, 50], wait: 30m, disable: true}}`

// TestBake: a bake that is longer than inline-wait costs no runner: promote
// exits pending, reconcile before it is over does nothing at all, and after it
// goes on.
func TestBake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, canary30))
		start := time.Now()
		out := w.must(rollout.StatusPending, promote("prod"))
		due := start.Add(30 * time.Minute)
		if got := waits(t, out, "web", rollout.WaitBake); !got.Until.Equal(due) || got.Command != "sluice reconcile" || !out.Next.Equal(due) {
			t.Errorf("waits %+v, next %s, want %s", got, out.Next, due)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("it took %s", took)
		}
		w.is("web", rollout.StateInProgress)

		time.Sleep(27 * time.Minute)
		commits, requests := w.memory.Commits(), w.sky().asked()
		out = w.must(rollout.StatusPending, reconcile())
		if !out.Next.Equal(due) {
			t.Errorf("next %s, want %s", out.Next, due)
		}
		if n := w.memory.Commits() - commits; n != 0 {
			t.Errorf("reconcile saved %d times before anything was due", n)
		}
		if n := w.sky().asked() - requests; n != 0 {
			t.Errorf("reconcile made %d requests before anything was due", n)
		}

		time.Sleep(90 * time.Second) // due within inline-wait now
		w.must(rollout.StatusPending, reconcile())
		w.had("web weight 10", "web weight 50")
		time.Sleep(31 * time.Minute)
		w.must(rollout.StatusSucceeded, reconcile())
		w.had("web weight 10", "web weight 50", "web stable", "web disable")
		w.is("web", rollout.StateSucceeded)
		w.must(rollout.StatusUnchanged, reconcile())
	})
}

// TestWaitBudget: bakes that are short each are waited for until the budget of
// the whole invocation is spent.
func TestWaitBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, `strategy: {canary: {percentages: [10, 20, 30, 40, 50], wait: 2m}}`))
		start := time.Now()
		out := w.must(rollout.StatusPending, promote("prod"), func(c *engine.Config) { c.WaitBudget = 5 * time.Minute })
		w.had("web weight 10", "web weight 20", "web weight 30")
		if took := time.Since(start); took != 4*time.Minute {
			t.Errorf("it took %s", took)
		}
		waits(t, out, "web", rollout.WaitBake)
	})
}

// TestAdvance: without a wait a person advances, phase by phase.
func TestAdvance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, `strategy: {canary: {percentages: [10, 50]}}`))
		out := w.must(rollout.StatusPending, promote("prod"))
		waits(t, out, "web", rollout.WaitPerson)
		time.Sleep(time.Hour)
		commits := w.memory.Commits()
		w.must(rollout.StatusPending, reconcile())
		if n := w.memory.Commits() - commits; n != 0 {
			t.Errorf("reconcile saved %d times", n)
		}
		w.must(rollout.StatusPending, order(engine.CommandAdvance))
		w.had("web weight 10", "web weight 50")
		w.must(rollout.StatusSucceeded, order(engine.CommandAdvance))
		w.had("web weight 10", "web weight 50", "web stable")
		w.refused("advance", order(engine.CommandAdvance))
	})
}

// TestTimeout: a rollout that takes longer than its timeout fails, and its
// canary is removed.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, `strategy: {canary: {percentages: [10]}}, timeout: 2h`))
		w.must(rollout.StatusPending, promote("prod"))
		time.Sleep(3 * time.Hour)
		w.must(rollout.StatusFailed, reconcile())
		w.had("web weight 10", "web rollback")
		if x := w.newest("web").Rollout; x.DeployFailureCause != rollout.DeadlineExceeded {
			t.Errorf("cause %s", x.DeployFailureCause)
		}
	})
}

// many has n targets with a canary each.
func many(n int, keys string) string {
	var b strings.Builder
	b.WriteString("name: shop\nstages:\n  - name: dev\n    targets:\n")
	for i := range n {
		fmt.Fprintf(&b, "      - {name: d%d, component: c%d, sky: {spot: d%d}}\n", i, i, i)
	}
	b.WriteString("  - name: prod\n    targets:\n")
	for i := range n {
		fmt.Fprintf(&b, "      - {name: t%d, component: c%d, sky: {spot: t%d}%s}\n", i, i, i, keys)
	}
	return b.String()
}

// TestHundreds: one reconcile takes up hundreds of targets, and leaves those
// alone that another run holds or that are not due.
func TestHundreds(t *testing.T) {
	const n = 200
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, many(n, ", strategy: {canary: {percentages: [10], wait: 30m}}"))
		w.must(rollout.StatusPending, promote("prod"))
		if got := len(w.effects()); got != n {
			t.Fatalf("%d effects, want %d", got, n)
		}
		time.Sleep(31 * time.Minute)
		for i := range 10 {
			w.set(fmt.Sprintf("t%d", i), func(r *rollout.Record) {
				r.Lock = &rollout.Lock{Holder: "run/9", Since: time.Now(), Until: time.Now().Add(time.Hour)}
			})
		}
		out := w.must(rollout.StatusPending, reconcile())
		if got := len(w.effects()); got != 2*n-10 {
			t.Errorf("%d effects, want %d", got, 2*n-10)
		}
		for i := range 10 {
			waits(t, out, fmt.Sprintf("t%d", i), rollout.WaitLock)
		}
		if len(out.Targets) != n {
			t.Errorf("%d targets in the outcome", len(out.Targets))
		}
	})
}

// TestConcurrency: no more targets are at work at a time than was asked for,
// and one that only waits for its operation is not at work.
func TestConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, many(20, ""))
		for i := range 20 {
			w.sky().next(fmt.Sprintf("t%d", i), "deploy", answer{slow: 10 * time.Second})
		}
		start := time.Now()
		w.must(rollout.StatusSucceeded, promote("prod"), func(c *engine.Config) { c.Concurrency = 4 })
		if took := time.Since(start); took != 50*time.Second {
			t.Errorf("20 answers of 10 s, 4 at a time, took %s", took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, many(20, ""))
		w.sky().slow = time.Minute
		start := time.Now()
		w.must(rollout.StatusSucceeded, promote("prod"), func(c *engine.Config) { c.Concurrency = 4 })
		if took := time.Since(start); took > 2*time.Minute {
			t.Errorf("20 operations of a minute side by side took %s", took)
		}
	})
}

// TestChangedPipeline: a rollout goes on with the phases it started with, and
// says that the file has changed.
func TestChangedPipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, canary30))
		w.must(rollout.StatusPending, promote("prod"))
		w.file = with(one, `strategy: {canary: {percentages: [33], wait: 1m}}`)
		time.Sleep(31 * time.Minute)
		w.must(rollout.StatusPending, reconcile())
		w.had("web weight 10", "web weight 50")
		if !w.observer.said("the pipeline file has changed") {
			t.Error("nobody said that the file has changed")
		}
	})
}
