package deploymentmanager_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
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
	*testing.T
	clock    *sandboxtest.Clock
	emulator *deploymentmanager.Emulator
	server   *sandbox.Server
	base     string
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
	return &bench{T: t, clock: clock, emulator: e, server: server, base: base}
}

// send makes a request and decodes a good answer into into, refusing what its
// type does not have. A refusal is "CODE reason: message".
func (b *bench) send(method, path string, body, into any) string {
	b.Helper()
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			b.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(b.Context(), method, b.base+path, bytes.NewReader(data))
	if err != nil {
		b.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		var refused struct {
			Error struct {
				Message string
				Errors  []struct{ Reason string }
			}
		}
		if err := json.Unmarshal(answer, &refused); err != nil || len(refused.Error.Errors) != 1 {
			b.Fatalf("a refusal in another shape: %s", answer)
		}
		return res.Status[:3] + " " + refused.Error.Errors[0].Reason + ": " + refused.Error.Message
	}
	if into == nil {
		return ""
	}
	d := json.NewDecoder(bytes.NewReader(answer))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		b.Fatalf("%v in %s", err, answer)
	}
	return ""
}

func (b *bench) must(method, path string, body, into any) {
	b.Helper()
	if refused := b.send(method, path, body, into); refused != "" {
		b.Fatalf("%s %s: %s", method, path, refused)
	}
}

func (b *bench) refused(words, method, path string, body any) {
	b.Helper()
	if refused := b.send(method, path, body, nil); refused == "" || !strings.Contains(refused, words) {
		b.Errorf("%s %s: %q, want %q", method, path, refused, words)
	}
}

func (b *bench) deployment(name string) *api.Deployment {
	b.Helper()
	d := &api.Deployment{}
	b.must("GET", "deployments/"+name, nil, d)
	return d
}

// manifest is the one that a deployment runs.
func (b *bench) manifest(name string) *api.Manifest {
	b.Helper()
	link := b.deployment(name).Manifest
	m := &api.Manifest{}
	b.must("GET", "deployments/"+name+"/manifests/"+link[strings.LastIndex(link, "/")+1:], nil, m)
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
	b.must("GET", "operations/"+op.Name, nil, now)
	return now
}
