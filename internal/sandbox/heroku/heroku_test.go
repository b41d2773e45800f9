package heroku_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/heroku"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
)

// The document, request by request: a pipeline, three couplings, a promotion.
func TestDocument(t *testing.T) {
	c := serve(t, nil)
	p := ok[thing](c, "POST", "/pipelines", map[string]string{"name": "my-pipeline"})
	for _, stage := range []string{"development", "staging", "production"} {
		ok[thing](c, "POST", "/apps", map[string]string{"name": "my-app-" + stage})
		made := ok[couplingOf](c, "POST", "/pipeline-couplings", map[string]string{"app": "my-app-" + stage, "pipeline": p.ID, "stage": stage})
		if made.Stage != stage || made.Pipeline.Name != "my-pipeline" || made.App.ID != c.app("my-app-"+stage).ID || made.App.Name != "" {
			t.Errorf("coupled %+v", made)
		}
	}
	if all := ok[[]couplingOf](c, "GET", "/pipelines/"+p.ID+"/pipeline-couplings", nil); len(all) != 3 {
		t.Errorf("couplings %+v", all)
	}
	if one := ok[couplingOf](c, "GET", "/apps/my-app-staging/pipeline-couplings", nil); one.Stage != "staging" || one.Pipeline.ID != p.ID {
		t.Errorf("coupling %+v", one)
	}
	slug := ok[thing](c, "POST", "/apps/my-app-development/slugs", map[string]any{"process_types": map[string]string{"web": "start"}})
	ran := ok[releaseOf](c, "POST", "/apps/my-app-development/releases", map[string]string{"slug": slug.ID})
	made := ok[promotionOf](c, "POST", "/pipeline-promotions", map[string]any{
		"pipeline": map[string]string{"id": p.ID},
		"source":   map[string]any{"app": map[string]string{"id": c.app("my-app-development").ID}},
		"targets":  []any{map[string]any{"app": map[string]string{"id": c.app("my-app-staging").ID}}},
	})
	if made.Source.Release.ID != ran.ID {
		t.Errorf("promoted %+v, want release %s", made, ran.ID)
	}
	if again := ok[promotionOf](c, "GET", "/pipeline-promotions/"+made.ID, nil); again.Status != "completed" {
		t.Errorf("without a release phase: %+v", again)
	}
	got := c.promoted(made.ID)[c.app("my-app-staging").ID]
	if got.Status != "succeeded" || got.Error != nil || got.Release == nil {
		t.Errorf("target %+v", got)
	}
}

func TestReleasePhase(t *testing.T) {
	c := serve(t, two(t), "us:deploy:fail")
	made := ok[promotionOf](c, "POST", "/pipeline-promotions", c.promotion("storefront-eu", "storefront-us"))
	eu, us := c.app("storefront-eu").ID, c.app("storefront-us").ID
	if made.Status != "pending" {
		t.Errorf("%+v", made)
	}
	if got := c.promoted(made.ID)[eu]; got.Status != "pending" || got.Release == nil {
		t.Errorf("while its phase runs: %+v", got)
	}
	after := c.promoted(made.ID)
	if got := after[eu]; got.Status != "succeeded" || got.Error != nil {
		t.Errorf("eu: %+v", got)
	}
	if got := after[us]; got.Status != "failed" || got.Error == nil || got.Release == nil {
		t.Errorf("us: %+v", got)
	}
	if again := ok[promotionOf](c, "GET", "/pipeline-promotions/"+made.ID, nil); again.Status != "completed" {
		t.Errorf("completed is not success: %+v", again)
	}
	releases := ok[[]releaseOf](c, "GET", "/apps/storefront-us/releases", nil, "Range", "version ..; order=desc")
	if r := releases[0]; r.Status != "failed" || r.Current || !releases[1].Current {
		t.Errorf("what ran before still runs: %+v", releases)
	}
	stream := c.send("GET", strings.TrimPrefix(*releases[0].Output, c.server.Env()["HEROKU_HOST"]), nil, "Authorization", "")
	if stream.status != 200 || !strings.Contains(string(stream.body), "exit status 1") {
		t.Errorf("output: %d %s", stream.status, stream.body)
	}
	c.refused(422, "invalid_params", "GET", strings.TrimPrefix(*releases[0].Output, c.server.Env()["HEROKU_HOST"]), nil)
}

