package heroku_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice/stages/driver"
	"sluice/stages/stagetest"
)

// slugOn makes a slug on an app, without a release phase.
func (a *account) slugOn(app string) string {
	a.Helper()
	var s struct{ ID string }
	a.call("POST", "/apps/"+app+"/slugs", map[string]any{"process_types": map[string]string{"web": "npm start"}, "commit_description": "the new cart"}, &s)
	return s.ID
}

// direct is a deploy without a source.
func direct(t driver.Target, slug string) driver.Call {
	return driver.Call{Key: "direct", Kind: driver.Deploy, Changes: []driver.Change{{Target: t, Release: driver.Release{ID: slug}}}}
}

func TestFirstStageGetsAReleaseOfItsOwn(t *testing.T) {
	a := newAccount(t)
	c := direct(a.target("web-dev"), a.slugOn("storefront-dev"))
	c.Changes[0].Options.Description = "the new cart"
	p := a.prepare(c)
	if want := fmt.Sprintf(`POST /apps/%s/releases {"slug":%q,"description":"the new cart"}`, a.appID("storefront-dev"), c.Changes[0].Release.ID); len(p.Requests) != 1 || p.Requests[0] != want {
		t.Errorf("plans %q, want %q", p.Requests, want)
	}
	op, err := a.open().Begin(t.Context(), p.Call)
	a.must(err)
	r := op.Results["web-dev"]
	if !op.Finished() || r.Outcome != driver.Succeeded || r.Release.Comment != "the new cart" || r.Release.Platform == "" {
		t.Errorf("without a release phase the answer is the end of it: %+v", op)
	}
	if now, _ := stagetest.Current(t.Context(), a.open(), a.target("web-dev")); now.ID != c.Changes[0].Release.ID || !now.CreateTime.Equal(start) {
		t.Errorf("runs %+v", now)
	}
}

func TestFirstStageWaitsForTheReleasePhase(t *testing.T) {
	a := newAccount(t, "web-dev:deploy:fail")
	p := a.prepare(direct(a.target("web-dev"), a.slugOn("storefront-dev")))
	op, err := a.open().Begin(t.Context(), p.Call)
	a.must(err)
	if op.Finished() || op.Kind != "release" || op.ID == "" {
		t.Errorf("%+v", op)
	}
	r := a.follow(p.Call, op).Results["web-dev"]
	if r.Outcome != driver.Failed || !strings.Contains(r.Errors[0].Message, "v3 failed in its release phase; v2 with slug") || !strings.Contains(r.Log, "exit status 1") {
		t.Errorf("%+v", r)
	}
}

func TestReleaseBehindAReleaseIsSeen(t *testing.T) {
	a := newAccount(t, "web-dev:deploy:hang")
	p := a.prepare(direct(a.target("web-dev"), a.slugOn("storefront-dev")))
	op, err := a.open().Begin(t.Context(), p.Call)
	a.must(err)
	a.must(a.emulator.Intrude("web-dev"))
	op.Call = p.Call
	op, _, err = a.open().Poll(t.Context(), op)
	a.must(err)
	if op.Results["web-dev"].Outcome != driver.Open {
		t.Errorf("ours is still pending: %+v", op)
	}
}

func TestDirectPreflight(t *testing.T) {
	tests := map[string]struct {
		target func(*account) driver.Target
		want   string
		warn   bool
	}{
		"in no pipeline": {func(a *account) driver.Target {
			a.call("POST", "/apps", map[string]string{"name": "storefront-lone"}, nil)
			return target("lone", "production", "storefront-lone")
		}, "app storefront-lone is in no pipeline", true},
		"declared in one": {func(a *account) driver.Target {
			a.call("POST", "/apps", map[string]string{"name": "storefront-lone"}, nil)
			return with(target("lone", "production", "storefront-lone"), map[string]any{"pipeline": "storefront"})
		}, "app storefront-lone is in no pipeline", false},
		"in another stage": {func(a *account) driver.Target {
			t := a.target("web-dev")
			t.Stage = "production"
			return t
		}, "is in stage development of pipeline storefront, not in production", false},
		"on containers": {func(a *account) driver.Target {
			a.call("PATCH", "/apps/storefront-dev", map[string]string{"build_stack": "container"}, nil)
			return a.target("web-dev")
		}, "container stack", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			p, err := a.open().Prepare(t.Context(), direct(test.target(a), a.slugOn("storefront-dev")))
			a.must(err)
			if len(p.Findings) != 1 || !strings.Contains(p.Findings[0].Message, test.want) || (p.Findings[0].Severity == driver.Warn) != test.warn {
				t.Errorf("findings %+v, want %q", p.Findings, test.want)
			}
			if (len(p.Requests) == 1) != test.warn {
				t.Errorf("would send %v", p.Requests)
			}
		})
	}
}

func TestUnknownSlugIsRefusedByHeroku(t *testing.T) {
	a := newAccount(t)
	p := a.prepare(direct(a.target("web-dev"), "11111111-2222-3333-4444-555555555555"))
	_, err := a.open().Begin(t.Context(), p.Call)
	if x := a.open().Explain(err); x.Code != driver.NotFound || len(a.effects()) != 0 {
		t.Errorf("%v %+v", err, x)
	}
}

