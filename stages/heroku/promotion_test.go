package heroku_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/sandbox/sandboxtest"
	"sluice/stages/driver"
	"sluice/stages/stagetest"
)

// posted is the body of the only promotion that was asked for.
func (a *account) posted() string {
	a.Helper()
	var bodies []string
	for _, r := range a.server.Requests() {
		if r.Method == "POST" && r.Path == "/pipeline-promotions" {
			bodies = append(bodies, r.Body)
		}
	}
	if len(bodies) != 1 {
		a.Fatalf("%d promotions were asked for, want 1", len(bodies))
	}
	return bodies[0]
}

func TestOnePromotionForAllTargets(t *testing.T) {
	a := newAccount(t)
	c := a.promotion("web-staging", "web-eu", "web-us", "web-ap")
	op := a.do(c)
	for name, r := range op.Results {
		if r.Outcome != driver.Succeeded || r.Release.ID != c.Changes[0].Release.ID || r.Release.Platform == "" {
			t.Errorf("%s: %+v", name, r)
		}
		var where struct{ Pipeline, Coupling, Stage string }
		a.must(json.Unmarshal(r.Data, &where))
		if where.Pipeline != "storefront" || where.Stage != "production" || where.Coupling == "" {
			t.Errorf("%s says of where its app is: %s", name, r.Data)
		}
		if !strings.Contains(r.Log, "Migrations: done.") {
			t.Errorf("%s shows %q of its release phase", name, r.Log)
		}
	}
	want := fmt.Sprintf(`{"pipeline":{"id":%q},"source":{"app":{"id":%q}},"targets":[{"app":{"id":%q}},{"app":{"id":%q}},{"app":{"id":%q}}]}`,
		a.pipelineID(), a.appID("storefront-staging"), a.appID("storefront-eu"), a.appID("storefront-us"), a.appID("storefront-ap"))
	if got := a.posted(); got != want {
		t.Errorf("sent\n%s\nwant\n%s", got, want)
	}
}

// The document's walk: development to staging to production over three couplings.
func TestDocument(t *testing.T) {
	a := newAccount(t)
	first := a.promotion("web-dev", "web-staging")
	op := a.do(first)
	second := a.promotion("web-staging", "web-eu")
	if got, want := second.Changes[0].Release, op.Results["web-staging"].Release; got.ID != want.ID || got.Platform != want.Platform || !got.CreateTime.Equal(want.CreateTime) {
		t.Errorf("staging runs %+v, read back was %+v", got, want)
	}
	a.do(second)
	if now, _ := stagetest.Current(t.Context(), a.open(), a.target("web-eu")); now.ID != first.Changes[0].Release.ID {
		t.Errorf("production runs %s, want development's %s", now.ID, first.Changes[0].Release.ID)
	}
}

func TestTwoHundredApps(t *testing.T) {
	var many []sandboxtest.Target
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprintf("web-%03d", i))
		many = append(many, web(names[i], fmt.Sprintf("storefront-%03d", i), "production"))
	}
	a := newAccountOf(t, [][]sandboxtest.Target{{web("web-staging", "storefront-staging", "staging")}, many})
	c := a.promotion("web-staging", names...)
	before := len(a.requests())
	p := a.prepare(c)
	op, err := a.open().Begin(t.Context(), p.Call)
	a.must(err)
	op = a.follow(p.Call, op)
	for name, r := range op.Results {
		if r.Outcome != driver.Succeeded {
			t.Fatalf("%s: %+v", name, r)
		}
	}
	a.posted()
	lists, single := 0, map[string]int{}
	for _, r := range a.requests()[before:] {
		if strings.HasPrefix(r, "GET /pipeline") || r == "POST /filters/apps" {
			lists++
			continue
		}
		single[r]++
	}
	t.Logf("%d list calls, %d others", lists, len(single))
	if lists > 12 {
		t.Errorf("%d list calls: %v", lists, a.requests()[before:])
	}
	for r, n := range single {
		if strings.HasPrefix(r, "GET /apps/") && n > 1 && !strings.Contains(r, a.appID("storefront-staging")) {
			t.Errorf("%s was asked %d times", r, n)
		}
	}
	if len(p.Call.Data) > 1000 {
		t.Errorf("what is saved with each of the 200 targets has %d bytes", len(p.Call.Data))
	}
}

func TestUnchangedTargetsAreLeftOut(t *testing.T) {
	a := newAccount(t)
	a.do(a.promotion("web-staging", "web-us"))
	p := a.prepare(a.promotion("web-staging", "web-eu", "web-us", "web-ap"))
	if fmt.Sprint(p.Unchanged, p.Call.Names()) != "[web-us] [web-eu web-ap]" {
		t.Errorf("unchanged %v, called %v", p.Unchanged, p.Call.Names())
	}
}

func TestReleasePhaseFailsOnOneOfThree(t *testing.T) {
	a := newAccount(t, "web-us:deploy:fail")
	c := a.promotion("web-staging", "web-eu", "web-us", "web-ap")
	op := a.do(c)
	bad := op.Results["web-us"]
	if bad.Outcome != driver.Failed || !strings.Contains(bad.Errors[0].Message, "Release command failed") || bad.Release.Platform == "" || !strings.Contains(bad.Log, "exit status 1") {
		t.Errorf("web-us: %+v", bad)
	}
	for _, name := range []string{"web-eu", "web-ap"} {
		if op.Results[name].Outcome != driver.Succeeded {
			t.Errorf("%s: %+v", name, op.Results[name])
		}
	}
	again := a.prepare(c)
	if fmt.Sprint(again.Call.Names()) != "[web-us]" {
		t.Errorf("the retry touches %v, want web-us alone", again.Call.Names())
	}
	op, err := a.open().Begin(t.Context(), again.Call)
	a.must(err)
	if r := a.follow(again.Call, op).Results["web-us"]; r.Outcome != driver.Succeeded {
		t.Errorf("the retry: %+v", r)
	}
}

