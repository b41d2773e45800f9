package inframanager_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	api "google.golang.org/api/config/v1"

	"sluice/stages/driver"
	"sluice/stages/stagetest"
)

// previewed is the deployment of a preview that waits.
func (b *bench) previewed(t *testing.T) (driver.Change, driver.Operation) {
	t.Helper()
	c := b.change(t, place("previewed", "previewed", true))
	_, op := b.begin(t, driver.Deploy, c)
	op = b.follow(t, op)
	b.waits(t, op, "1 to update, 0 to delete, 1 to make anew (google_compute_disk.data); it waits")
	return c, op
}

// waits ends the test unless an operation waits for a word and says so.
func (b *bench) waits(t *testing.T, op driver.Operation, words string) {
	t.Helper()
	r := resultOf(op)
	if r.Waiting != "approval" || r.Outcome != driver.Open || !strings.Contains(op.Warnings[len(op.Warnings)-1].Message, words) {
		t.Fatalf("%+v, %+v, want %q", r, op.Warnings, words)
	}
}

func TestPreviewApproved(t *testing.T) {
	b := newBench(t)
	c, op := b.previewed(t)
	path, query, body := sent[api.Preview](t, b, http.MethodPost)
	if !strings.HasSuffix(path, "/previews") || !strings.HasPrefix(query.Get("previewId"), "sluice-") || !strings.HasSuffix(body.Deployment, "/deployments/previewed") || body.ServiceAccount == "" || given(body.TerraformBlueprint) != `"previewed"` {
		t.Errorf("%s %v %+v", path, query, body)
	}
	if now := stagetest.Currents(t, b.driver, c.Target)[0]; now.ID == c.Release.ID {
		t.Error("a preview runs already")
	}
	_, approval := b.begin(t, driver.Approve, c)
	if _, _, body := sent[api.Deployment](t, b, http.MethodPatch); body.TerraformBlueprint.GcsSource != c.Release.ID || given(body.TerraformBlueprint) != `"previewed"` {
		t.Errorf("%+v", body.TerraformBlueprint)
	}
	call := op.Call
	if op, _, _ = b.driver.Poll(t.Context(), op); op.Results["previewed"].Outcome != driver.Open || op.Results["previewed"].Waiting != "" {
		t.Errorf("while it is applied: %+v", op.Results)
	}
	op.Call = call
	for name, op := range map[string]driver.Operation{"approval": approval, "deployment": op} {
		if r := resultOf(b.follow(t, op)); r.Outcome != driver.Succeeded || r.Release.ID != c.Release.ID {
			t.Errorf("the %s: %+v", name, r)
		}
	}
}

func TestPreviewRejected(t *testing.T) {
	b := newBench(t)
	c, op := b.previewed(t)
	before := stagetest.Currents(t, b.driver, c.Target)[0]
	if _, r := b.do(t, driver.Reject, c); r.Outcome != driver.Succeeded || r.Release.ID != before.ID {
		t.Errorf("the rejection: %+v", r)
	}
	if r := resultOf(b.follow(t, op)); r.Outcome != driver.Failed || r.Errors[0].Code != "PREVIEW_GONE" {
		t.Errorf("the deployment: %+v", r)
	}
}