// A release is made on one app: several in one call are refused, not sent one
// after the other.
func TestOneAppInOneCall(t *testing.T) {
	a := newAccount(t)
	c := direct(a.target("web-eu"), a.slugOn("storefront-dev"))
	c.Changes = append(c.Changes, direct(a.target("web-us"), c.Changes[0].Release.ID).Changes...)
	_, err := a.open().Prepare(t.Context(), c)
	if x := a.open().Explain(err); x.Code != driver.Invalid {
		t.Errorf("%v %+v", err, x)
	}
	c.Data = json.RawMessage(`{"slug":"x"}`)
	for i := range c.Changes {
		c.Changes[i].Data = json.RawMessage(`{}`)
	}
	_, err = a.open().Begin(t.Context(), c)
	if x := a.open().Explain(err); x.Code != driver.Invalid || len(a.effects()) != 0 {
		t.Errorf("%v %+v", err, x)
	}
}

// rollback goes back to what stood before a promotion to web-eu.
func (a *account) rollback() driver.Call {
	a.Helper()
	p := a.prepare(a.promotion("web-staging", "web-eu"))
	op, err := a.open().Begin(a.Context(), p.Call)
	a.must(err)
	a.follow(p.Call, op)
	return driver.Call{Key: "rollback", Kind: driver.Rollback, Changes: []driver.Change{{
		Target: a.target("web-eu"), Baseline: p.Before["web-eu"], Expected: op.Results["web-eu"].After,
	}}}
}

func TestRollback(t *testing.T) {
	a := newAccount(t)
	before, err := stagetest.Current(t.Context(), a.open(), a.target("web-eu"))
	a.must(err)
	c := a.rollback()
	p := a.prepare(c)
	if want := fmt.Sprintf(`POST /apps/storefront-eu/releases {"release":%q}`, before.Platform); len(p.Requests) != 1 || p.Requests[0] != want {
		t.Errorf("plans %q, want %q", p.Requests, want)
	}
	if p.Call.Changes[0].Release.ID != before.ID {
		t.Errorf("goes back to %+v, want %+v", p.Call.Changes[0].Release, before)
	}
	op, err := a.open().Begin(t.Context(), p.Call)
	a.must(err)
	if r := a.follow(p.Call, op).Results["web-eu"]; r.Outcome != driver.Succeeded || r.Release.ID != before.ID || r.Release.Platform == before.Platform {
		t.Errorf("%+v, want a new release of %s", r, before.ID)
	}
	if again := a.prepare(c); len(again.Unchanged) != 1 {
		t.Errorf("a second time: %+v", again)
	}
}

// A promotion that failed in its release phase left the app as it was.
func TestNothingToRollBackAfterAFailedPhase(t *testing.T) {
	a := newAccount(t, "web-eu:deploy:fail")
	p := a.prepare(a.rollback())
	if fmt.Sprint(p.Unchanged) != "[web-eu]" || len(p.Call.Changes) != 0 {
		t.Errorf("%+v", p)
	}
}

func TestRollbackRefuses(t *testing.T) {
	a := newAccount(t)
	c := a.rollback()
	without := c
	without.Changes = []driver.Change{{Target: a.target("web-eu")}}
	p, err := a.open().Prepare(t.Context(), without)
	a.must(err)
	if got := refusals(p); !strings.Contains(got, "nothing is recorded") {
		t.Errorf("refused with %q", got)
	}
	left, _ := json.Marshal(map[string]string{"slug": "what-we-left"})
	c.Changes[0].Expected = left
	p, err = a.open().Prepare(t.Context(), c)
	a.must(err)
	if len(p.Findings) != 1 || p.Findings[0].Severity != driver.Foreign {
		t.Errorf("%+v", p.Findings)
	}
}

func TestCurrent(t *testing.T) {
	a := newAccount(t, "web-eu:deploy:fail=12")
	before, err := stagetest.Current(t.Context(), a.open(), a.target("web-eu"))
	a.must(err)
	if before.ID == "" || before.Platform == "" || before.CreateTime.IsZero() || before.Comment == "" {
		t.Errorf("%+v", before)
	}
	for range 12 { // more failed releases than a page has
		a.call("POST", "/apps/storefront-eu/releases", map[string]string{"slug": a.slugOn("storefront-eu")}, nil)
	}
	for range 2 {
		a.call("GET", "/apps/storefront-eu/releases", nil, nil)
	}
	now, err := stagetest.Current(t.Context(), a.open(), a.target("web-eu"))
	if err != nil || now.ID != before.ID || now.Platform != before.Platform {
		t.Errorf("after 12 failed releases %+v %v, want %+v", now, err, before)
	}
}

func TestResolve(t *testing.T) {
	a := newAccount(t)
	runs, err := stagetest.Current(t.Context(), a.open(), a.target("web-staging"))
	a.must(err)
	own := a.slugOn("storefront-eu")
	for id, want := range map[string]time.Time{runs.ID: runs.CreateTime, own: start} {
		r, err := a.open().Resolve(t.Context(), a.target("web-eu"), id)
		if err != nil || r.ID != id || !r.CreateTime.Equal(want) || r.Comment == "" {
			t.Errorf("%s: %+v %v", id, r, err)
		}
	}
	a.call("POST", "/apps", map[string]string{"name": "storefront-lone"}, nil)
	for _, place := range []driver.Target{a.target("web-eu"), target("lone", "production", "storefront-lone")} {
		_, err := a.open().Resolve(t.Context(), place, "11111111-2222-3333-4444-555555555555")
		if x := a.open().Explain(err); x.Code != driver.NotFound || x.RequestID == "" {
			t.Errorf("%s: %v %+v", place.Name, err, x)
		}
	}
}
