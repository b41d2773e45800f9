package cloudrun_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"sluice/internal/sandbox"
	emulator "sluice/internal/sandbox/cloudrun"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
	"sluice/stages/cloudrun"
	"sluice/stages/driver"
	"sluice/stages/stagetest"
)

const override = "CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN"

func TestConformance(t *testing.T) { stagetest.RunConformance(t, newHarness) }

func TestHostile(t *testing.T) { stagetest.RunHostile(t, newHarness) }

// newHarness has a service that runs an image which the other's gets a revision of.
func newHarness(t *testing.T, faults ...string) stagetest.Harness {
	clock := sandboxtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	e := emulator.New(clock.Now)
	server := sandboxtest.Start(t, sandbox.Options{
		Emulators: []sandbox.Emulator{e},
		Pipelines: []*pipeline.Pipeline{sandboxPipeline(t)},
		Faults:    sandboxtest.Faults(t, faults...),
	})
	return stagetest.Harness{
		Facts: cloudrun.Facts(), Open: cloudrun.Open,
		Env: server.Env(), Rejected: map[string]string{override: unauthorized(t)},
		Now: clock.Now, Advance: clock.Move,
		OutOfReach: "gcloud speaks version 1 of the API, at a host of the region's",
		Members:    []stagetest.Member{{Target: target("web"), Source: target("web-staging")}},
		Unknown:    target("gone"),
		Snapshot:   func() func() { return sandboxtest.Snapshot(t, e, clock) },
		Inside:     server.Transport(),
		Effects:    func() int { return len(server.Effects()) },
		Intrude:    e.Intrude,
		Fails:      "fail",
	}
}

// unauthorized is an API that knows nobody.
func unauthorized(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		w.Write([]byte(`{"error": {"code": 401, "message": "Request had invalid authentication credentials.", "status": "UNAUTHENTICATED"}}`)) //nolint:errcheck // the client went away
	}))
	t.Cleanup(s.Close)
	return s.URL + "/"
}

// target is a service of the one project of these tests, under its own name.
func target(service string) driver.Target {
	config, _ := json.Marshal(keys(service))
	return driver.Target{Name: service, Stage: service, Platform: "cloudrun", Config: config}
}

func keys(service string) map[string]string {
	return map[string]string{"project": "shop-1234", "location": "europe-west1", "service": service}
}

func sandboxPipeline(t *testing.T) *pipeline.Pipeline {
	return sandboxtest.Pipeline(t, "cloudrun",
		[]sandboxtest.Target{{Name: "web-staging", Config: keys("web-staging")}},
		[]sandboxtest.Target{{Name: "web", Config: keys("web")}},
	)
}