func TestTargetThatHerokuRejects(t *testing.T) {
	a := newAccount(t, "web-us:deploy:reject")
	op := a.do(a.promotion("web-staging", "web-eu", "web-us"))
	if r := op.Results["web-us"]; r.Outcome != driver.Failed || r.Errors[0].Message != "User does not have access to that app" || !r.Restored || r.Release.ID != stagetest.Currents(t, a.open(), a.target("web-us"))[0].ID {
		t.Errorf("%+v", r)
	}
}

func TestReleasePhaseThatGoesOn(t *testing.T) {
	a := newAccount(t, "web-us:deploy:hang")
	p := a.prepare(a.promotion("web-staging", "web-eu", "web-us"))
	op, err := a.open().Begin(t.Context(), p.Call)
	a.must(err)
	for range 5 {
		op.Call = p.Call
		op, _, err = a.open().Poll(t.Context(), op)
		a.must(err)
	}
	if op.Finished() || op.Status != driver.Running || op.Progress != 50 || op.Results["web-us"].Outcome != driver.Open || op.Results["web-eu"].Outcome != driver.Succeeded {
		t.Errorf("%+v", op)
	}
}

// Heroku calls a target succeeded, but by then something else runs there.
func TestSuccessIsReadBack(t *testing.T) {
	a := newAccount(t)
	p := a.prepare(a.promotion("web-staging", "web-eu"))
	op, err := a.open().Begin(t.Context(), p.Call)
	a.must(err)
	for range 2 {
		a.call("GET", "/pipeline-promotions/"+op.ID+"/promotion-targets", nil, nil) // the release phase ends
	}
	a.must(a.emulator.Intrude("web-eu"))
	r := a.follow(p.Call, op).Results["web-eu"]
	if r.Outcome != driver.Failed || !strings.Contains(r.Errors[0].Message, "somebody else") {
		t.Errorf("%+v", r)
	}
}

func TestSourceMovesOnBeforeTheRequest(t *testing.T) {
	a := newAccount(t)
	p := a.prepare(a.promotion("web-staging", "web-eu"))
	a.must(a.emulator.Intrude("web-staging"))
	_, err := a.open().Begin(t.Context(), p.Call)
	if x := a.open().Explain(err); x.Code != driver.Conflict || x.Remedy == "" {
		t.Errorf("%v: %+v", err, x)
	}
	if len(a.effects()) != 0 {
		t.Errorf("effects %v", a.effects())
	}
}

// Between the last look at the source and the promotion somebody releases there:
// the answer tells.
func TestSourceMovesOnUnderTheRequest(t *testing.T) {
	a := newAccount(t)
	p := a.prepare(a.promotion("web-staging", "web-eu"))
	d := a.openThrough(func(method, path string) {
		if path == "/pipeline-promotions" {
			a.must(a.emulator.Intrude("web-staging"))
		}
	})
	_, err := d.Begin(t.Context(), p.Call)
	if x := d.Explain(err); x.Code != driver.Lost || !strings.Contains(err.Error(), "not the pinned") {
		t.Fatalf("%v: %+v", err, x)
	}
	a.clock.Move(2 * time.Minute)
	verdict, op, err := a.open().Lookup(t.Context(), p.Call)
	a.must(err)
	if verdict != driver.ForeignChange || op.Results["web-eu"].Release.ID == "" {
		t.Errorf("%s %+v, want foreign", verdict, op)
	}
}

// A config var makes a new release of the same slug: that is as good.
func TestSourceGetsAConfigVar(t *testing.T) {
	a := newAccount(t)
	p := a.prepare(a.promotion("web-staging", "web-eu"))
	a.call("PATCH", "/apps/storefront-staging/config-vars", map[string]string{"LEVEL": "debug"}, nil)
	for range 2 {
		a.call("GET", "/apps/storefront-staging/releases", nil, nil)
	}
	op, err := a.open().Begin(t.Context(), p.Call)
	a.must(err)
	if r := a.follow(p.Call, op).Results["web-eu"]; r.Outcome != driver.Succeeded {
		t.Errorf("%+v", r)
	}
}

func TestPlanShowsWhatIsSent(t *testing.T) {
	a := newAccount(t)
	p := a.prepare(a.promotion("web-staging", "web-eu"))
	_, err := a.open().Begin(t.Context(), p.Call)
	a.must(err)
	if want := []string{"POST /pipeline-promotions " + a.posted()}; !slices.Equal(p.Requests, want) {
		t.Errorf("planned %v, sent %v", p.Requests, want)
	}
	var before struct {
		Slug, Release string
		Version       int
	}
	a.must(json.Unmarshal(p.Before["web-eu"], &before))
	if before.Slug == "" || before.Release == "" || before.Version != 2 {
		t.Errorf("before: %+v", before)
	}
}
