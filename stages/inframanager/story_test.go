package inframanager_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	api "google.golang.org/api/config/v1"

	"sluice/stages/driver"
	"sluice/stages/stagetest"
)

// sent is the newest request of a method to the platform, as Google's own type has
// its body.
func sent[T any](t *testing.T, b *bench, method string) (path string, query url.Values, body T) {
	t.Helper()
	for _, r := range slices.Backward(b.server.Requests()) {
		if r.Method != method {
			continue
		}
		if r.Body != "" {
			if err := json.Unmarshal([]byte(r.Body), &body); err != nil {
				t.Fatal(err)
			}
		}
		query, err := url.ParseQuery(r.Query)
		if err != nil {
			t.Fatal(err)
		}
		return r.Path, query, body
	}
	t.Fatalf("no %s was sent", method)
	return "", nil, body
}

func given(b *api.TerraformBlueprint) string {
	data, _ := json.Marshal(b.InputValues["environment"].InputValue) //nolint:errchkjson // it was JSON
	return string(data)
}

// The source travels; what the target's blueprint is given stays, and so does all
// else that the deployment has.
func TestPromotionKeepsWhatTheTargetIsGiven(t *testing.T) {
	b := newBench(t)
	c := b.change(t, target("prod"))
	if _, r := b.do(t, driver.Deploy, c); r.Outcome != driver.Succeeded || r.Release.ID != c.Release.ID || r.Release.Platform == "" {
		t.Fatalf("%+v", r)
	}
	path, query, body := sent[api.Deployment](t, b, http.MethodPatch)
	if path != "/v1/projects/shop-1234/locations/europe-west1/deployments/prod" || query.Get("updateMask") != "terraformBlueprint" || len(query.Get("requestId")) != 36 {
		t.Errorf("%s %v", path, query)
	}
	if body.TerraformBlueprint.GcsSource != c.Release.ID || given(body.TerraformBlueprint) != `"prod"` || body.ServiceAccount != "" {
		t.Errorf("%+v", body.TerraformBlueprint)
	}
}

// A rollback applies the earlier revision's blueprint, its values included, though
// the deployment was given others since.
func TestRollbackAppliesTheEarlierRevision(t *testing.T) {
	b := newBench(t)
	before := stagetest.Currents(t, b.driver, target("prod"))[0]
	p, _ := b.do(t, driver.Deploy, b.change(t, target("prod")))
	b.byHand(t, "prod", `{"terraformBlueprint":{"gcsSource":"`+b.running(t).ID+`","inputValues":{"environment":{"inputValue":"other"}}}}`)
	c := driver.Change{Target: target("prod"), Baseline: p.Before["prod"]}
	if _, r := b.do(t, driver.Rollback, c); r.Outcome != driver.Succeeded || r.Release.ID != before.ID {
		t.Fatalf("%+v, want %s", r, before.ID)
	}
	if _, _, body := sent[api.Deployment](t, b, http.MethodPatch); given(body.TerraformBlueprint) != `"prod"` {
		t.Errorf("%+v", body.TerraformBlueprint)
	}
	c.Baseline = []byte(`{"release":"gs://blueprints/never.zip#1"}`)
	b.refused(t, driver.Rollback, c, "no revision with")
	c.Baseline = []byte("null")
	b.refused(t, driver.Rollback, c, "never done")
}

// byHand updates a deployment past the driver, and waits.
func (b *bench) byHand(t *testing.T, deployment, body string) {
	t.Helper()
	at := b.server.Env()[override] + "v1/projects/shop-1234/locations/europe-west1/deployments/" + deployment + "?updateMask=terraformBlueprint"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, at, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
	b.clock.Move(time.Minute)
}

func (b *bench) refused(t *testing.T, kind driver.Kind, c driver.Change, words string) {
	t.Helper()
	p, err := b.driver.Prepare(t.Context(), b.call(kind, c))
	if err != nil || !slices.ContainsFunc(p.Findings, func(f driver.Finding) bool { return f.Severity == driver.Refuse && strings.Contains(f.Message, words) }) {
		t.Errorf("%s: %v, %+v, want %q", kind, err, p.Findings, words)
	}
}

