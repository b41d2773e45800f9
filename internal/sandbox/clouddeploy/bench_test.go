package clouddeploy_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
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
	*testing.T
	clock    *sandboxtest.Clock
	emulator *clouddeploy.Emulator
	server   *sandbox.Server
	base     string
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
	return &bench{T: t, clock: clock, emulator: e, server: server, base: server.Env()["CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDDEPLOY"] + "v1/"}
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

// send makes a request and decodes a good answer into into, refusing what its
// type does not have. A refusal is "STATUS: message".
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
		return refusal(b.T, answer)
	}
	b.strict(answer, into)
	return ""
}

func refusal(t *testing.T, answer []byte) string {
	t.Helper()
	var refused struct {
		Error struct {
			Code            int
			Message, Status string
		}
	}
	if err := json.Unmarshal(answer, &refused); err != nil || refused.Error.Status == "" {
		t.Fatalf("a refusal in another shape: %s", answer)
	}
	return refused.Error.Status + ": " + refused.Error.Message
}

func (b *bench) strict(answer []byte, into any) {
	b.Helper()
	if into == nil {
		return
	}
	d := json.NewDecoder(bytes.NewReader(answer))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		b.Fatalf("%v in %s", err, answer)
	}
}

// must is send that is not refused.
func (b *bench) must(method, path string, body, into any) {
	b.Helper()
	if refused := b.send(method, path, body, into); refused != "" {
		b.Fatalf("%s %s: %s", method, path, refused)
	}
}

// refused is send that is refused with the words.
func (b *bench) refused(words, method, path string, body any) {
	b.Helper()
	if refused := b.send(method, path, body, nil); refused == "" || !strings.Contains(refused, words) {
		b.Errorf("%s %s: %q, want %q", method, path, refused, words)
	}
}

// create makes a rollout and returns its name.
func (b *bench) create(release, id, target string) string {
	b.Helper()
	var op api.Operation
	b.must("POST", release+"/rollouts?rolloutId="+id, &api.Rollout{TargetId: target}, &op)
	if op.Done || op.Name == "" {
		b.Fatalf("the operation is %+v", op)
	}
	return release + "/rollouts/" + id
}

func (b *bench) rollout(name string) *api.Rollout {
	b.Helper()
	r := &api.Rollout{}
	b.must("GET", name, nil, r)
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
	b.must("PATCH", shop+"?updateMask=serialPipeline", &api.DeliveryPipeline{SerialPipeline: &api.SerialPipeline{Stages: stages}}, &api.Operation{})
	b.must("POST", shop+"/releases?releaseId=other", &api.Release{}, &api.Operation{})
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
