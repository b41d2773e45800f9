package clouddeploy_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/stages/driver"
)

// state is the rollout's state as an operation shows it.
func state(t *testing.T, op driver.Operation) string {
	t.Helper()
	var rollout struct{ State string }
	if err := json.Unmarshal(resultOf(op).Rollout, &rollout); err != nil {
		t.Fatalf("%v in %+v", err, op.Results)
	}
	return rollout.State
}

// command sends a command and ends the test unless it is read back.
func (b *bench) command(t *testing.T, kind driver.Kind, c driver.Change) driver.Operation {
	t.Helper()
	op := b.begin(t, kind, c)
	if r := resultOf(op); r.Outcome != driver.Succeeded || op.Status != driver.Done {
		t.Fatalf("%s: %s, %+v", kind, op.Status, r)
	}
	return op
}

// refusedBoth ends the test unless a command is refused beforehand and, where
// it is sent all the same, by Cloud Deploy with the words.
func (b *bench) refusedBoth(t *testing.T, kind driver.Kind, c driver.Change, words string) {
	t.Helper()
	call := b.call(kind, c)
	p, err := b.driver.Prepare(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Findings) == 0 || p.Findings[0].Severity != driver.Refuse || len(p.Call.Data) != 0 {
		t.Errorf("%s is prepared: %+v", kind, p)
	}
	var remote struct{ Name string }
	if err := json.Unmarshal(c.Remote, &remote); err != nil {
		t.Fatal(err)
	}
	call.Data, _ = json.Marshal(map[string]string{"rollout": remote.Name, "phase": c.Phase, "job": c.Job})
	_, err = b.driver.Begin(t.Context(), call)
	if x := b.driver.Explain(err); x.Code != driver.Conflict || !strings.Contains(x.Message, "FAILED_PRECONDITION") || !strings.Contains(x.Message, words) {
		t.Errorf("%s: %s: %s", kind, x.Code, x.Message)
	}
}

func TestApprove(t *testing.T) {
	b := newBench(t)
	op := b.follow(t, b.begin(t, driver.Deploy, change("gated")))
	if r := resultOf(op); r.Waiting != "approval" || r.Outcome != driver.Open || op.Status != driver.Pending {
		t.Fatalf("%s, %+v", op.Status, r)
	}
	b.command(t, driver.Approve, seen(t, op))
	b.refusedBoth(t, driver.Approve, seen(t, op), "PENDING_APPROVAL")
	op = b.follow(t, op)
	if r := resultOf(op); r.Outcome != driver.Succeeded || r.Release.ID != running || !strings.HasSuffix(r.Release.Platform, "/rollouts/release-003-to-gated-0001") {
		t.Errorf("%+v", r)
	}
	b.refusedBoth(t, driver.Cancel, seen(t, op), "cannot be cancelled")
}

func TestReject(t *testing.T) {
	b := newBench(t)
	op := b.follow(t, b.begin(t, driver.Deploy, change("gated")))
	b.command(t, driver.Reject, seen(t, op))
	b.refusedBoth(t, driver.Reject, seen(t, op), "PENDING_APPROVAL")
	op = b.follow(t, op)
	if r := resultOf(op); r.Outcome != driver.Failed || r.Errors[0].Code != "APPROVAL_REJECTED" {
		t.Errorf("%+v", r)
	}
}

func TestAdvance(t *testing.T) {
	b := newBench(t)
	op := b.follow(t, b.begin(t, driver.Deploy, change("canary")))
	for _, phase := range []string{"canary-50", "stable"} {
		if r := resultOf(op); r.Waiting != "advance" || len(op.Warnings) != 0 {
			t.Fatalf("%+v, %+v", r, op.Warnings)
		}
		c := seen(t, op)
		c.Phase = "canary-25"
		b.refusedBoth(t, driver.Advance, c, "first phase")
		if phase == "canary-50" {
			c.Phase = "stable"
			b.refusedBoth(t, driver.Advance, c, "not advanceable")
		}
		c.Phase = phase
		b.command(t, driver.Advance, c)
		op = b.follow(t, op)
	}
	if r := resultOf(op); r.Outcome != driver.Succeeded || op.Progress != 100 {
		t.Errorf("%d %%, %+v", op.Progress, r)
	}
	c := seen(t, op)
	c.Phase = "stable"
	b.refusedBoth(t, driver.Advance, c, "IN_PROGRESS")
}

// A target's first rollout skips its canary and waits: that is said beforehand
// and all the time, and a person's advance without a phase goes to stable.
func TestFirstCanaryIsExplained(t *testing.T) {
	b := newBench(t)
	p, err := b.driver.Prepare(t.Context(), b.call(driver.Deploy, change("fresh-canary")))
	if err != nil || len(p.First) != 1 || !strings.Contains(p.Findings[0].Message, "skips the canary") {
		t.Fatalf("%v, first %v, findings %+v", err, p.First, p.Findings)
	}
	op := b.follow(t, b.begin(t, driver.Deploy, change("fresh-canary")))
	if r := resultOf(op); r.Waiting != "advance" || len(op.Warnings) != 3 {
		t.Fatalf("%+v, %+v", r, op.Warnings)
	}
	if said := op.Warnings[0].String() + op.Warnings[2].String(); !strings.Contains(said, "SKIPPED: Phase skipped") || !strings.Contains(said, "advance the rollout to stable") {
		t.Errorf("%+v", op.Warnings)
	}
	b.command(t, driver.Advance, seen(t, op))
	if r := resultOf(b.follow(t, op)); r.Outcome != driver.Succeeded {
		t.Errorf("%+v", r)
	}
}

