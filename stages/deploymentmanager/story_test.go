package deploymentmanager_test

import (
	"encoding/json"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"
	api "google.golang.org/api/deploymentmanager/v2"

	"sluice/stages/deploymentmanager"
	"sluice/stages/driver"
	"sluice/stages/stagetest"
)

// sent is the newest request of a method to the platform.
func (b *bench) sent(t *testing.T, method string) (path string, body api.Deployment) {
	t.Helper()
	for _, r := range slices.Backward(b.server.Requests()) {
		if r.Method != method {
			continue
		}
		if err := json.Unmarshal([]byte(r.Body), &body); err != nil {
			t.Fatal(err)
		}
		return r.Path + "?" + r.Query, body
	}
	t.Fatalf("no %s was sent", method)
	return "", body
}

// A promotion sends what the source's manifest was made from, and keeps what is
// the target's own.
func TestPromotionSendsConfigAndImports(t *testing.T) {
	b := newBench(t)
	c := b.change(t, target("prod"))
	c.Options = driver.Options{Labels: map[string]string{"team": "shop"}}
	if _, r := b.do(t, driver.Deploy, c); r.Outcome != driver.Succeeded {
		t.Fatalf("%+v", r)
	}
	path, body := b.sent(t, http.MethodPut)
	if !strings.HasPrefix(path, "/deploymentmanager/v2/projects/shop-1234/global/deployments/prod?") || !strings.Contains(path, "preview=false") {
		t.Error(path)
	}
	if !strings.Contains(body.Target.Config.Content, `{{ env["deployment"] }}`) || len(body.Target.Imports) != 1 || body.Target.Imports[0].Name != "app.jinja" {
		t.Errorf("%+v", body.Target)
	}
	if body.Fingerprint == "" || body.Description != "seeded" || len(body.Labels) != 1 || body.Labels[0].Value != "shop" {
		t.Errorf("%+v", body)
	}
	c = b.change(t, target("fresh")) // nothing of the labels is forgotten by the next
	c.Release, c.Source = driver.Release{ID: b.older(t)}, nil
	c.Target = target("prod")
	if _, r := b.do(t, driver.Deploy, c); r.Outcome != driver.Succeeded {
		t.Fatalf("%+v", r)
	}
	if _, body = b.sent(t, http.MethodPut); len(body.Labels) != 1 {
		t.Errorf("%+v", body.Labels)
	}
}

// older is the release that the previewed target runs.
func (b *bench) older(t *testing.T) string {
	t.Helper()
	r, err := stagetest.Current(t.Context(), b.driver, place("previewed", "previewed", true))
	if err != nil {
		t.Fatal(err)
	}
	return r.ID
}

// A deployment that is not there yet is inserted; going back to before it is
// refused and nothing is ever deleted.
func TestInsert(t *testing.T) {
	b := newBench(t)
	c := b.change(t, target("fresh"))
	p, r := b.do(t, driver.Deploy, c)
	if r.Outcome != driver.Succeeded || string(p.Before["fresh"]) != "null" || len(p.First) != 1 {
		t.Fatalf("%s, %+v", p.Before["fresh"], r)
	}
	if path, body := b.sent(t, http.MethodPost); !strings.HasSuffix(strings.SplitN(path, "?", 2)[0], "/global/deployments") || body.Name != "fresh" || body.Fingerprint != "" {
		t.Errorf("%s %+v", path, body)
	}
	c.Baseline = p.Before["fresh"]
	back, err := b.driver.Prepare(t.Context(), b.call(driver.Rollback, c))
	if err != nil || len(back.Findings) != 1 || back.Findings[0].Severity != driver.Refuse || !strings.Contains(back.Findings[0].Message, "never done") {
		t.Errorf("%v, %+v", err, back.Findings)
	}
}

func TestRollbackGoesToTheBaseline(t *testing.T) {
	b := newBench(t)
	before, err := stagetest.Current(t.Context(), b.driver, target("prod"))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := b.do(t, driver.Deploy, b.change(t, target("prod")))
	c := driver.Change{Target: target("prod"), Baseline: p.Before["prod"]}
	if _, r := b.do(t, driver.Rollback, c); r.Outcome != driver.Succeeded || r.Release.ID != before.ID {
		t.Errorf("%+v, want %s", r, before.ID)
	}
	c.Baseline = []byte(`{"release":"sha256:` + strings.Repeat("0", 64) + `"}`)
	refused, err := b.driver.Prepare(t.Context(), b.call(driver.Rollback, c))
	if err != nil || !strings.Contains(refused.Findings[0].Message, "no manifest with") {
		t.Errorf("%v, %+v", err, refused.Findings)
	}
}

