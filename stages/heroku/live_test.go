package heroku_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/sandbox/sandboxtest"
	"sluice/stages/driver"
	"sluice/stages/stagetest"
)

// tenants are an account with so many production apps, one target each, and the
// targets.
func tenants(t *testing.T, n int) (*account, []driver.Target) {
	t.Helper()
	production := make([]sandboxtest.Target, n)
	targets := make([]driver.Target, n)
	for i := range production {
		name := fmt.Sprintf("tenant-%03d", i)
		production[i] = web(name, name, "production")
		targets[i] = target(name, "production", name)
	}
	a := newAccountOf(t, [][]sandboxtest.Target{{web("web-staging", "storefront-staging", "staging")}, production})
	return a, targets
}

// A promotion to hundreds of apps takes ten lists, and two requests for each app.
func TestRequestsOfAFleet(t *testing.T) {
	const apps = 300
	a, targets := tenants(t, apps)
	source := a.target("web-staging")
	d := a.open()
	live, errs := d.Live(t.Context(), []driver.Target{source})
	a.must(errs[0])
	if live[0].Release.CreateTime.IsZero() {
		t.Error("the source does not tell when its release was made: it would be looked up for each target")
	}
	c := driver.Call{Key: "promotion", Kind: driver.Deploy}
	for _, to := range targets {
		c.Changes = append(c.Changes, driver.Change{Target: to, Source: &source, Release: live[0].Release})
	}
	p := a.prepare(c)
	a.clock.Move(time.Hour)
	op, err := d.Begin(t.Context(), p.Call)
	a.must(err)
	a.clock.Move(time.Hour)
	op = a.follow(p.Call, op)
	if op.Results["tenant-299"].Outcome != driver.Succeeded || len(op.Results) != apps {
		t.Errorf("%d results, the last %+v", len(op.Results), op.Results["tenant-299"])
	}
	all := slices.DeleteFunc(a.requests(), func(r string) bool { return strings.HasPrefix(r, "GET /streams/") })
	if most := 11 + 2*(apps+1); len(all) > most { // with the promotion itself and the source's own two
		lists := slices.DeleteFunc(all, func(r string) bool {
			return strings.HasSuffix(r, "/config-vars") || strings.HasSuffix(r, "/buildpack-installations")
		})
		t.Errorf("%d requests more than two an app, want 11 at most: %q", len(lists), lists)
	}
	before := len(a.requests())
	if _, errs := d.Live(t.Context(), targets); errs[0] != nil || len(a.requests())-before > 3 {
		t.Errorf("%v: what %d apps run took %d requests", errs[0], apps, len(a.requests())-before)
	}
}

func TestLiveOfSeveralApps(t *testing.T) {
	a := newAccount(t)
	want := stagetest.Currents(t, a.open(), a.target("web-staging"), a.target("web-eu"), a.target("web-us"))
	gone := target("web-nowhere", "production", "storefront-nowhere")
	before := len(a.requests())
	live, errs := a.open().Live(t.Context(), []driver.Target{a.target("web-staging"), gone, a.target("web-eu"), a.target("web-us"), a.target("web-eu")})
	if x := a.open().Explain(errs[1]); x.Code != driver.NotFound {
		t.Errorf("the app that is not there: %v", errs[1])
	}
	for i, n := range []int{0, 2, 3, 4} {
		was := want[[]int{0, 1, 2, 1}[i]]
		if errs[n] != nil || live[n].Release != was || live[n].Since.IsZero() || len(live[n].Shares) != 1 || live[n].Pending != nil {
			t.Errorf("target %d: %+v, %v, want %+v", n, live[n], errs[n], was)
		}
	}
	if !strings.HasPrefix(live[0].Release.Name, "v") || !live[0].Release.Called(live[0].Release.Name) {
		t.Errorf("people call it %q", live[0].Release.Name)
	}
	// one coupling, one list, the app that is missing, and a slug for each of the two
	if asked := a.requests()[before:]; len(asked) != 5 {
		t.Errorf("asked %q", asked)
	}
}

// Apps of declared pipelines need no coupling to be read.
func TestLiveOfADeclaredPipeline(t *testing.T) {
	a := newAccount(t)
	declared := func(name string) driver.Target {
		to := a.target(name)
		to.Config = []byte(strings.TrimSuffix(string(to.Config), "}") + `,"pipeline":"storefront"}`)
		return to
	}
	before := len(a.requests())
	_, errs := a.open().Live(t.Context(), []driver.Target{declared("web-eu"), declared("web-us"), declared("web-ap")})
	if asked := a.requests()[before:]; errs[0] != nil || errs[2] != nil || len(asked) != 3 {
		t.Errorf("%v, asked %q", errs, asked)
	}
}

// While a release phase runs the release before it is what runs, and the newer one
// is on its way.
func TestLiveWhileAReleasePhaseRuns(t *testing.T) {
	for _, names := range [][]string{{"web-eu"}, {"web-eu", "web-us"}} {
		a := newAccount(t, "web-eu:deploy:hang")
		c := a.promotion("web-staging", "web-eu")
		was := stagetest.Currents(t, a.open(), a.target("web-eu"))[0]
		_, err := a.open().Begin(t.Context(), a.prepare(c).Call)
		a.must(err)
		var targets []driver.Target
		for _, name := range names {
			targets = append(targets, a.target(name))
		}
		live, errs := a.open().Live(t.Context(), targets)
		if errs[0] != nil || live[0].Release.ID != was.ID || live[0].Pending == nil || live[0].Pending.ID != c.Changes[0].Release.ID {
			t.Errorf("of %d: %+v, %v", len(targets), live[0], errs[0])
		}
	}
}

// A conflict says that something else is under way: nothing was changed, and later
// it may be.
func TestSomethingElseIsUnderWay(t *testing.T) {
	a := newAccount(t)
	p := a.prepare(a.promotion("web-staging", "web-eu"))
	d := a.openWith(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPost {
			return answer(http.StatusConflict, `{"id":"conflict","message":"A release is in progress."}`), nil
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	_, err := d.Begin(t.Context(), p.Call)
	if x := d.Explain(err); x.Code != driver.Retryable || !x.Busy || !strings.Contains(x.Message, "A release is in progress.") || x.RequestID == "" {
		t.Errorf("%v: %+v", err, x)
	}
}

// What a promotion does not carry is not compared where it cannot be read, and
// nothing else depends on it.
func TestAdviceThatCannotBeRead(t *testing.T) {
	a := newAccount(t)
	c := a.promotion("web-staging", "web-eu", "web-us")
	d := a.openWith(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/apps/"+a.appID("storefront-eu")+"/config-vars" {
			return answer(http.StatusInternalServerError, `{"id":"internal_server_error","message":"oops"}`), nil
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	p, err := d.Prepare(t.Context(), c)
	a.must(err)
	if len(p.Call.Changes) != 2 || !slices.ContainsFunc(p.Findings, func(f driver.Finding) bool {
		return f.Target == "web-eu" && f.Severity == driver.Note && strings.Contains(f.Message, "not compared: GET")
	}) {
		t.Errorf("%d changes, findings %+v", len(p.Call.Changes), p.Findings)
	}
}
