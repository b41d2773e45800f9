package engine_test

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/internal/sandbox"
	"sluice/internal/sandbox/apigateway"
	"sluice/internal/store/file"
	"sluice/pipeline"
	"sluice/stages"
	driving "sluice/stages/apigateway"
	"sluice/stages/driver"
)

// rehearsed is a canary on the emulator of a real platform, with a store on disk.
const rehearsed = `
name: shop
stages:
  - name: staging
    targets: [{name: api-staging, apigateway: {restApi: a1b2c3d4e5, stage: staging, region: eu-west-1}}]
  - name: production
    targets:
      - name: api
        apigateway: {restApi: a1b2c3d4e5, stage: prod, region: eu-west-1}
        strategy: {canary: {percentages: [10, 50], wait: 10ms, disable: true}}
`

// rehearsal is an engine on an emulator, opened anew for every invocation.
type rehearsal struct {
	*testing.T
	pipeline *pipeline.Pipeline
	server   *sandbox.Server
	state    string
}

func newRehearsal(t *testing.T, faults ...string) *rehearsal {
	t.Helper()
	p, problems := pipeline.Parse("sluice.yaml", []byte(rehearsed), []driver.Facts{driving.Facts()})
	if pipeline.Failed(problems) {
		t.Fatal(problems)
	}
	o := sandbox.Options{Pipelines: []*pipeline.Pipeline{p}, Emulators: []sandbox.Emulator{apigateway.New(time.Now)}}
	for _, text := range faults {
		f, err := sandbox.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		o.Faults = append(o.Faults, f)
	}
	server, err := sandbox.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return &rehearsal{T: t, pipeline: p, server: server, state: t.TempDir()}
}

func (r *rehearsal) do(a action) (rollout.Outcome, error) {
	r.Helper()
	env := r.server.Env()
	getenv := func(name string) string {
		if v, ok := env[name]; ok {
			return v
		}
		return os.Getenv(name)
	}
	e := engine.New(engine.Config{
		Pipeline: r.pipeline, Store: file.Open(r.state), Observer: &observer{},
		Stages: stages.New(driver.Env{Getenv: getenv}, stages.Platform{Facts: driving.Facts(), Open: driving.Open}),
		Actor:  engine.Actor{Login: "alice"}, Lease: rollout.Lock{Holder: "local/1", Actor: "alice"},
		InlineWait: time.Minute, WaitBudget: time.Minute,
	})
	return a(context.WithoutCancel(r.Context()), e)
}

func (r *rehearsal) effects() []string {
	var kinds []string
	for _, e := range r.server.Effects() {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// TestSandbox walks a canary on the emulator, whatever goes wrong on the way:
// every effect takes place once, and the release is what runs at the end.
func TestSandbox(t *testing.T) {
	all := []string{"weight", "weight", "stable", "disable"}
	for _, faults := range [][]string{
		nil,
		{"api:weight:cut"},
		{"api:weight:drop"},
		{"api:weight:throttle=2"},
		{"api:stable:cut"},
		{"api:stable:drop"},
		{"api:disable:cut"},
		{"api:weight#2:cut", "api:stable:drop", "api:read:throttle=2"},
	} {
		t.Run(name(faults), func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, faults...)
			out, err := r.do(promote("production"))
			if err != nil || out.Status != rollout.StatusSucceeded {
				t.Fatalf("%v %s %+v", err, out.Status, out.Targets)
			}
			if got := r.effects(); !slices.Equal(got, all) {
				t.Errorf("effects %q, want %q", got, all)
			}
			if out, err := r.do(promote("production")); err != nil || out.Status != rollout.StatusUnchanged {
				t.Errorf("a second time: %v %s", err, out.Status)
			}
			if out, err := r.do(rollback("api")); err != nil || out.Status != rollout.StatusSucceeded {
				t.Errorf("rollback: %v %s %+v", err, out.Status, out.Targets)
			}
			if got := r.effects(); !slices.Equal(got, append(slices.Clone(all), "rollback")) {
				t.Errorf("effects %q", got)
			}
		})
	}
}

func name(faults []string) string {
	if len(faults) == 0 {
		return "fair"
	}
	return faults[0]
}

// TestSandboxForeign: somebody who changes the stage between two phases is
// noticed, and a person decides.
func TestSandboxForeign(t *testing.T) {
	r := newRehearsal(t, "api:weight#2:foreign")
	out, err := r.do(promote("production"))
	if err != nil || out.Status != rollout.StatusPending {
		t.Fatalf("%v %s %+v", err, out.Status, out.Targets)
	}
	waits(t, out, "api", rollout.WaitOperator)
	out, err = r.do(order(engine.CommandRetryJob, "api"))
	if err != nil || out.Status != rollout.StatusSucceeded {
		t.Fatalf("%v %s %+v", err, out.Status, out.Targets)
	}
}

// TestSandboxDenied: what the platform refuses ends the promotion with its
// words, and the traffic is back.
func TestSandboxDenied(t *testing.T) {
	r := newRehearsal(t, "api:weight#2:deny")
	out, err := r.do(promote("production"))
	if err != nil || out.Status != rollout.StatusFailed || out.Targets[0].ErrorMessage == "" {
		t.Fatalf("%v %s %+v", err, out.Status, out.Targets)
	}
	if got := r.effects(); !slices.Equal(got, []string{"weight", "rollback"}) {
		t.Errorf("effects %q", got)
	}
}