// previewed is the deployment of a preview that waits.
func (b *bench) previewed(t *testing.T) (driver.Change, driver.Operation) {
	t.Helper()
	c := b.change(t, place("previewed", "previewed", true))
	_, op := b.begin(t, driver.Deploy, c)
	op = b.follow(t, op)
	if r := resultOf(op); r.Waiting != "approval" || r.Outcome != driver.Open || !strings.Contains(op.Warnings[0].Message, "approve it") {
		t.Fatalf("%+v, %+v", r, op.Warnings)
	}
	return c, op
}

func TestPreviewApproved(t *testing.T) {
	b := newBench(t)
	c, op := b.previewed(t)
	if path, _ := b.sent(t, http.MethodPut); !strings.Contains(path, "preview=true") {
		t.Error(path)
	}
	if now, _ := stagetest.Current(t.Context(), b.driver, c.Target); now.ID == c.Release.ID {
		t.Error("a preview runs already")
	}
	_, approval := b.begin(t, driver.Approve, c)
	if path, body := b.sent(t, http.MethodPut); strings.Contains(path, "preview=true") || body.Target != nil || body.Fingerprint == "" {
		t.Errorf("%s %+v", path, body)
	}
	call := op.Call
	if op, _, _ = b.driver.Poll(t.Context(), op); op.Results["previewed"].Outcome != driver.Open || op.Results["previewed"].Waiting != "" {
		t.Errorf("while it is applied: %+v", op.Results)
	}
	op.Call = call
	if r := resultOf(b.follow(t, approval)); r.Outcome != driver.Succeeded || r.Release.ID != c.Release.ID {
		t.Errorf("the approval: %+v", r)
	}
	if r := resultOf(b.follow(t, op)); r.Outcome != driver.Succeeded || r.Release.ID != c.Release.ID {
		t.Errorf("the deployment: %+v", r)
	}
}

func TestPreviewRejected(t *testing.T) {
	b := newBench(t)
	c, op := b.previewed(t)
	before := b.older(t)
	if _, r := b.do(t, driver.Reject, c); r.Outcome != driver.Succeeded || r.Release.ID != before {
		t.Errorf("the rejection: %+v", r)
	}
	if r := resultOf(b.follow(t, op)); r.Outcome != driver.Failed || r.Errors[0].Code != "PREVIEW_CANCELLED" {
		t.Errorf("the deployment: %+v", r)
	}
}

func TestPreviewFails(t *testing.T) {
	b := newBench(t, "previewed:approve:fail")
	c, op := b.previewed(t)
	if _, r := b.do(t, driver.Approve, c); r.Outcome != driver.Failed || !strings.Contains(r.Errors[0].Message, "was not found") {
		t.Errorf("the approval: %+v", r)
	}
	if r := resultOf(b.follow(t, op)); r.Outcome != driver.Failed {
		t.Errorf("the deployment: %+v", r)
	}
}

// What is approved is what was previewed, and only a preview can be.
func TestDecisionsRefused(t *testing.T) {
	b := newBench(t)
	refused := func(kind driver.Kind, c driver.Change, words string) {
		t.Helper()
		p, err := b.driver.Prepare(t.Context(), b.call(kind, c))
		if err != nil || len(p.Findings) != 1 || p.Findings[0].Severity != driver.Refuse || !strings.Contains(p.Findings[0].Message, words) {
			t.Errorf("%v, %+v, want %q", err, p.Findings, words)
		}
	}
	c := b.change(t, place("previewed", "previewed", true))
	refused(driver.Approve, c, "no preview waits")
	refused(driver.Reject, c, "no preview waits")
	c, _ = b.previewed(t)
	other := c
	other.Release.ID = b.older(t)
	refused(driver.Approve, other, "what is approved is what is deployed")
	_, _ = b.begin(t, driver.Approve, c)
	b.busy(t, driver.Reject, c)
}

func TestPrepareRefuses(t *testing.T) {
	b := newBench(t)
	c := b.change(t, target("prod"))
	c.Release.ID = "sha256:" + strings.Repeat("0", 64)
	p, err := b.driver.Prepare(t.Context(), b.call(driver.Deploy, c))
	if err != nil || !strings.Contains(p.Findings[0].Message, "no manifest holds") {
		t.Errorf("%v, %+v", err, p.Findings)
	}
	b.begin(t, driver.Deploy, b.change(t, target("prod")))
	b.busy(t, driver.Deploy, b.change(t, target("prod")))
}

// busy: while an operation is at work nothing speaks against a call, but it waits.
func (b *bench) busy(t *testing.T, kind driver.Kind, c driver.Change) {
	t.Helper()
	_, err := b.driver.Prepare(t.Context(), b.call(kind, c))
	if x := b.driver.Explain(err); x.Code != driver.Retryable || !x.Busy || !strings.Contains(err.Error(), "is at work on the deployment") {
		t.Errorf("%s: %v, %+v", kind, err, x)
	}
}