// What is not pinned, and what gcloud will delete, is warned of.
func TestSourcesAreWarnedOf(t *testing.T) {
	b := newBench(t)
	for id, words := range map[string]string{
		"gs://blueprints/app.zip": "names no generation",
		"gs://shop-1234_infra_manager_staging/im_source_staging/europe-west1/app/1.zip#7": "deletes it with a later",
		"git::https://github.com/shop/infra":                                              "names no ref",
		"git::https://github.com/shop/infra//net?ref=main":                                "may be a branch",
		"git::https://github.com/shop/infra//net?ref=v1.4.0":                              "",
		"git::https://github.com/shop/infra?ref=" + strings.Repeat("0a", 20):              "",
	} {
		c := driver.Change{Target: target("prod"), Release: driver.Release{ID: id}}
		p := b.prepare(t, b.call(driver.Deploy, c))
		warned := slices.IndexFunc(p.Findings, func(f driver.Finding) bool { return f.Severity == driver.Warn })
		if (warned >= 0) != (words != "") || words != "" && !strings.Contains(p.Findings[warned].Message, words) {
			t.Errorf("%s: %+v, want %q", id, p.Findings, words)
		}
	}
	b.refused(t, driver.Deploy, driver.Change{Target: target("prod"), Release: driver.Release{ID: "app.zip"}}, "is no blueprint's source")
}

func TestResolve(t *testing.T) {
	b := newBench(t)
	for id, want := range map[string]driver.Code{
		driver.Latest:                          driver.Invalid,
		"gs://blueprints/new.zip#17":           "", // never applied, and pinned
		"gs://blueprints/new.zip":              driver.NotFound,
		"git::https://github.com/a/b?ref=main": driver.NotFound,
		"r-0":                                  driver.NotFound,
	} {
		r, err := b.driver.Resolve(t.Context(), target("prod"), id)
		if code := b.driver.Explain(err).Code; err != nil && code != want || err == nil && (want != "" || r.ID != id) {
			t.Errorf("%s: %+v, %v (%s), want %s", id, r, err, code, want)
		}
	}
}

// A Git repository travels as one.
func TestGitSource(t *testing.T) {
	b := newBench(t)
	id := "git::https://github.com/shop/infra.git//network?ref=v1.4.0"
	_, r := b.do(t, driver.Deploy, driver.Change{Target: target("prod"), Release: driver.Release{ID: id}})
	if r.Outcome != driver.Succeeded || r.Release.ID != id {
		t.Fatalf("%+v", r)
	}
	_, _, body := sent[api.Deployment](t, b, http.MethodPatch)
	if g := body.TerraformBlueprint.GitSource; body.TerraformBlueprint.GcsSource != "" || g.Repo != "https://github.com/shop/infra.git" || g.Directory != "network" || g.Ref != "v1.4.0" {
		t.Errorf("%+v", body.TerraformBlueprint)
	}
}

// Done is no success: every error of the revision is told.
func TestUpdatesThatFail(t *testing.T) {
	for fault, want := range map[string][]string{
		"fail":  {"403: Error creating Network", "google_compute_network.vpc_network", "Unsupported attribute", "APPLY_BUILD_RUN_FAILED: Terraform apply failed", "tf-error.ndjson", "build-"},
		"abort": {"13: an internal error has occurred", "the update did not begin"},
	} {
		t.Run(fault, func(t *testing.T) {
			b := newBench(t, "prod:deploy:"+fault)
			before := stagetest.Currents(t, b.driver, target("prod"))[0]
			_, r := b.do(t, driver.Deploy, b.change(t, target("prod")))
			told := fmt.Sprint(r.Errors)
			for _, words := range want {
				if r.Outcome != driver.Failed || !strings.Contains(told, words) {
					t.Errorf("%s without %q", told, words)
				}
			}
			if now := stagetest.Currents(t, b.driver, target("prod"))[0]; now.ID != before.ID {
				t.Errorf("it runs %s now, want what was applied last, %s", now.ID, before.ID)
			}
			p := b.prepare(t, b.call(driver.Deploy, b.change(t, target("prod"))))
			if !strings.Contains(fmt.Sprint(p.Findings), "revision r-1 failed on the deployment") {
				t.Errorf("%+v", p.Findings)
			}
		})
	}
}