func TestRetryJob(t *testing.T) {
	b := newBench(t)
	op := b.follow(t, b.begin(t, driver.Deploy, change("flaky")))
	r := resultOf(op)
	if r.Outcome != driver.Failed || state(t, op) != "FAILED" {
		t.Fatalf("%+v", r)
	}
	c := seen(t, op)
	b.command(t, driver.RetryJob, c)
	op.Status = driver.Running
	if r := resultOf(b.follow(t, op)); r.Outcome != driver.Succeeded {
		t.Errorf("%+v", r)
	}
	c.Phase, c.Job = "stable", "verify"
	b.refusedBoth(t, driver.RetryJob, c, "only a job in state FAILED can be retried")
	b.refusedBoth(t, driver.IgnoreJob, c, "only a job in state FAILED can be ignored")
}

func TestIgnoreJob(t *testing.T) {
	b := newBench(t)
	op := b.follow(t, b.begin(t, driver.Deploy, change("flaky")))
	b.command(t, driver.IgnoreJob, seen(t, op))
	if r := resultOf(b.follow(t, op)); r.Outcome != driver.Succeeded {
		t.Errorf("%+v", r)
	}
}

func TestCancel(t *testing.T) {
	b := newBench(t)
	op := b.begin(t, driver.Deploy, change("prod"))
	if r := resultOf(b.command(t, driver.Cancel, seen(t, op))); r.Release.ID != running {
		t.Errorf("%+v", r)
	}
	if r := resultOf(b.follow(t, op)); r.Outcome != driver.Failed || r.Errors[0].Code != "CANCELLED" {
		t.Errorf("%+v", r)
	}
}

// What runs already needs no rollout, unless a later one began and came to
// nothing: then the target may be half-way.
func TestUnchanged(t *testing.T) {
	stands := change("gated")
	stands.Release.ID = "release-001"
	unchanged := func(b *bench) bool {
		p, err := b.driver.Prepare(t.Context(), b.call(driver.Deploy, stands))
		if err != nil {
			t.Fatal(err)
		}
		return len(p.Unchanged) == 1
	}
	b := newBench(t)
	op := b.follow(t, b.begin(t, driver.Deploy, change("gated")))
	b.command(t, driver.Reject, seen(t, op))
	if !unchanged(b) {
		t.Error("a rejected rollout left the target alone")
	}
	op = b.follow(t, b.begin(t, driver.Deploy, change("gated")))
	b.command(t, driver.Approve, seen(t, op))
	op = b.begin(t, driver.Cancel, seen(t, op))
	b.clock.Move(time.Minute)
	if unchanged(b) {
		t.Errorf("a cancelled rollout may have left the target half-way: %+v", resultOf(op))
	}
}

// A command needs no picture of the rollout where only one can be meant.
func TestCommandWithoutAPicture(t *testing.T) {
	b := newBench(t)
	c := change("prod")
	p, err := b.driver.Prepare(t.Context(), b.call(driver.Cancel, c))
	if err != nil || len(p.Findings) != 1 || !strings.Contains(p.Findings[0].Message, "0 unfinished rollouts") {
		t.Fatalf("%v, %+v", err, p.Findings)
	}
	b.begin(t, driver.Deploy, c)
	b.command(t, driver.Cancel, c)
}

func TestRollback(t *testing.T) {
	b := newBench(t)
	op := b.follow(t, b.begin(t, driver.Deploy, change("prod")))
	undone := resultOf(op).Release.Platform
	c := driver.Change{Target: target("prod")} // no release: the one before
	back := b.follow(t, b.begin(t, driver.Rollback, c))
	r := resultOf(back)
	if r.Outcome != driver.Succeeded || r.Release.ID != "release-002" {
		t.Fatalf("%+v", r)
	}
	var rollout struct{ RollbackOfRollout string }
	if err := json.Unmarshal(r.Rollout, &rollout); err != nil || rollout.RollbackOfRollout != undone {
		t.Errorf("it undoes %q, want %q (%v)", rollout.RollbackOfRollout, undone, err)
	}
}

