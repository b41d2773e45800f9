package clouddeploy_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sluice/internal/sandbox"
	emulator "sluice/internal/sandbox/clouddeploy"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/stages/clouddeploy"
	"sluice/stages/driver"
)

// bench is a Cloud Deploy with one delivery pipeline, and hands to work on it.
type bench struct {
	clock    *sandboxtest.Clock
	emulator *emulator.Emulator
	server   *sandbox.Server
	driver   driver.Driver
	base     string
	calls    int
}

func newBench(t *testing.T, faults ...string) *bench {
	t.Helper()
	clock := sandboxtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	e := emulator.New(clock.Now)
	server := sandboxtest.Start(t, sandbox.Options{
		Emulators: []sandbox.Emulator{e},
		Pipelines: sandboxPipelines(t),
		Faults:    sandboxtest.Faults(t, append(faults, "flaky:deploy:fail-verify")...),
	})
	forget(t, e, "-to-fresh")
	b := &bench{clock: clock, emulator: e, server: server, base: server.Env()["CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDDEPLOY"] + "v1/"}
	b.driver = open(t, server.Env(), clock)
	return b
}

func open(t *testing.T, env map[string]string, clock *sandboxtest.Clock) driver.Driver {
	t.Helper()
	return openOver(t, env, clock, nil)
}

// openOver opens a driver whose requests the transport carries.
func openOver(t *testing.T, env map[string]string, clock *sandboxtest.Clock, rt http.RoundTripper) driver.Driver {
	t.Helper()
	d, err := clouddeploy.Open(t.Context(), driver.Env{Transport: rt, Getenv: func(name string) string { return env[name] }, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// serve answers at a loopback address.
func serve(t *testing.T, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL + "/"
}

// post makes something on the platform past the driver.
func (b *bench) post(t *testing.T, path string, body any) { b.send(t, http.MethodPost, path, body) }

func (b *bench) send(t *testing.T, method, path string, body any) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, b.base+path, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %s (%v)", method, path, res.Status, answer, err)
	}
}

const location = "projects/shop-1234/locations/europe-west1/"

// forget has nothing ever have run on the targets of the rollouts whose ids
// have the part.
func forget(t *testing.T, e *emulator.Emulator, part string) {
	t.Helper()
	edit(t, e, "rollouts", func(rollouts map[string]any) {
		maps.DeleteFunc(rollouts, func(name string, _ any) bool { return strings.Contains(name, part) })
	})
}

// edit changes what the emulator keeps of a kind, by name.
func edit(t *testing.T, e *emulator.Emulator, kind string, change func(map[string]any)) {
	t.Helper()
	saved, err := e.Save()
	if err != nil {
		t.Fatal(err)
	}
	var state map[string]any
	if err := json.Unmarshal(saved, &state); err != nil {
		t.Fatal(err)
	}
	kept, _ := state[kind].(map[string]any)
	change(kept)
	changed, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Restore(changed); err != nil {
		t.Fatal(err)
	}
}

// change is the promotion of the release that staging runs.
func change(to string) driver.Change {
	source := target("staging")
	return driver.Change{Target: target(to), Source: &source, Release: driver.Release{ID: running}}
}

// running is the release that staging runs and no other target.
const running = "release-003"

func (b *bench) call(kind driver.Kind, c driver.Change) driver.Call {
	b.calls++
	return driver.Call{Key: strings.Repeat("k", b.calls), Kind: kind, Changes: []driver.Change{c}, Intended: b.clock.Now()}
}

// prepare freezes a call that nothing speaks against.
func (b *bench) prepare(t *testing.T, c driver.Call) driver.Call {
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
	return p.Call
}

// begin sends a new call.
func (b *bench) begin(t *testing.T, kind driver.Kind, c driver.Change) driver.Operation {
	t.Helper()
	call := b.prepare(t, b.call(kind, c))
	op, err := b.driver.Begin(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	op.Call = call
	return op
}

// follow polls until somebody must do something or the operation is done.
func (b *bench) follow(t *testing.T, op driver.Operation) driver.Operation {
	t.Helper()
	for range 50 {
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
	t.Fatalf("never ends: %+v", op.Results)
	return op
}

// resultOf is the result of an operation's only target.
func resultOf(op driver.Operation) driver.Result { return op.Results[op.Call.Changes[0].Target.Name] }

// seen is the change of a command to the rollout as an operation showed it: a record
// keeps a name of its own for it, and hands it out under the platform's.
func seen(t *testing.T, op driver.Operation) driver.Change {
	t.Helper()
	c := op.Call.Changes[0]
	if c.Remote = resultOf(op).Rollout; len(c.Remote) == 0 {
		t.Fatalf("no rollout in %+v", op.Results)
	}
	return c
}

// reach brings a target where a command is possible.
func (b *bench) reach(t *testing.T, kind driver.Kind) driver.Change {
	t.Helper()
	on := map[driver.Kind]string{
		driver.Approve: "gated", driver.Reject: "gated", driver.Advance: "canary",
		driver.RetryJob: "flaky", driver.IgnoreJob: "flaky", driver.Cancel: "prod", driver.Terminate: "prod",
	}
	op := b.begin(t, driver.Deploy, change(on[kind]))
	switch kind {
	case driver.Cancel:
	case driver.Terminate: // of a job that hangs: it is at work for as long as it takes
		edit(t, b.emulator, "plans", func(plans map[string]any) {
			for _, plan := range plans {
				plan.(map[string]any)["hang"] = true
			}
		})
	default:
		op = b.follow(t, op)
	}
	return seen(t, op)
}
