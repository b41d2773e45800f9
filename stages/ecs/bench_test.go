package ecs_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"sluice/internal/sandbox"
	emulator "sluice/internal/sandbox/ecs"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
	"sluice/stages/driver"
	"sluice/stages/ecs"
)

const (
	region  = "eu-west-1"
	cluster = "shop"
)

// bench is an ECS with two services, and hands to work on it.
type bench struct {
	clock    *sandboxtest.Clock
	emulator *emulator.Emulator
	server   *sandbox.Server
	driver   driver.Driver
	calls    int
}

func newBench(t *testing.T, faults ...string) *bench {
	t.Helper()
	ownConfiguration(t)
	clock := sandboxtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	e := emulator.New(clock.Now)
	server := sandboxtest.Start(t, sandbox.Options{
		Emulators: []sandbox.Emulator{e},
		Pipelines: []*pipeline.Pipeline{sandboxtest.Pipeline(t, "ecs",
			[]sandboxtest.Target{{Name: "staging", Config: keys("staging")}},
			[]sandboxtest.Target{{Name: "prod", Config: keys("prod")}},
		)},
		Faults: sandboxtest.Faults(t, faults...),
	})
	b := &bench{clock: clock, emulator: e, server: server}
	b.driver = b.open(t, nil)
	return b
}

// open opens a driver whose requests the transport carries.
func (b *bench) open(t *testing.T, rt http.RoundTripper) driver.Driver {
	t.Helper()
	d, err := ecs.Open(t.Context(), driver.Env{Transport: rt, Now: b.clock.Now, Getenv: func(name string) string { return b.server.Env()[name] }})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// ownConfiguration keeps the machine's AWS configuration out of the test.
func ownConfiguration(t *testing.T) {
	for _, name := range []string{"AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ECS", "AWS_CA_BUNDLE"} {
		t.Setenv(name, "")
	}
	for _, name := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		t.Setenv(name, t.TempDir()+"/none")
	}
}

func keys(service string) map[string]string {
	return map[string]string{"cluster": cluster, "service": service, "region": region}
}

// target is a service of the one cluster of these tests, under its own name.
func target(service string) driver.Target {
	config, _ := json.Marshal(keys(service)) //nolint:errchkjson // three strings
	return driver.Target{Name: service, Stage: service, Platform: "ecs", Config: config}
}

// sdk is Amazon's own client of the emulator.
func (b *bench) sdk() *sdk.Client {
	env := b.server.Env()
	return sdk.New(sdk.Options{
		Region: region, BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL_ECS"]), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], ""),
	})
}

// configure says how prod is deployed, with pauses at stages.
func (b *bench) configure(t *testing.T, c types.DeploymentConfiguration, pauses ...types.DeploymentLifecycleHookStage) {
	t.Helper()
	if len(pauses) > 0 {
		c.LifecycleHooks = append(c.LifecycleHooks, types.DeploymentLifecycleHook{TargetType: types.DeploymentLifecycleHookTargetTypePause, LifecycleStages: pauses})
	}
	_, err := b.sdk().UpdateService(t.Context(), &sdk.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("prod"), DeploymentConfiguration: &c})
	if err != nil {
		t.Fatal(err)
	}
}

var canary25 = types.DeploymentConfiguration{
	Strategy:            types.DeploymentStrategyCanary,
	CanaryConfiguration: &types.CanaryConfiguration{CanaryPercent: aws.Float64(25)},
}

// reach brings prod where a command is possible.
func (b *bench) reach(t *testing.T, kind driver.Kind) driver.Change {
	t.Helper()
	stage := types.DeploymentLifecycleHookStagePreProductionTrafficShift
	if kind == driver.Approve || kind == driver.Reject {
		stage = types.DeploymentLifecycleHookStagePreScaleUp
	}
	b.configure(t, canary25, stage)
	change := b.change()
	op := b.follow(t, b.begin(t, driver.Deploy, change))
	change.Remote = op.Results["prod"].Rollout
	return change
}

// change is the promotion of what staging runs.
func (b *bench) change() driver.Change {
	source := target("staging")
	return driver.Change{Target: target("prod"), Source: &source, Release: driver.Release{ID: "app:2"}}
}

func (b *bench) call(kind driver.Kind, c driver.Change) driver.Call {
	b.calls++
	return driver.Call{Key: strconv.Itoa(b.calls), Kind: kind, Changes: []driver.Change{c}, Intended: b.clock.Now()}
}

// prepare freezes a call that nothing speaks against.
func (b *bench) prepare(t *testing.T, c driver.Call) driver.Prepared {
	t.Helper()
	p, err := b.driver.Prepare(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range p.Findings {
		if f.Severity == driver.Refuse || f.Severity == driver.Foreign {
			t.Fatalf("%s is stopped: %+v", c.Kind, f)
		}
	}
	return p
}

// begin sends a new call.
func (b *bench) begin(t *testing.T, kind driver.Kind, c driver.Change) driver.Operation {
	t.Helper()
	p := b.prepare(t, b.call(kind, c))
	op, err := b.driver.Begin(t.Context(), p.Call)
	if err != nil {
		t.Fatal(err)
	}
	op.Call = p.Call
	return op
}

// follow polls until somebody must do something or the operation is done.
func (b *bench) follow(t *testing.T, op driver.Operation) driver.Operation {
	t.Helper()
	for range 80 {
		call := op.Call
		next, _, err := b.driver.Poll(t.Context(), op)
		if err != nil {
			t.Fatal(err)
		}
		op = next
		op.Call = call
		if r := op.Results["prod"]; op.Finished() || r.Waiting != "" {
			return op
		}
		b.clock.Move(time.Second)
	}
	t.Fatalf("never ends: %+v", op)
	return op
}

// do takes a call through the whole protocol.
func (b *bench) do(t *testing.T, kind driver.Kind, c driver.Change) driver.Result {
	t.Helper()
	return b.follow(t, b.begin(t, kind, c)).Results["prod"]
}
