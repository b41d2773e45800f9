package view_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"sluice/internal/executor"
	"sluice/internal/view"
	"sluice/rollout"
	"sluice/stages/driver"
)

func event(target, kind string) executor.Notice {
	return executor.Notice{Target: target, Kind: executor.NoticeEvent, Event: &rollout.Event{Type: kind}}
}

// TestFleet: of many targets counts are told, at most once a second and when they
// changed; what goes wrong is told by name all the same.
func TestFleet(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	var f view.Fleet
	f.Of(100)
	counted := func(n executor.Notice) {
		t.Helper()
		if !f.Counts(n) {
			t.Errorf("%s of %s is told by itself", n.Kind, n.Target)
		}
	}
	expect := func(after time.Duration, last bool, want string) {
		t.Helper()
		now = now.Add(after)
		if got := f.Line(now, last); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	expect(0, false, "")
	for i := range 100 {
		counted(event(fmt.Sprint("t", i), "rollout.created"))
	}
	expect(time.Second, false, "of 100 targets 100 created")
	expect(time.Hour, false, "") // nothing changed
	counted(event("t1", "effect.succeeded"))
	counted(event("t2", "effect.succeeded"))
	counted(event("t2", "rollout.succeeded"))
	counted(executor.Notice{Target: "t3", Kind: executor.NoticeWaiting, Waiting: &rollout.Waiting{Kind: rollout.WaitBake}})
	expect(0, false, "of 100 targets 97 created, 1 under way, 1 waiting, 1 over")
	counted(event("t1", "rollout.succeeded"))
	expect(time.Second/2, false, "") // it was told a moment ago
	expect(0, true, "of 100 targets 97 created, 1 waiting, 2 over")

	printed := func(target string, came driver.Outcome) executor.Notice {
		return executor.Notice{Target: target, Kind: executor.NoticeLog, Text: "done", Operation: &driver.Operation{Results: map[string]driver.Result{target: {Outcome: came}}}}
	}
	counted(printed("t2", driver.Succeeded))
	for _, n := range []executor.Notice{
		printed("t4", driver.Failed), {Target: "t4", Kind: executor.NoticeLog, Text: "of a check"},
		event("t4", "job.failed"), event("t4", "rollout.failed"), event("t5", "effect.failed"), event("t6", "lease.broken"), event("t6", "order.given"),
		{Target: "t7", Kind: executor.NoticeWarning, Text: "the stacks differ"}, {Target: "t8", Kind: executor.NoticeNoAnswer, Err: errors.New("reset")},
		{Kind: executor.NoticeAgain},
	} {
		if f.Counts(n) {
			t.Errorf("%s %v of %q is not told by name", n.Kind, n.Event, n.Target)
		}
	}
	expect(time.Second, false, "of 100 targets 95 created, 1 under way, 1 waiting, 3 over")
}

// TestFewTargets: of a few targets everything is told.
func TestFewTargets(t *testing.T) {
	var f view.Fleet
	f.Of(view.Many)
	if f.Counts(event("t1", "rollout.created")) || f.Line(time.Now(), true) != "" {
		t.Error("a few targets are counted")
	}
}