// TestRollbackOfWhatFailed: what ran before a rollout that failed still runs, as the
// platform tells it, and is where a rollback goes, whether it is named or not.
func TestRollbackOfWhatFailed(t *testing.T) {
	b := newBench(t, "prod:deploy:fail")
	before, err := b.driver.Prepare(t.Context(), b.call(driver.Deploy, change("prod")))
	if err != nil || before.Runs["prod"].ID != "release-002" {
		t.Fatalf("release-002 runs: %v, %+v", err, before.Runs)
	}
	if r := resultOf(b.follow(t, b.begin(t, driver.Deploy, change("prod")))); r.Outcome != driver.Failed {
		t.Fatalf("%+v", r)
	}
	for _, named := range []string{"", "release-002"} {
		p, err := b.driver.Prepare(t.Context(), b.call(driver.Rollback, driver.Change{Target: target("prod"), Release: driver.Release{ID: named}}))
		if err != nil || len(p.Findings) != 0 || len(p.Call.Changes) != 1 || p.Call.Changes[0].Release.ID != "release-002" {
			t.Errorf("release %q: %v, %+v", named, err, p)
		}
	}
}

func TestRollbackRefused(t *testing.T) {
	b := newBench(t)
	prepared := func(c driver.Change, words string) {
		t.Helper()
		p, err := b.driver.Prepare(t.Context(), b.call(driver.Rollback, c))
		if err != nil || len(p.Findings) == 0 || !strings.Contains(p.Findings[0].Message, words) {
			t.Errorf("%v, %+v, want %q", err, p.Findings, words)
		}
	}
	prepared(driver.Change{Target: target("prod")}, "has had 1 rollouts")
	b.follow(t, b.begin(t, driver.Deploy, change("prod")))
	b.post(t, location+"deliveryPipelines/shop/releases/release-002:abandon", map[string]any{})
	prepared(driver.Change{Target: target("prod")}, "no earlier successful rollout")
	prepared(driver.Change{Target: target("prod"), Release: driver.Release{ID: "release-002"}}, "is abandoned")
}

// A rollout that never ends is followed from poll to poll and stays pending.
func TestHang(t *testing.T) {
	b := newBench(t, "prod:deploy:hang")
	op := b.begin(t, driver.Deploy, change("prod"))
	for range 5 {
		b.clock.Move(24 * time.Hour)
		call := op.Call
		next, _, err := b.driver.Poll(t.Context(), op)
		if err != nil || next.Finished() || resultOf(next).Outcome != driver.Open || resultOf(next).Waiting != "" {
			t.Fatalf("%v, %+v", err, next)
		}
		op, op.Call = next, call
	}
}

func TestWordsReachTheRollout(t *testing.T) {
	b := newBench(t)
	c := change("prod")
	c.Options = driver.Options{
		Description: "the spring release", Labels: map[string]string{"team": "shop"},
		Annotations: map[string]string{"ticket": "42", "sluice/call": "somebody else's"},
	}
	op := b.begin(t, driver.Deploy, c)
	var rollout struct {
		Description         string
		Labels, Annotations map[string]string
	}
	if err := json.Unmarshal(resultOf(op).Rollout, &rollout); err != nil {
		t.Fatal(err)
	}
	if rollout.Description != "the spring release" || rollout.Labels["team"] != "shop" || rollout.Annotations["ticket"] != "42" {
		t.Errorf("%+v", rollout)
	}
	if mark := rollout.Annotations["sluice/call"]; len(mark) != 36 {
		t.Errorf("the call's mark is %q", mark)
	}
}

// Job runs are the rollout's history: each is told once it has begun and again
// when it has ended, and read again only when the rollout has changed.
func TestEvents(t *testing.T) {
	b := newBench(t)
	op := b.begin(t, driver.Deploy, change("flaky"))
	var told []string
	hear := func() {
		for _, e := range resultOf(op).Events {
			text := e.Type + ": " + e.Message
			if e.ID == "" || e.Time.IsZero() || e.Temporary && e.Type != "jobRun.started" {
				t.Errorf("%+v", e)
			}
			if !slices.Contains(told, text) {
				told = append(told, text)
			}
		}
	}
	hear()
	reads := func() int {
		n := 0
		for _, r := range b.server.Requests() {
			if strings.HasSuffix(r.Path, "/jobRuns") {
				n++
			}
		}
		return n
	}
	before := reads()
	call := op.Call
	op, _, _ = b.driver.Poll(t.Context(), op)
	op.Call = call
	if reads() != before || len(resultOf(op).Events) != 0 {
		t.Errorf("an unchanged rollout's job runs are read again: %+v", resultOf(op).Events)
	}
	for !op.Finished() {
		b.clock.Move(2 * time.Second)
		op, _, _ = b.driver.Poll(t.Context(), op)
		op.Call = call
		hear()
	}
	if len(told) != 4 {
		t.Fatalf("%q", told)
	}
	for i, want := range []string{"jobRun.started: phase stable, job deploy (log: https://console.cloud.google.com/cloud-build/builds;region=europe-west1/", "jobRun.succeeded: phase stable, job deploy", "jobRun.started: phase stable, job verify", "jobRun.failed: phase stable, job verify: EXECUTION_FAILED: "} {
		if !slices.ContainsFunc(told, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("event %d is missing in %q: %q", i, told, want)
		}
	}
}
