package inframanager_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"sluice/internal/sandbox"
	emulator "sluice/internal/sandbox/inframanager"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
	"sluice/stages/driver"
	"sluice/stages/inframanager"
	"sluice/stages/stagetest"
)

const override = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONFIG"

// bench is an Infrastructure Manager with a few deployments, and hands to work on it.
type bench struct {
	clock    *sandboxtest.Clock
	emulator *emulator.Emulator
	server   *sandbox.Server
	driver   driver.Driver
	calls    int
}

func newBench(t *testing.T, faults ...string) *bench {
	t.Helper()
	clock := sandboxtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	e := emulator.New(clock.Now)
	server := sandboxtest.Start(t, sandbox.Options{
		Emulators: []sandbox.Emulator{e},
		Pipelines: sandboxPipelines(t),
		Faults:    sandboxtest.Faults(t, faults...),
	})
	e.NeverApplied("shop-1234", "europe-west1", "fresh")
	b := &bench{clock: clock, emulator: e, server: server}
	b.driver = b.open(t, nil)
	return b
}

// open opens a driver whose requests the transport carries.
func (b *bench) open(t *testing.T, rt http.RoundTripper) driver.Driver {
	t.Helper()
	return openAt(t, b.clock, b.server.Env(), rt)
}

func openAt(t *testing.T, clock *sandboxtest.Clock, env map[string]string, rt http.RoundTripper) driver.Driver {
	t.Helper()
	d, err := inframanager.Open(t.Context(), driver.Env{Transport: rt, Now: clock.Now, Getenv: func(name string) string { return env[name] }})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// serve answers at a loopback address.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL + "/"
}

// target is a deployment of the one project of these tests, under its own name.
func target(name string) driver.Target { return place(name, name, false) }

func place(name, deployment string, preview bool) driver.Target {
	config, _ := json.Marshal(keys(deployment, preview)) //nolint:errchkjson // two strings and a bool
	return driver.Target{Name: name, Stage: name, Platform: "inframanager", Config: config}
}

func keys(deployment string, preview bool) map[string]any {
	return map[string]any{"project": "shop-1234", "location": "europe-west1", "deployment": deployment, "preview": preview}
}

func sandboxPipelines(t *testing.T) []*pipeline.Pipeline {
	return []*pipeline.Pipeline{sandboxtest.Pipeline(t, "inframanager",
		[]sandboxtest.Target{{Name: "staging", Config: keys("staging", false)}},
		[]sandboxtest.Target{
			{Name: "prod", Config: keys("prod", false)}, {Name: "other", Config: keys("other", false)},
			{Name: "previewed", Config: keys("previewed", true)},
		},
	)}
}

// running is the release that staging runs.
func (b *bench) running(t *testing.T) driver.Release {
	t.Helper()
	r, err := stagetest.Current(t.Context(), b.driver, target("staging"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// change is the promotion of what staging runs.
func (b *bench) change(t *testing.T, to driver.Target) driver.Change {
	t.Helper()
	source := target("staging")
	return driver.Change{Target: to, Source: &source, Release: b.running(t)}
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
func (b *bench) begin(t *testing.T, kind driver.Kind, c driver.Change) (driver.Prepared, driver.Operation) {
	t.Helper()
	p := b.prepare(t, b.call(kind, c))
	op, err := b.driver.Begin(t.Context(), p.Call)
	if err != nil {
		t.Fatal(err)
	}
	op.Call = p.Call
	return p, op
}

// follow polls until somebody must do something or the operation is done.
func (b *bench) follow(t *testing.T, op driver.Operation) driver.Operation {
	t.Helper()
	for range 20 {
		call := op.Call
		next, _, err := b.driver.Poll(t.Context(), op)
		if err != nil {
			t.Fatal(err)
		}
		op = next
		op.Call = call
		if op.Finished() || resultOf(op).Waiting != "" {
			return op
		}
		b.clock.Move(5 * time.Second)
	}
	t.Fatalf("never ends: %+v", op)
	return op
}

// do takes a call through the whole protocol.
func (b *bench) do(t *testing.T, kind driver.Kind, c driver.Change) (driver.Prepared, driver.Result) {
	t.Helper()
	p, op := b.begin(t, kind, c)
	return p, resultOf(b.follow(t, op))
}

// resultOf is the result of an operation's only target.
func resultOf(op driver.Operation) driver.Result { return op.Results[op.Call.Changes[0].Target.Name] }
