package lambda_test

import (
	"encoding/json"
	"testing"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/awsapi"
	emulator "sluice/internal/sandbox/lambda"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
	"sluice/stages/driver"
	"sluice/stages/lambda"
	"sluice/stages/stagetest"
)

func TestConformance(t *testing.T) { stagetest.RunConformance(t, newHarness) }

func TestHostile(t *testing.T) { stagetest.RunHostile(t, newHarness) }

// Between two functions the code travels: the target calls its version otherwise.
func TestConformanceBetweenFunctions(t *testing.T) {
	stagetest.RunConformance(t, func(t *testing.T, faults ...string) stagetest.Harness {
		h := newHarness(t, faults...)
		h.Members = []stagetest.Member{{Target: targetOf("orders-eu", "live"), Source: target("staging")}}
		return h
	})
}

func newHarness(t *testing.T, faults ...string) stagetest.Harness {
	ownConfiguration(t)
	clock := sandboxtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	e := emulator.New(clock.Now)
	server := sandboxtest.Start(t, sandbox.Options{
		Emulators: []sandbox.Emulator{e},
		Pipelines: []*pipeline.Pipeline{sandboxPipeline(t)},
		Faults:    sandboxtest.Faults(t, faults...),
	})
	return stagetest.Harness{
		Facts: lambda.Facts(), Open: lambda.Open,
		Env: server.Env(), Rejected: map[string]string{"AWS_ACCESS_KEY_ID": awsapi.RejectedKeyID}, RequestIDs: true,
		Now: clock.Now, Advance: clock.Move,
		Members:  []stagetest.Member{{Target: target("prod"), Source: target("staging")}},
		Unknown:  target("gone"),
		Snapshot: func() func() { return sandboxtest.Snapshot(t, e, clock) },
		Inside:   server.Transport(),
		Effects:  func() int { return len(server.Effects()) },
		Intrude:  e.Intrude,
	}
}

// ownConfiguration keeps the machine's AWS configuration out of the test.
func ownConfiguration(t *testing.T) {
	for _, name := range []string{"AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA", "AWS_CA_BUNDLE"} {
		t.Setenv(name, "")
	}
	for _, name := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		t.Setenv(name, t.TempDir()+"/none")
	}
}

// target is an alias of the one function of these tests, under its own name.
func target(alias string) driver.Target { return targetOf("orders", alias) }

func targetOf(function, alias string) driver.Target {
	config, _ := json.Marshal(keys(function, alias))
	return driver.Target{Name: alias, Stage: alias, Platform: "lambda", Config: config}
}

func keys(function, alias string) map[string]string {
	return map[string]string{"function": function, "alias": alias, "region": "eu-west-1"}
}

// sandboxPipeline has two aliases of one function, and one of another.
func sandboxPipeline(t *testing.T) *pipeline.Pipeline {
	return sandboxtest.Pipeline(t, "lambda",
		[]sandboxtest.Target{{Name: "staging", Config: keys("orders", "staging")}},
		[]sandboxtest.Target{{Name: "prod", Config: keys("orders", "prod")}, {Name: "live", Config: keys("orders-eu", "live")}},
	)
}
