package entrecode_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	emulator "sluice/internal/sandbox/entrecode"
	"sluice/stages/driver"
	"sluice/stages/entrecode"
	"sluice/stages/stagetest"
)

// open is a driver on the rig, with variables laid over its environment.
func (r *rig) open(t *testing.T, over ...string) driver.Driver {
	t.Helper()
	env := r.server.Env()
	for i := 0; i < len(over); i += 2 {
		env[over[i]] = over[i+1]
	}
	d, err := entrecode.Open(t.Context(), driver.Env{Getenv: func(name string) string { return env[name] }, Now: r.clock.Now})
	must(t, err)
	return d
}

func deploy(build string, to driver.Target, from *driver.Target) driver.Call {
	return driver.Call{Kind: driver.Deploy, Changes: []driver.Change{{Target: to, Source: from, Release: driver.Release{ID: build}}}}
}

func prepare(t *testing.T, d driver.Driver, c driver.Call) driver.Prepared {
	t.Helper()
	p, err := d.Prepare(t.Context(), c)
	must(t, err)
	return p
}

// follow begins a prepared call and polls it, as often as n at most.
func follow(t *testing.T, d driver.Driver, p driver.Prepared, n int) driver.Operation {
	t.Helper()
	op, err := d.Begin(t.Context(), p.Call)
	must(t, err)
	for range n {
		op.Call = p.Call
		if op, _, err = d.Poll(t.Context(), op); err != nil {
			t.Fatal(err)
		}
	}
	return op
}

func messages(p driver.Prepared, s driver.Severity) string {
	var all []string
	for _, f := range p.Findings {
		if f.Severity == s {
			all = append(all, f.Message)
		}
	}
	return strings.Join(all, "\n")
}

// newest is what the source runs.
func newest(t *testing.T, d driver.Driver) string {
	t.Helper()
	r, err := stagetest.Current(t.Context(), d, staging())
	must(t, err)
	return r.ID
}

func TestTwoTargetsAtOnceWithResults(t *testing.T) {
	r := newRig(t)
	d := r.open(t)
	from := staging()
	p := prepare(t, d, deploy(newest(t, d), production(), &from))
	if len(p.Requests) != 1 || !strings.Contains(p.Requests[0], "targetID=t-2,t-3") || !strings.Contains(p.Requests[0], "platformID=p-production") {
		t.Errorf("requests %v", p.Requests)
	}
	op := follow(t, d, p, 2)
	result := op.Results["production"]
	if !op.Finished() || result.Outcome != driver.Succeeded || r.effects() != 1 {
		t.Fatalf("%+v after %d effects", op, r.effects())
	}
	var results []any
	must(t, json.Unmarshal(result.Data, &results))
	if len(results) != 3 {
		t.Errorf("results %s: want one for each target and the plugin's", result.Data)
	}
	if op.ID == "" || op.Link == "" || op.Started.IsZero() || op.Ended.IsZero() {
		t.Errorf("operation %+v", op)
	}
}

// The history is sorted, and what opened is closed.
func TestEventsAreSortedAndClosed(t *testing.T) {
	r := newRig(t)
	d := r.open(t)
	op := follow(t, d, prepare(t, d, deploy(newest(t, d), production(), nil)), 2)
	events := op.Results["production"].Events
	if !slices.IsSortedFunc(events, func(a, b driver.Event) int { return a.Time.Compare(b.Time) }) {
		t.Errorf("not sorted: %+v", events)
	}
	closed := map[string]bool{}
	for _, e := range events {
		closed[e.Action] = !e.Temporary
	}
	for action, ok := range closed {
		if !ok {
			t.Errorf("action %q is never closed in %+v", action, events)
		}
	}
	if last := events[len(events)-1]; last.Type != "success" || last.Temporary {
		t.Errorf("it ends with %+v", last)
	}
	if !slices.ContainsFunc(events, func(e driver.Event) bool { return e.Type == "plugin-note" }) {
		t.Error("an unknown type of event is lost")
	}
}

func TestFailureSaysWhy(t *testing.T) {
	r := newRig(t, "production:deploy:fail")
	d := r.open(t)
	build := newest(t, d)
	op := follow(t, d, prepare(t, d, deploy(build, production(), nil)), 2)
	result := op.Results["production"]
	if !op.Finished() || result.Outcome != driver.Failed || len(result.Errors) != 1 {
		t.Fatalf("%+v", op)
	}
	if text := result.Errors[0].String(); !strings.Contains(text, "no space left on device") || !strings.Contains(text, "deployment "+op.ID) {
		t.Errorf("%q does not say why and where", text)
	}
	// Some of the targets may have changed: the build that ran before is not
	// taken to run still.
	before, err := stagetest.Current(t.Context(), d, production())
	must(t, err)
	if p := prepare(t, d, deploy(before.ID, production(), nil)); len(p.Unchanged) != 0 {
		t.Error("after a failure nothing is left to do")
	}
	if p := prepare(t, d, deploy(build, production(), nil)); len(p.Unchanged) != 0 {
		t.Error("the build that failed counts as deployed")
	}
}