func TestFaultsOfAPromotion(t *testing.T) {
	c := serve(t, two(t), "eu:deploy:reject", "us:deploy#2:hang", "eu:deploy#3:late")
	eu, us := c.app("storefront-eu").ID, c.app("storefront-us").ID

	rejected := ok[promotionOf](c, "POST", "/pipeline-promotions", c.promotion("storefront-eu", "storefront-us"))
	if got := c.promoted(rejected.ID)[eu]; got.Status != "failed" || *got.Error != "User does not have access to that app" || got.Release != nil {
		t.Errorf("rejected: %+v", got)
	}
	hanging := ok[promotionOf](c, "POST", "/pipeline-promotions", c.promotion("storefront-eu", "storefront-us"))
	for range 5 {
		c.promoted(hanging.ID)
	}
	if got := c.promoted(hanging.ID); got[us].Status != "pending" || got[eu].Status != "succeeded" {
		t.Errorf("hanging: %+v", got)
	}
	late := ok[promotionOf](c, "POST", "/pipeline-promotions", c.promotion("storefront-eu"))
	if got := c.promoted(late.ID)[eu]; got.Status != "pending" || got.Release != nil {
		t.Errorf("late: %+v", got)
	}
	before := len(ok[[]releaseOf](c, "GET", "/apps/storefront-eu/releases", nil))
	c.clock.Move(time.Minute)
	if now := len(ok[[]releaseOf](c, "GET", "/apps/storefront-eu/releases", nil)); now != before+1 {
		t.Errorf("%d releases, a minute later %d", before, now)
	}
}

func TestRefusals(t *testing.T) {
	c := serve(t, two(t))
	with := func(key string, value any) map[string]any {
		body := c.promotion("storefront-eu")
		body[key] = value
		return body
	}
	appOf := func(name string) any { return map[string]any{"app": map[string]string{"id": c.app(name).ID}} }
	ok[thing](c, "POST", "/apps", map[string]string{"name": "elsewhere"})

	c.refused(401, "unauthorized", "GET", "/pipelines", nil, "Authorization", "")
	c.refused(401, "unauthorized", "GET", "/pipelines", nil, "Authorization", "Bearer "+heroku.RejectedKey)
	c.refused(404, "not_found", "GET", "/pipelines", nil, "Accept", "application/json")
	c.refused(404, "not_found", "GET", "/dynos", nil)
	for _, path := range []string{
		"/apps/nowhere", "/apps/nowhere/releases", "/apps/nowhere/config-vars", "/apps/nowhere/buildpack-installations", "/apps/nowhere/slugs/x",
		"/apps/storefront-eu/releases/99", "/apps/storefront-eu/slugs/x", "/apps/elsewhere/pipeline-couplings", "/apps/nowhere/pipeline-couplings",
		"/pipelines/nowhere", "/pipelines/nowhere/pipeline-couplings", "/pipelines/nowhere/latest-releases",
		"/pipeline-promotions/nowhere", "/pipeline-promotions/nowhere/promotion-targets", "/streams/nowhere",
	} {
		c.refused(404, "not_found", "GET", path, nil)
	}
	c.refused(404, "not_found", "POST", "/pipeline-promotions", with("pipeline", map[string]string{"id": "nowhere"}))
	c.refused(422, "invalid_params", "POST", "/pipeline-promotions", with("source", appOf("elsewhere")))
	c.refused(422, "invalid_params", "POST", "/pipeline-promotions", with("targets", []any{}))
	c.refused(422, "invalid_params", "POST", "/pipeline-promotions", with("targets", []any{appOf("elsewhere")}))
	c.refused(422, "invalid_params", "POST", "/pipeline-promotions", with("targets", []any{appOf("storefront-staging")}))
	c.refused(400, "bad_request", "POST", "/pipeline-promotions", "no object")
	c.refused(422, "invalid_params", "POST", "/apps", map[string]string{"name": "Storefront"})
	c.refused(422, "invalid_params", "POST", "/apps", map[string]string{"name": "storefront-eu"})
	c.refused(422, "invalid_params", "POST", "/pipelines", map[string]string{"name": "storefront"})
	c.refused(422, "invalid_params", "POST", "/pipelines", map[string]string{})
	p := ok[thing](c, "GET", "/pipelines/storefront", nil)
	c.refused(422, "invalid_params", "POST", "/pipeline-couplings", map[string]string{"app": "storefront-eu", "pipeline": p.ID, "stage": "staging"})
	c.refused(422, "invalid_params", "POST", "/pipeline-couplings", map[string]string{"app": "elsewhere", "pipeline": p.ID, "stage": "canary"})
	c.refused(404, "not_found", "POST", "/pipeline-couplings", map[string]string{"app": "elsewhere", "pipeline": "nowhere", "stage": "staging"})
	c.refused(404, "not_found", "POST", "/apps/storefront-eu/releases", map[string]string{"slug": "nowhere"})
	c.refused(404, "not_found", "POST", "/apps/storefront-eu/releases", map[string]string{"release": "nowhere"})
	c.refused(422, "invalid_params", "POST", "/apps/storefront-eu/releases", map[string]string{"release": ok[[]releaseOf](c, "GET", "/apps/storefront-eu/releases", nil)[0].ID})
	c.refused(416, "requested_range_not_satisfiable", "GET", "/apps/storefront-eu/releases", nil, "Range", "weather ..")
	c.refused(404, "not_found", "POST", "/filters/apps", map[string]any{}) // the plain variant
	if n := len(c.server.Effects()); n != 1 {
		t.Errorf("%d effects, want the new app alone", n)
	}
}

