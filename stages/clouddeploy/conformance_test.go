package clouddeploy_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
	"sluice/stages/clouddeploy"
	"sluice/stages/driver"
	"sluice/stages/stagetest"
)

func TestConformance(t *testing.T) { stagetest.RunConformance(t, newHarness) }

func TestHostile(t *testing.T) { stagetest.RunHostile(t, newHarness) }

func newHarness(t *testing.T, faults ...string) stagetest.Harness {
	b := newBench(t, faults...)
	empty, gated := target("fresh"), target("gated")
	return stagetest.Harness{
		Facts: clouddeploy.Facts(), Open: clouddeploy.Open,
		Env: b.server.Env(), Rejected: rejected(t),
		Now: b.clock.Now, Advance: b.clock.Move,
		Members: []stagetest.Member{{Target: target("prod"), Source: target("staging")}},
		Unknown: target("gone"), Empty: &empty, Asks: &gated,
		Snapshot: func() func() { return sandboxtest.Snapshot(t, b.emulator, b.clock) },
		Inside:   b.server.Transport(),
		Effects:  func() int { return len(b.server.Effects()) },
		Intrude:  b.emulator.Intrude,
		Fails:    "fail",
		Reach:    func(kind driver.Kind) driver.Change { return b.reach(t, kind) },
	}
}

// rejected is a Cloud Deploy that accepts nobody.
func rejected(t *testing.T) map[string]string {
	unauthorized := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		w.Write([]byte(`{"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED"}}`)) //nolint:errcheck // a recorder
	})
	return map[string]string{"CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDDEPLOY": serve(t, unauthorized)}
}

// target is a target of the one delivery pipeline of these tests, under its own
// name.
func target(id string) driver.Target {
	config, _ := json.Marshal(keys(id)) //nolint:errchkjson // four strings
	return driver.Target{Name: id, Stage: id, Platform: "clouddeploy", Config: config}
}

func keys(id string) map[string]string {
	return map[string]string{"project": "shop-1234", "location": "europe-west1", "deliveryPipeline": "shop", "target": id}
}

// sandboxPipelines has a target for every way a rollout can go: plain, with an
// approval, with a canary, failing once, and one where nothing runs.
func sandboxPipelines(t *testing.T) []*pipeline.Pipeline {
	p := sandboxtest.Pipeline(t, "clouddeploy",
		[]sandboxtest.Target{{Name: "staging", Config: keys("staging")}},
		[]sandboxtest.Target{
			{Name: "prod", Config: keys("prod")}, {Name: "flaky", Config: keys("flaky")},
			{Name: "canary", Config: keys("canary")}, {Name: "fresh", Config: keys("fresh")},
			{Name: "fresh-canary", Config: keys("fresh-canary")},
		},
		[]sandboxtest.Target{{Name: "gated", Config: keys("gated")}},
	)
	p.Stages[2].Approval = &pipeline.Approval{Required: true}
	return []*pipeline.Pipeline{p}
}