func TestRunsForEver(t *testing.T) {
	r := newRig(t, "production:deploy:hang")
	d := r.open(t)
	p := prepare(t, d, deploy(newest(t, d), production(), nil))
	op := follow(t, d, p, 5)
	r.clock.Move(24 * time.Hour)
	op.Call = p.Call
	op, _, err := r.open(t).Poll(t.Context(), op) // another process resumes it
	must(t, err)
	if op.Finished() || op.Status != driver.Running || op.Results["production"].Outcome != driver.Open {
		t.Errorf("%+v", op)
	}
	if warned := messages(prepare(t, d, deploy(newest(t, d), production(), nil)), driver.Warn); !strings.Contains(warned, "still running") {
		t.Errorf("warnings %q", warned)
	}
	if r.effects() != 1 {
		t.Errorf("%d effects", r.effects())
	}
}

func TestUnknownStatusIsNoSuccess(t *testing.T) {
	r := newRig(t, "production:deploy:unknown")
	d := r.open(t)
	op := follow(t, d, prepare(t, d, deploy(newest(t, d), production(), nil)), 5)
	if op.Finished() || op.Results["production"].Outcome != driver.Open {
		t.Errorf("%+v", op)
	}
	if len(op.Warnings) != 1 || !strings.Contains(op.Warnings[0].Message, `"skipped"`) {
		t.Errorf("warnings %+v", op.Warnings)
	}
	if now, err := stagetest.Current(t.Context(), d, production()); err != nil || now.ID == newest(t, d) {
		t.Errorf("runs %v, %v", now, err)
	}
}

func TestUnauthorised(t *testing.T) {
	d := newRig(t).open(t, "ENTRECODE_ACCESS_TOKEN", emulator.RejectedToken)
	_, err := stagetest.Current(t.Context(), d, production())
	x := d.Explain(err)
	if x.Code != driver.Denied || !strings.Contains(err.Error(), "3401 Invalid Access Token") || !strings.Contains(x.Remedy, "ENTRECODE_ACCESS_TOKEN") {
		t.Errorf("%v: %+v", err, x)
	}
}

func TestMissingBuild(t *testing.T) {
	r := newRig(t)
	p := prepare(t, r.open(t), deploy("4711", production(), nil))
	if refused := messages(p, driver.Refuse); !strings.Contains(refused, "no build 4711") || !strings.Contains(refused, "3102") {
		t.Errorf("refused: %q", refused)
	}
}

func TestEmptySourceAndTarget(t *testing.T) {
	r := newRig(t)
	d := r.open(t)
	empty := place("empty", "p-empty", "t-empty")
	if now, err := stagetest.Current(t.Context(), d, empty); err != nil || now.ID != "" {
		t.Errorf("runs %v, %v", now, err)
	}
	p := prepare(t, d, deploy("", production(), &empty))
	if refused := messages(p, driver.Refuse); !strings.Contains(refused, "nothing was ever deployed successfully to platform p-empty") {
		t.Errorf("refused: %q", refused)
	}
	from := staging()
	p = prepare(t, d, deploy(newest(t, d), empty, &from))
	if !slices.Equal(p.First, []string{"empty"}) || string(p.Before["empty"]) != "null" {
		t.Errorf("first %v, before %s", p.First, p.Before["empty"])
	}
	if op := follow(t, d, p, 2); op.Results["empty"].Outcome != driver.Succeeded {
		t.Errorf("%+v", op)
	}
	back := driver.Call{Kind: driver.Rollback, Changes: []driver.Change{{Target: empty, Baseline: p.Before["empty"]}}}
	if refused := messages(prepare(t, d, back), driver.Refuse); !strings.Contains(refused, "no build to go back to") {
		t.Errorf("refused: %q", refused)
	}
}

// A deployment to some of the targets does not tell what all of them run.
func TestPartialDeployment(t *testing.T) {
	r := newRig(t)
	d := r.open(t)
	build := newest(t, d)
	before, err := stagetest.Current(t.Context(), d, production())
	must(t, err)
	follow(t, d, prepare(t, d, deploy(build, place("production", "p-production", "t-2"), nil)), 2)
	now, err := stagetest.Current(t.Context(), d, production())
	must(t, err)
	if now.ID != before.ID {
		t.Errorf("runs %s, want the newest that covers both targets: %s", now.ID, before.ID)
	}
	p := prepare(t, d, deploy(before.ID, production(), nil))
	if len(p.Unchanged) != 0 || !strings.Contains(messages(p, driver.Warn), "some of these targets only") {
		t.Errorf("unchanged %v, findings %+v", p.Unchanged, p.Findings)
	}
	if covered, err := stagetest.Current(t.Context(), d, place("one", "p-production", "t-2")); err != nil || covered.ID != build {
		t.Errorf("t-2 alone runs %v, %v", covered, err)
	}
}

