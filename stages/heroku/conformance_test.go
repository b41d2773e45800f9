package heroku_test

import (
	"testing"
	"time"

	emulator "sluice/internal/sandbox/heroku"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
	"sluice/stages/driver"
	"sluice/stages/heroku"
	"sluice/stages/stagetest"
)

func TestConformance(t *testing.T) { stagetest.RunConformance(t, newHarness) }

func TestHostile(t *testing.T) { stagetest.RunHostile(t, newHarness) }

func newHarness(t *testing.T, faults ...string) stagetest.Harness {
	a := newAccount(t, faults...)
	empty := a.emptyApp("storefront-new", "production")
	from := a.target("web-staging")
	return stagetest.Harness{
		Facts: heroku.Facts(), Open: heroku.Open,
		Env:        a.server.Env(),
		Rejected:   map[string]string{"HEROKU_API_KEY": emulator.RejectedKey},
		RequestIDs: true,
		Now:        a.clock.Now, Advance: a.clock.Move,
		Members: []stagetest.Member{
			{Target: a.target("web-eu"), Source: from},
			{Target: a.target("web-us"), Source: from},
			{Target: a.target("web-ap"), Source: from},
		},
		Unknown:  target("web-nowhere", "production", "storefront-nowhere"),
		Empty:    &empty,
		Snapshot: func() func() { return sandboxtest.Snapshot(t, a.emulator, a.clock) },
		Inside:   a.server.Transport(),
		Effects:  func() int { return len(a.effects()) },
		Intrude:  a.emulator.Intrude,
		Fails:    "fail",
	}
}

// start is when every test's account begins.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// three is the pipeline development → staging → production with three
// production apps.
func three(tb testing.TB) [][]sandboxtest.Target {
	tb.Helper()
	return [][]sandboxtest.Target{
		{web("web-dev", "storefront-dev", "development")},
		{web("web-staging", "storefront-staging", "staging")},
		{web("web-eu", "storefront-eu", "production"), web("web-us", "storefront-us", "production"), web("web-ap", "storefront-ap", "production")},
	}
}

func web(name, app, stage string) sandboxtest.Target {
	return sandboxtest.Target{Name: name, Component: "web", Config: map[string]any{"app": app, "pipeline": "storefront", "stage": stage}}
}

func target(name, stage, app string) driver.Target {
	return driver.Target{Name: name, Stage: stage, Platform: "heroku", Config: []byte(`{"app":"` + app + `"}`)}
}

func sandboxPipelines(tb testing.TB, stages [][]sandboxtest.Target) []*pipeline.Pipeline {
	tb.Helper()
	return []*pipeline.Pipeline{sandboxtest.Pipeline(tb, "heroku", stages...)}
}
