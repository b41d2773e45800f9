package deploymentmanager_test

import (
	"strings"
	"testing"
	"time"

	"sluice/stages/driver"
)

// stopped is a deployment of prod whose operation was stopped.
func (b *bench) stopped(t *testing.T) (deploy driver.Operation, stop driver.Result) {
	t.Helper()
	c := b.change(t, target("prod"))
	_, deploy = b.begin(t, driver.Deploy, c)
	_, stop = b.do(t, driver.Terminate, c)
	return deploy, stop
}

// What is at work is stopped, and not taken back: the deployment runs what it ran, the
// effect failed, and it can be tried again.
func TestStop(t *testing.T) {
	b := newBench(t)
	deploy, stop := b.stopped(t)
	if stop.Outcome != driver.Succeeded {
		t.Fatalf("%+v", stop)
	}
	if r := resultOf(b.follow(t, deploy)); r.Outcome != driver.Failed || !strings.Contains(r.Errors[0].Message, "was stopped") {
		t.Errorf("%+v", r)
	}
	if _, r := b.do(t, driver.Deploy, b.change(t, target("prod"))); r.Outcome != driver.Succeeded {
		t.Errorf("again: %+v", r)
	}
}

// A stop that Deployment Manager cannot carry out, or that comes too late, is none: what
// it was to stop goes on, or is done.
func TestStopInVain(t *testing.T) {
	b := newBench(t, "prod:terminate:fail")
	deploy, stop := b.stopped(t)
	if stop.Outcome != driver.Failed {
		t.Errorf("it could not be carried out: %+v", stop)
	}
	if r := resultOf(b.follow(t, deploy)); r.Outcome != driver.Succeeded {
		t.Errorf("%+v", r)
	}

	b = newBench(t)
	c := b.change(t, target("prod"))
	_, deploy = b.begin(t, driver.Deploy, c)
	p := b.prepare(t, b.call(driver.Terminate, c))
	b.clock.Move(time.Minute)
	if _, err := b.driver.Begin(t.Context(), p.Call); err == nil {
		t.Error("nothing was at work any more")
	}
	if verdict, _, err := b.driver.Lookup(t.Context(), p.Call); err != nil || verdict != driver.Absent {
		t.Errorf("%s, %v", verdict, err)
	}
	if r := resultOf(b.follow(t, deploy)); r.Outcome != driver.Succeeded {
		t.Errorf("%+v", r)
	}
}

// Only what is at work for the release can be stopped, and once.
func TestStopRefused(t *testing.T) {
	b := newBench(t)
	c := b.change(t, target("prod"))
	refused := func(c driver.Change, words string) {
		t.Helper()
		p, err := b.driver.Prepare(t.Context(), b.call(driver.Terminate, c))
		if err != nil || len(p.Findings) != 1 || p.Findings[0].Severity != driver.Refuse || !strings.Contains(p.Findings[0].Message, words) {
			t.Errorf("%v, %+v, want %q", err, p.Findings, words)
		}
	}
	refused(c, "nothing to stop")
	b.begin(t, driver.Deploy, c)
	other := c
	other.Release.ID = b.older(t)
	refused(other, "somebody else began it")
	b.begin(t, driver.Terminate, c)
	refused(c, "stops what is at work on the deployment already")
}

// A stop by somebody else after the answer to an update was lost: that update is known,
// and not taken for one that was never sent.
func TestStoppedWhileLost(t *testing.T) {
	b := newBench(t, "prod:deploy:cut")
	c := b.change(t, target("prod"))
	p := b.prepare(t, b.call(driver.Deploy, c))
	if _, err := b.driver.Begin(t.Context(), p.Call); b.driver.Explain(err).Code != driver.Lost {
		t.Fatal(err)
	}
	b.begin(t, driver.Terminate, c)
	b.clock.Move(time.Minute)
	verdict, op, err := b.driver.Lookup(t.Context(), p.Call)
	if r := op.Results["prod"]; err != nil || verdict != driver.Found || r.Outcome != driver.Failed || r.Errors[0].Code != "STOPPED" {
		t.Errorf("%s, %+v, %v", verdict, r, err)
	}
}
