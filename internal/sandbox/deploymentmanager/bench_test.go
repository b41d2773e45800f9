package deploymentmanager_test

import (
	"strings"
	"testing"
	"time"

	api "google.golang.org/api/deploymentmanager/v2"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/deploymentmanager"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
)

// bench is an emulator behind its server, and a client that takes nothing that
// Google's types do not have.
type bench struct {
	sandboxtest.Google
	clock    *sandboxtest.Clock
	emulator *deploymentmanager.Emulator
	server   *sandbox.Server
}

func newBench(t *testing.T, faults ...string) *bench {
	t.Helper()
	return newSlowBench(t, 4*time.Second, faults...)
}

// newSlowBench is a bench whose operations take a while of the bench's clock.
func newSlowBench(t *testing.T, step time.Duration, faults ...string) *bench {
	t.Helper()
	clock := sandboxtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	e := deploymentmanager.New(clock.Now)
	e.Step = step
	config := func(name string) any { return map[string]string{"project": "shop-1234", "deployment": name} }
	p := sandboxtest.Pipeline(t, "deploymentmanager",
		[]sandboxtest.Target{{Name: "web-staging", Config: config("staging")}},
		[]sandboxtest.Target{{Name: "web", Config: config("prod")}},
	)
	server := sandboxtest.Start(t, sandbox.Options{Emulators: []sandbox.Emulator{e}, Pipelines: []*pipeline.Pipeline{p}, Faults: sandboxtest.Faults(t, faults...)})
	base := server.Env()["CLOUDSDK_API_ENDPOINT_OVERRIDES_DEPLOYMENTMANAGER"] + "deploymentmanager/v2/projects/shop-1234/global/"
	return &bench{Google: sandboxtest.Google{T: t, Base: base}, clock: clock, emulator: e, server: server}
}

func (b *bench) deployment(name string) *api.Deployment {
	b.Helper()
	d := &api.Deployment{}
	b.Must("GET", "deployments/"+name, nil, d)
	return d
}

// manifest is the one that a deployment runs.
func (b *bench) manifest(name string) *api.Manifest {
	b.Helper()
	link := b.deployment(name).Manifest
	m := &api.Manifest{}
	b.Must("GET", "deployments/"+name+"/manifests/"+link[strings.LastIndex(link, "/")+1:], nil, m)
	return m
}

// update is a new configuration for prod.
func (b *bench) update(content string) *api.Deployment {
	b.Helper()
	return &api.Deployment{Name: "prod", Fingerprint: b.deployment("prod").Fingerprint, Target: &api.TargetConfiguration{Config: &api.ConfigFile{Content: content}}}
}

// operation is how an operation is now.
func (b *bench) operation(op *api.Operation) *api.Operation {
	b.Helper()
	now := &api.Operation{}
	b.Must("GET", "operations/"+op.Name, nil, now)
	return now
}