func TestRefusalFaults(t *testing.T) {
	for fault, want := range map[string]struct {
		status int
		id     string
	}{
		"unauthorized": {401, "unauthorized"}, "delinquent": {402, "delinquent"}, "suspended": {403, "suspended"}, "two-factor": {403, "two_factor"},
		"unprocessable": {422, "invalid_params"}, "deny": {403, "forbidden"}, "throttle": {429, "rate_limit"}, "error": {500, "internal_server_error"},
	} {
		serve(t, two(t), "eu:read:"+fault).refused(want.status, want.id, "GET", "/apps/storefront-eu", nil)
	}
}

func TestAmbiguousName(t *testing.T) {
	c := serve(t, two(t))
	ok[thing](c, "POST", "/pipelines", map[string]any{"name": "storefront", "owner": map[string]string{"id": "somebody", "type": "user"}})
	r := c.send("GET", "/pipelines/storefront", nil)
	if r.status != http.StatusMultipleChoices || strings.Count(string(r.body), `"name":"storefront"`) != 2 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if found := ok[[]thing](c, "GET", "/pipelines?eq[name]=storefront", nil); len(found) != 2 {
		t.Errorf("filtered: %+v", found)
	}
	if byID := ok[thing](c, "GET", "/pipelines/"+ok[[]thing](c, "GET", "/pipelines", nil)[0].ID, nil); byID.Name != "storefront" {
		t.Errorf("by its id: %+v", byID)
	}
}

func TestRateLimit(t *testing.T) {
	c := serve(t, two(t))
	left := func() string { return c.send("GET", "/account/rate-limits", nil).header.Get("RateLimit-Remaining") }
	if a, b := left(), left(); a != "4499" || b != "4498" {
		t.Errorf("remaining %s, then %s", a, b)
	}
	for range 4498 {
		c.send("GET", "/account/rate-limits", nil)
	}
	c.refused(429, "rate_limit", "GET", "/pipelines", nil)
	c.clock.Move(time.Minute)
	if got := left(); got != "74" {
		t.Errorf("a minute later %s remain", got)
	}
}

func TestStateIsKept(t *testing.T) {
	dir := t.TempDir()
	clock := sandboxtest.NewClock(start)
	var last []byte
	for range 2 {
		sandboxtest.Start(t, sandbox.Options{Dir: dir, Emulators: []sandbox.Emulator{heroku.New(clock.Now)}, Pipelines: []*pipeline.Pipeline{two(t)}}).Close()
		state, err := os.ReadFile(filepath.Join(dir, "heroku.json"))
		if err != nil {
			t.Fatal(err)
		}
		if last != nil && string(state) != string(last) {
			t.Error("seeding again changed what was there")
		}
		last = state
		clock.Move(time.Hour)
	}
	if err := heroku.New(clock.Now).Restore([]byte("{")); err == nil {
		t.Error("half a state is restored")
	}
}

func TestSeed(t *testing.T) {
	p := sandboxtest.Pipeline(t, "heroku",
		[]sandboxtest.Target{{Name: "web-1", Component: "web", Config: map[string]any{"app": "web-one"}}, {Name: "api-1", Component: "api", Config: map[string]any{"app": "api-one"}}},
		[]sandboxtest.Target{{Name: "web-2", Component: "web", Config: map[string]any{"app": "11111111-2222-3333-4444-555555555555"}}},
		[]sandboxtest.Target{{Name: "web-3", Component: "web", Config: map[string]any{"app": "web-three", "couple": true, "pipeline": "shop", "stage": "production"}}},
	)
	c := serve(t, p)
	slugs := map[string]bool{}
	for app, stage := range map[string]string{"web-one": "development", "api-one": "development", "11111111-2222-3333-4444-555555555555": "staging"} {
		if got := ok[couplingOf](c, "GET", "/apps/"+app+"/pipeline-couplings", nil); got.Stage != stage || got.Pipeline.Name != "test" {
			t.Errorf("%s: %+v", app, got)
		}
		releases := ok[[]releaseOf](c, "GET", "/apps/"+app+"/releases", nil)
		if len(releases) != 2 || releases[0].Slug != nil || !releases[1].Current {
			t.Errorf("%s: %+v", app, releases)
		}
		slugs[releases[1].Slug.ID] = true
	}
	if len(slugs) != 3 {
		t.Errorf("every component and stage has a slug of its own: %v", slugs)
	}
	c.refused(404, "not_found", "GET", "/apps/web-three/pipeline-couplings", nil)
	if !strings.HasPrefix(c.app("11111111-2222-3333-4444-555555555555").Name, "app-") {
		t.Error("an app that is named by its id has a name")
	}
}
