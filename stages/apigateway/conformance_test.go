package apigateway_test

import (
	"encoding/json"
	"testing"
	"time"

	"sluice/internal/sandbox"
	emulator "sluice/internal/sandbox/apigateway"
	"sluice/internal/sandbox/awsapi"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
	"sluice/stages/apigateway"
	"sluice/stages/driver"
	"sluice/stages/stagetest"
)

func TestConformance(t *testing.T) { stagetest.RunConformance(t, newHarness) }

func TestHostile(t *testing.T) { stagetest.RunHostile(t, newHarness) }

func newHarness(t *testing.T, faults ...string) stagetest.Harness {
	ownConfiguration(t)
	clock := sandboxtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	e := emulator.New(clock.Now)
	server := sandboxtest.Start(t, sandbox.Options{
		Emulators: []sandbox.Emulator{e},
		Pipelines: sandboxPipelines(t),
		Faults:    sandboxtest.Faults(t, faults...),
	})
	return stagetest.Harness{
		Facts: apigateway.Facts(), Open: apigateway.Open,
		Env: server.Env(), Rejected: map[string]string{"AWS_ACCESS_KEY_ID": awsapi.RejectedKeyID}, RequestIDs: true,
		Now: clock.Now, Advance: clock.Move,
		Members:  []stagetest.Member{{Target: target("prod"), Source: target("staging")}},
		Header:   header(),
		Unknown:  target("gone"),
		Snapshot: func() func() { return sandboxtest.Snapshot(t, e, clock) },
		Inside:   server.Transport(),
		Effects:  func() int { return len(server.Effects()) },
		Intrude:  e.Intrude,
	}
}

// ownConfiguration keeps the machine's AWS configuration out of the test.
func ownConfiguration(t *testing.T) {
	for _, name := range []string{"AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_API_GATEWAY", "AWS_ENDPOINT_URL_APIGATEWAYV2", "AWS_CA_BUNDLE"} {
		t.Setenv(name, "")
	}
	for _, name := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		t.Setenv(name, t.TempDir()+"/none")
	}
}

// target is a stage of the one API of these tests, under its own name.
func target(stage string) driver.Target {
	config, _ := json.Marshal(keys(stage))
	return driver.Target{Name: stage, Stage: stage, Platform: "apigateway", Config: config}
}

func keys(stage string) map[string]string {
	return map[string]string{"restApi": "a1b2c3d4e5", "stage": stage, "region": "eu-west-1"}
}

func sandboxPipelines(t *testing.T) []*pipeline.Pipeline {
	return []*pipeline.Pipeline{sandboxtest.Pipeline(t, "apigateway",
		[]sandboxtest.Target{{Name: "staging", Config: keys("staging")}},
		[]sandboxtest.Target{{Name: "prod", Config: keys("prod"), Header: header()}},
	)}
}

// header is what testers of prod send.
func header() *driver.Header {
	return &driver.Header{Domain: "api.example.com", Name: "x-canary", Value: "beta"}
}