func TestPreviewsThatFail(t *testing.T) {
	b := newBench(t, "previewed:deploy:fail")
	if _, r := b.do(t, driver.Deploy, b.change(t, place("previewed", "previewed", true))); r.Outcome != driver.Failed || r.Errors[0].Code != "PREVIEW_BUILD_RUN_FAILED" {
		t.Errorf("%+v", r)
	}
	b = newBench(t, "previewed:approve:fail")
	c, op := b.previewed(t)
	for name, r := range map[string]driver.Result{"approval": second(b.do(t, driver.Approve, c)), "deployment": resultOf(b.follow(t, op))} {
		if r.Outcome != driver.Failed || !strings.Contains(r.Errors[0].Message, "Error creating Network") {
			t.Errorf("the %s: %+v", name, r)
		}
	}
	b = newBench(t)
	c = b.change(t, place("previewed", "previewed", true))
	_, op = b.begin(t, driver.Deploy, c)
	if err := b.emulator.Lock("previewed", "anna@laptop"); err != nil {
		t.Fatal(err)
	}
	if r := resultOf(b.follow(t, op)); r.Outcome != driver.Failed || r.Errors[0].Code != "DEPLOYMENT_LOCK_ACQUIRE_FAILED" || !strings.Contains(r.Errors[0].Message, "retry-job") {
		t.Errorf("%+v", r)
	}
}

func second[A, B any](_ A, b B) B { return b }

// A revision that somebody applied makes the preview stale: approving makes it
// anew, and only that one is applied.
func TestStalePreviewIsMadeAnew(t *testing.T) {
	b := newBench(t)
	c, op := b.previewed(t)
	if err := b.emulator.Intrude("previewed"); err != nil {
		t.Fatal(err)
	}
	stale := b.follow(t, op)
	b.waits(t, stale, "revision r-1 was applied after")
	p, r := b.do(t, driver.Approve, c)
	if r.Outcome != driver.Succeeded || !strings.Contains(p.Requests[0], "POST") || stagetest.Currents(t, b.driver, c.Target)[0].ID == c.Release.ID {
		t.Fatalf("%+v, %+v", p.Requests, r)
	}
	op.Call = stale.Call
	anew := b.follow(t, op)
	b.waits(t, anew, "it waits: approve it")
	if _, r := b.do(t, driver.Approve, c); r.Outcome != driver.Succeeded || r.Release.ID != c.Release.ID {
		t.Fatalf("%+v", r)
	}
	if r := resultOf(b.follow(t, anew)); r.Outcome != driver.Succeeded {
		t.Errorf("%+v", r)
	}
}

// One that an update deleted is made anew by whoever approves; where nobody did, the
// deployment says what became of it.
func TestVanishedPreview(t *testing.T) {
	b := newBench(t)
	c, op := b.previewed(t)
	b.byHand(t, "previewed", `{"terraformBlueprint":{"gcsSource":"gs://blueprints/by-hand.zip#4"}}`)
	if p := b.prepare(t, b.call(driver.Approve, c)); !strings.Contains(p.Findings[0].Message, "made anew") {
		t.Errorf("%+v", p.Findings)
	}
	b.refused(t, driver.Reject, c, "no preview waits")
	if r := resultOf(b.follow(t, op)); r.Outcome != driver.Failed || !strings.Contains(r.Errors[0].Message, "retry-job") {
		t.Errorf("%+v", r)
	}
}

// A stale preview is rejected like another.
func TestStalePreviewIsRejected(t *testing.T) {
	b := newBench(t)
	c, op := b.previewed(t)
	if err := b.emulator.Intrude("previewed"); err != nil {
		t.Fatal(err)
	}
	if _, r := b.do(t, driver.Reject, c); r.Outcome != driver.Succeeded {
		t.Errorf("%+v", r)
	}
	if r := resultOf(b.follow(t, op)); r.Outcome != driver.Failed || r.Errors[0].Code != "PREVIEW_GONE" {
		t.Errorf("%+v", r)
	}
}

// What is approved is what was previewed, and only when it is there.
func TestWordsRefused(t *testing.T) {
	b := newBench(t)
	c := b.change(t, place("previewed", "previewed", true))
	b.refused(t, driver.Reject, c, "no preview waits")
	_, _ = b.begin(t, driver.Deploy, c)
	b.refused(t, driver.Approve, c, "is CREATING")
	b.clock.Move(time.Minute)
	b.prepare(t, b.call(driver.Approve, c))
	c.Release = driver.Release{}
	b.refused(t, driver.Approve, c, "no preview waits")
}
