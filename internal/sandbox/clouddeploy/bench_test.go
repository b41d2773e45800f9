package clouddeploy_test

import (
	"strings"
	"testing"
	"time"

	api "google.golang.org/api/clouddeploy/v1"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/clouddeploy"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
)

const (
	location = "projects/shop-1234/locations/europe-west1"
	shop     = location + "/deliveryPipelines/shop"
	newest   = shop + "/releases/release-003" // runs nowhere
)

// bench is an emulator behind its server, and a client that takes nothing that
// Google's types do not have.
type bench struct {
	sandboxtest.Google
	clock    *sandboxtest.Clock
	emulator *clouddeploy.Emulator
	server   *sandbox.Server
}

func newBench(t *testing.T, faults ...string) *bench {
	t.Helper()
	clock := sandboxtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)) // a Monday
	e := clouddeploy.New(clock.Now)
	server := sandboxtest.Start(t, sandbox.Options{
		Emulators: []sandbox.Emulator{e},
		Pipelines: []*pipeline.Pipeline{shopPipeline(t)},
		Faults:    sandboxtest.Faults(t, faults...),
	})
	return &bench{Google: sandboxtest.Google{T: t, Base: server.Env()["CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDDEPLOY"] + "v1/"}, clock: clock, emulator: e, server: server}
}

func shopPipeline(t *testing.T) *pipeline.Pipeline {
	t.Helper()
	config := func(target string) any {
		return map[string]string{"project": "shop-1234", "location": "europe-west1", "deliveryPipeline": "shop", "target": target}
	}
	p := sandboxtest.Pipeline(t, "clouddeploy",
		[]sandboxtest.Target{{Name: "web-staging", Config: config("staging")}},
		[]sandboxtest.Target{{Name: "web", Config: config("prod")}},
	)
	return p
}

// create makes a rollout and returns its name.
func (b *bench) create(release, id, target string) string {
	b.Helper()
	var op api.Operation
	b.Must("POST", release+"/rollouts?rolloutId="+id, &api.Rollout{TargetId: target}, &op)
	if op.Done || op.Name == "" {
		b.Fatalf("the operation is %+v", op)
	}
	return release + "/rollouts/" + id
}

func (b *bench) rollout(name string) *api.Rollout {
	b.Helper()
	r := &api.Rollout{}
	b.Must("GET", name, nil, r)
	return r
}

// want ends the test unless the rollout is in the state.
func (b *bench) want(name, state string) *api.Rollout {
	b.Helper()
	r := b.rollout(name)
	if r.State != state {
		b.Fatalf("%s is %s, want %s", name, r.State, state)
	}
	return r
}

// strategies gives prod another strategy, and returns a release that knows it.
func (b *bench) strategy(s *api.Strategy) string {
	b.Helper()
	stages := []*api.Stage{{TargetId: "staging"}, {TargetId: "prod", Strategy: s}}
	b.Must("PATCH", shop+"?updateMask=serialPipeline", &api.DeliveryPipeline{SerialPipeline: &api.SerialPipeline{Stages: stages}}, &api.Operation{})
	b.Must("POST", shop+"/releases?releaseId=other", &api.Release{}, &api.Operation{})
	return shop + "/releases/other"
}

func canary() *api.Strategy {
	return &api.Strategy{Canary: &api.Canary{CanaryDeployment: &api.CanaryDeployment{
		Percentages: []int64{25, 50}, Verify: true,
		Predeploy: &api.Predeploy{Actions: []string{"migrate"}}, Postdeploy: &api.Postdeploy{Actions: []string{"announce"}},
	}}}
}

func phases(r *api.Rollout) string {
	var states []string
	for _, p := range r.Phases {
		states = append(states, p.Id+" "+p.State)
	}
	return strings.Join(states, ", ")
}