// The release was pinned: what the source runs since does not travel instead.
func TestPinnedReleaseTravels(t *testing.T) {
	b := newBench(t)
	c := b.change(t, target("prod"))
	if err := b.emulator.Intrude("staging"); err != nil {
		t.Fatal(err)
	}
	if _, r := b.do(t, driver.Deploy, c); r.Outcome != driver.Succeeded || r.Release.ID != c.Release.ID {
		t.Errorf("%+v", r)
	}
}

// A spent fingerprint (412) is no verdict: the request was not carried out, and the
// call is prepared anew. What an earlier request did, the manifests tell.
func TestStaleFingerprint(t *testing.T) {
	b := newBench(t)
	p := b.prepare(t, b.call(driver.Deploy, b.change(t, target("prod"))))
	if err := b.emulator.Intrude("prod"); err != nil {
		t.Fatal(err)
	}
	_, err := b.driver.Begin(t.Context(), p.Call)
	x := b.driver.Explain(err)
	if x.Code != driver.Retryable || !x.Stale || !strings.Contains(x.Message, "was changed since its fingerprint was read") {
		t.Fatalf("%+v", x)
	}
	verdict, op, err := b.driver.Lookup(t.Context(), p.Call)
	if err != nil || verdict != driver.ForeignChange || op.Results["prod"].Release.ID == "" {
		t.Errorf("somebody else: %s, %+v, %v", verdict, op, err)
	}

	// The same 412 after our own lost answer is found.
	b = newBench(t, "prod:deploy:cut")
	p = b.prepare(t, b.call(driver.Deploy, b.change(t, target("prod"))))
	if _, err := b.driver.Begin(t.Context(), p.Call); b.driver.Explain(err).Code != driver.Lost {
		t.Fatal(err)
	}
	if _, err := b.driver.Begin(t.Context(), p.Call); !b.driver.Explain(err).Stale && !b.driver.Explain(err).Busy {
		t.Fatalf("the repeat: %v", err)
	}
	if n := len(b.server.Effects()); n != 1 {
		t.Fatalf("%d effects", n)
	}
	if verdict, _, err = b.driver.Lookup(t.Context(), p.Call); err != nil || verdict != driver.Found {
		t.Errorf("our own: %s, %v", verdict, err)
	}
}

// An update of ours that failed after its answer was lost is found, with why.
func TestLostAndFailed(t *testing.T) {
	b := newBench(t, "prod:deploy:fail")
	p := b.prepare(t, b.call(driver.Deploy, b.change(t, target("prod"))))
	d := open(t, map[string]string{override: serve(t, cutter(b.server.Env()[override]))})
	if _, err := d.Begin(t.Context(), p.Call); b.driver.Explain(err).Code != driver.Lost {
		t.Fatal(err)
	}
	b.clock.Move(time.Minute)
	verdict, op, err := b.driver.Lookup(t.Context(), p.Call)
	if r := op.Results["prod"]; err != nil || verdict != driver.Found || r.Outcome != driver.Failed || !strings.Contains(r.Errors[0].Message, "was not found") {
		t.Errorf("%s, %+v, %v", verdict, r, err)
	}
}

// cutter hands requests on and cuts the answers to updates.
func cutter(next string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, err := url.Parse(next)
		if err != nil {
			panic(err)
		}
		proxy := httputil.NewSingleHostReverseProxy(u)
		if r.Method == http.MethodPut {
			proxy.ModifyResponse = func(*http.Response) error { panic(http.ErrAbortHandler) }
		}
		proxy.ServeHTTP(w, r)
	})
}

// The schedule that the platform's own document recommends: 5 s, 10 s, 20 s, …
// to a cap of minutes.
func TestPollingSchedule(t *testing.T) {
	b := deploymentmanager.Facts().Backoff
	pace := backoff.NewExponentialBackOff()
	pace.InitialInterval, pace.MaxInterval, pace.Multiplier, pace.RandomizationFactor = b.Initial, b.Max, b.Factor, 0
	pace.Reset()
	var at time.Duration
	for _, want := range []time.Duration{5, 15, 35, 75, 155, 275, 395, 515} {
		if at += pace.NextBackOff(); at != want*time.Second {
			t.Errorf("a poll at %s, want %s", at, want*time.Second)
		}
	}
}

func TestNotice(t *testing.T) {
	if n := deploymentmanager.Facts().Notice; !strings.Contains(n, "legacy") || !strings.Contains(n, "2026-03-31") || !strings.Contains(n, "Infrastructure Manager") {
		t.Error(n)
	}
}