// An operation that nobody knows any more had its effect.
func TestForgottenOperation(t *testing.T) {
	b := newBench(t, "prod:deploy:vanish")
	if _, r := b.do(t, driver.Deploy, b.change(t, target("prod"))); r.Outcome != driver.Succeeded {
		t.Errorf("%+v", r)
	}
}

// r-10 comes after r-9, also where the deployment does not say which is newest.
func TestRevisionsAreSortedByNumber(t *testing.T) {
	b := newBench(t, "prod:deploy:fail")
	for range 10 {
		if err := b.emulator.Intrude("prod"); err != nil {
			t.Fatal(err)
		}
	}
	b.do(t, driver.Deploy, b.change(t, target("prod"))) // fails: r-11
	if r := stagetest.Currents(t, b.driver, target("prod"))[0]; !strings.HasSuffix(r.Platform, "/revisions/r-10") {
		t.Errorf("it runs %s", r.Platform)
	}
}

// Whoever is at work on the deployment is waited for, and named where that is told.
func TestBusy(t *testing.T) {
	b := newBench(t)
	busy := func(err error, words string) {
		t.Helper()
		if x := b.driver.Explain(err); err == nil || x.Code != driver.Retryable || !x.Busy || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, %+v, want %q", err, x, words)
		}
	}
	late := b.prepare(t, b.call(driver.Deploy, b.change(t, target("prod"))))
	if err := b.emulator.Lock("prod", "anna@laptop"); err != nil {
		t.Fatal(err)
	}
	_, err := b.driver.Prepare(t.Context(), b.call(driver.Deploy, b.change(t, target("prod"))))
	busy(err, "locked by anna@laptop since 2026-03-02T")
	_, err = b.driver.Begin(t.Context(), late.Call)
	busy(err, "locked by anna@laptop")
	_, op := b.begin(t, driver.Deploy, b.change(t, target("other")))
	_, err = b.driver.Prepare(t.Context(), b.call(driver.Deploy, b.change(t, target("other"))))
	busy(err, "it is UPDATING")
	live, errs := b.driver.Live(t.Context(), []driver.Target{target("other")})
	if errs[0] != nil || live[0].Pending == nil || live[0].Pending.ID != op.Call.Changes[0].Release.ID {
		t.Errorf("%+v, %v", live, errs)
	}
}

// The platform compares nothing, so the driver does: what was prepared on another
// revision is prepared anew.
func TestAnotherRevisionMeanwhile(t *testing.T) {
	b := newBench(t)
	p := b.prepare(t, b.call(driver.Deploy, b.change(t, target("prod"))))
	if err := b.emulator.Intrude("prod"); err != nil {
		t.Fatal(err)
	}
	_, err := b.driver.Begin(t.Context(), p.Call)
	if x := b.driver.Explain(err); x.Code != driver.Retryable || !x.Stale || !strings.Contains(x.Message, "newest revision is r-1, and it was r-0") {
		t.Fatalf("%+v", x)
	}
	if n := len(b.server.Effects()); n != 0 {
		t.Errorf("%d effects", n)
	}
	// After our own lost answer it is found, and a repeat is not a second one.
	b = newBench(t, "prod:deploy:cut")
	p = b.prepare(t, b.call(driver.Deploy, b.change(t, target("prod"))))
	if _, err := b.driver.Begin(t.Context(), p.Call); b.driver.Explain(err).Code != driver.Lost {
		t.Fatal(err)
	}
	verdict, op, err := b.driver.Lookup(t.Context(), p.Call)
	if err != nil || verdict != driver.Found || op.Results["prod"].Outcome != driver.Open {
		t.Errorf("%s, %+v, %v", verdict, op, err)
	}
	if _, err := b.driver.Begin(t.Context(), p.Call); b.driver.Explain(err).Code != driver.Retryable {
		t.Errorf("the repeat: %v", err)
	}
	if n := len(b.server.Effects()); n != 1 {
		t.Errorf("%d effects", n)
	}
}