func TestWrongTargetsAndApps(t *testing.T) {
	r := newRig(t)
	d := r.open(t)
	p := prepare(t, d, deploy(newest(t, d), place("production", "p-production", "t-2", "t-9"), nil))
	if refused := messages(p, driver.Refuse); !strings.Contains(refused, "no target t-9; it has t-2, t-3") {
		t.Errorf("refused: %q", refused)
	}
	other := staging()
	other.Config = json.RawMessage(`{"appID":"a-other","platformID":"p-staging","targetIDs":["t-1"]}`)
	_, err := stagetest.Current(t.Context(), d, other)
	if d.Explain(err).Code != driver.NotFound || !strings.Contains(err.Error(), "no app a-other") {
		t.Errorf("%v", err)
	}
	for _, config := range []string{``, `{}`, `{"appID":"a","platformID":"p","targetIDs":[]}`} {
		other.Config = json.RawMessage(config)
		if _, err := stagetest.Current(t.Context(), d, other); d.Explain(err).Code != driver.Invalid {
			t.Errorf("%s: %v", config, err)
		}
	}
}

// What the state keeps leads to the entry point's host, wherever that is now.
func TestSavedAddressesHaveNoHost(t *testing.T) {
	r := newRig(t)
	d := r.open(t)
	p := prepare(t, d, deploy(newest(t, d), production(), nil))
	op := follow(t, d, p, 0)
	for _, data := range []json.RawMessage{p.Call.Data, op.Data} {
		if strings.Contains(string(data), "127.0.0.1") {
			t.Errorf("%s names the host", data)
		}
	}
	op.Call = p.Call
	op.Data = json.RawMessage(`{"self":"http://198.51.100.7/steal"}`)
	_, _, err := d.Poll(t.Context(), op)
	if d.Explain(err).Code != driver.Unknown || !strings.Contains(err.Error(), "leads away") {
		t.Errorf("%v", err)
	}
}

// Somebody else's deployment came after ours: ours succeeded, and does not run.
func TestSomebodyElseCameAfter(t *testing.T) {
	r := newRig(t)
	d := r.open(t)
	p := prepare(t, d, deploy(newest(t, d), production(), nil))
	op := follow(t, d, p, 0)
	r.clock.Move(time.Second)
	must(t, r.server.Intrude("production"))
	r.clock.Move(time.Minute)
	op.Call = p.Call
	op, _, err := d.Poll(t.Context(), op)
	must(t, err)
	result := op.Results["production"]
	if !op.Finished() || result.Outcome != driver.Failed || len(result.Errors) != 1 || result.Errors[0].Code != "superseded" {
		t.Errorf("%+v", op)
	}
}

// A deployment is found in its collection too.
func TestFoundInItsCollection(t *testing.T) {
	r := newRig(t)
	d := r.open(t)
	p := prepare(t, d, deploy(newest(t, d), production(), nil))
	op := follow(t, d, p, 2)
	for name, data := range map[string]string{
		"dead link":   `{"self":"/gone","collection":` + collection(t, op) + `}`,
		"no links":    `{}`,
		"only a list": `{"collection":` + collection(t, op) + `}`,
	} {
		lost := op
		lost.Call, lost.Status, lost.Results, lost.Data = p.Call, driver.Running, nil, json.RawMessage(data)
		found, _, err := d.Poll(t.Context(), lost)
		if err != nil || !found.Finished() || found.ID != op.ID {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
		lost.ID = "99999"
		if _, _, err := d.Poll(t.Context(), lost); d.Explain(err).Code != driver.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func collection(t *testing.T, op driver.Operation) string {
	t.Helper()
	var kept struct{ Collection json.RawMessage }
	must(t, json.Unmarshal(op.Data, &kept))
	return string(kept.Collection)
}

func TestOpen(t *testing.T) {
	open := func(env map[string]string) error {
		_, err := entrecode.Open(t.Context(), driver.Env{Getenv: func(name string) string { return env[name] }})
		return err
	}
	if err := open(map[string]string{"ENTRECODE_ACCESS_TOKEN": "x"}); err != nil {
		t.Errorf("with a token alone: %v", err)
	}
	e, ok := errors.AsType[*driver.OpenError](open(nil))
	if !ok || e.Code != driver.Denied || !strings.Contains(e.Remedy, "ENTRECODE_ACCESS_TOKEN") {
		t.Errorf("without a token: %v", e)
	}
	for _, bad := range []string{"http://appserver.example.com/", "ftp://127.0.0.1/", "appserver"} {
		if err := open(map[string]string{"ENTRECODE_ACCESS_TOKEN": "x", "ENTRECODE_APPSERVER_URL": bad}); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	r := newRig(t)
	address, err := url.Parse(r.server.Env()["ENTRECODE_APPSERVER_URL"])
	must(t, err)
	r.server.Close()
	d := r.open(t, "ENTRECODE_APPSERVER_URL", address.String())
	_, err = stagetest.Current(t.Context(), d, production())
	if x := d.Explain(err); x.Code != driver.Retryable {
		t.Errorf("%v: %+v", err, x)
	}
}
