package heroku_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/sandbox"
	emulator "sluice/internal/sandbox/heroku"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/stages/driver"
	"sluice/stages/heroku"
	"sluice/stages/stagetest"
)

// account is an emulated account with the pipeline of [three], and the hands
// that somebody else has on it.
type account struct {
	*testing.T
	clock    *sandboxtest.Clock
	emulator *emulator.Emulator
	server   *sandbox.Server
}

func newAccount(t *testing.T, faults ...string) *account {
	t.Helper()
	return newAccountOf(t, three(t), faults...)
}

func newAccountOf(t *testing.T, stages [][]sandboxtest.Target, faults ...string) *account {
	t.Helper()
	a := &account{T: t, clock: sandboxtest.NewClock(start)}
	a.emulator = emulator.New(a.clock.Now)
	a.server = sandboxtest.Start(t, sandbox.Options{
		Emulators: []sandbox.Emulator{a.emulator},
		Pipelines: sandboxPipelines(t, stages),
		Faults:    sandboxtest.Faults(t, faults...),
	})
	return a
}

// must ends the test at an error.
func (a *account) must(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

// target is a pipeline target as the file declares it: by its app alone.
func (a *account) target(name string) driver.Target {
	stage := "production"
	app := "storefront-" + strings.TrimPrefix(name, "web-")
	switch name {
	case "web-dev":
		stage = "development"
	case "web-staging":
		stage = "staging"
	}
	return target(name, stage, app)
}

// call sends one request as somebody else with a token might.
func (a *account) call(method, path string, body, answer any) {
	a.Helper()
	status, data := a.try(method, path, body)
	if status > 299 {
		a.Fatalf("%s %s: %d %s", method, path, status, data)
	}
	if answer != nil {
		a.must(json.Unmarshal(data, answer))
	}
}

func (a *account) try(method, path string, body any) (int, []byte) {
	a.Helper()
	sent, err := json.Marshal(body)
	a.must(err)
	req, err := http.NewRequestWithContext(a.Context(), method, a.server.Env()["HEROKU_HOST"]+path, bytes.NewReader(sent))
	a.must(err)
	req.Header.Set("Accept", "application/vnd.heroku+json; version=3")
	req.Header.Set("Authorization", "Bearer somebody-else")
	resp, err := http.DefaultClient.Do(req)
	a.must(err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	a.must(err)
	return resp.StatusCode, data
}

// emptyApp makes an app where nothing runs, and couples it.
func (a *account) emptyApp(name, stage string) driver.Target {
	a.Helper()
	a.call("POST", "/apps", map[string]string{"name": name}, nil)
	a.call("POST", "/pipeline-couplings", map[string]string{"app": name, "pipeline": a.pipelineID(), "stage": stage}, nil)
	return target(name, stage, name)
}

func (a *account) pipelineID() string {
	a.Helper()
	var p struct{ ID string }
	a.call("GET", "/pipelines/storefront", nil, &p)
	return p.ID
}

// appID is an app's id.
func (a *account) appID(name string) string {
	a.Helper()
	var app struct{ ID string }
	a.call("GET", "/apps/"+name, nil, &app)
	return app.ID
}

// effects are the promotions and releases that took effect.
func (a *account) effects() []sandbox.Effect {
	return slices.DeleteFunc(a.server.Effects(), func(e sandbox.Effect) bool { return e.Kind == sandbox.Other })
}

// requests lists "METHOD /path" of what reached the account.
func (a *account) requests() []string {
	var all []string
	for _, r := range a.server.Requests() {
		all = append(all, r.Method+" "+r.Path)
	}
	return all
}

// open is a driver as a new process has it.
func (a *account) open(over ...string) driver.Driver {
	a.Helper()
	env := a.server.Env()
	for i := 0; i+1 < len(over); i += 2 {
		env[over[i]] = over[i+1]
	}
	d, err := heroku.Open(a.Context(), driver.Env{Getenv: func(name string) string { return env[name] }, Now: a.clock.Now})
	a.must(err)
	return d
}

// promotion is a deploy of what the source runs, unprepared.
func (a *account) promotion(from string, to ...string) driver.Call {
	a.Helper()
	source := a.target(from)
	now, err := stagetest.Current(a.Context(), a.open(), source)
	a.must(err)
	c := driver.Call{Key: "promotion", Kind: driver.Deploy}
	for _, name := range to {
		c.Changes = append(c.Changes, driver.Change{Target: a.target(name), Source: &source, Release: now})
	}
	return c
}

// prepare prepares a call that nothing speaks against.
func (a *account) prepare(c driver.Call) driver.Prepared {
	a.Helper()
	p, err := a.open().Prepare(a.Context(), c)
	a.must(err)
	for _, f := range p.Findings {
		if f.Severity == driver.Refuse || f.Severity == driver.Foreign {
			a.Fatalf("stopped: %+v", f)
		}
	}
	p.Call.Intended = a.clock.Now()
	return p
}

// follow polls to the end.
func (a *account) follow(c driver.Call, op driver.Operation) driver.Operation {
	a.Helper()
	for range 50 {
		op.Call = c
		next, _, err := a.open().Poll(a.Context(), op)
		a.must(err)
		if next.Finished() {
			return next
		}
		op = next
		a.clock.Move(10 * time.Second)
	}
	a.Fatalf("never ends: %+v", op)
	return op
}

// do takes a call through prepare, begin and poll.
func (a *account) do(c driver.Call) driver.Operation {
	a.Helper()
	p := a.prepare(c)
	op, err := a.open().Begin(a.Context(), p.Call)
	a.must(err)
	return a.follow(p.Call, op)
}

// openThrough is a driver that tells of every request before it is sent.
func (a *account) openThrough(before func(method, path string)) driver.Driver {
	a.Helper()
	return a.openWith(func(r *http.Request) (*http.Response, error) {
		before(r.Method, r.URL.Path)
		return http.DefaultTransport.RoundTrip(r)
	})
}

// openWith is a driver over another way to the account.
func (a *account) openWith(way transport) driver.Driver {
	a.Helper()
	env := a.server.Env()
	d, err := heroku.Open(a.Context(), driver.Env{Getenv: func(name string) string { return env[name] }, Now: a.clock.Now, Transport: way})
	a.must(err)
	return d
}

type transport func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answer is a response with a JSON body.
func answer(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Request-Id": {"req-1"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
}
