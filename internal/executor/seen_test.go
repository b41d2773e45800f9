package executor_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/executor"
	"sluice/rollout"
	"sluice/stages/driver"
)

// TestAskedBeforeDeadline: no deadline is held against an effect before the
// platform has told this invocation what became of it.
func TestAskedBeforeDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		w.platform.slow = 30 * time.Minute
		w.do("run", w.plan(promotion{}))
		w.is("web", rollout.StateInProgress)
		time.Sleep(24 * time.Hour) // operationTimeout is an hour
		w.do("later", w.goOn(nil))
		w.is("web", rollout.StateSucceeded)
	})
}

// TestReadOnce: what the preflight read serves the effect while it is new.
func TestReadOnce(t *testing.T) {
	for name, c := range map[string]struct{ later, prepares time.Duration }{"new": {14 * time.Second, 0}, "old": {16 * time.Second, 1}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "plain", "web")
				plan := w.plan(promotion{read: true})
				before := w.platform.asked("prepare")
				time.Sleep(c.later)
				w.do("run", plan)
				if n := w.platform.asked("prepare") - before; n != int(c.prepares) {
					t.Errorf("prepared %d times", n)
				}
			})
		})
	}
}

// TestDryRun: a check in dry run that does not pass is told and stops nothing.
func TestDryRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		w.checks.fails["smoke"] = errors.New("it smokes")
		dry := gate("smoke")
		dry.DryRun = true
		w.do("run", w.plan(promotion{spec: []func(*rollout.Spec){verify(dry)}}))
		w.is("web", rollout.StateSucceeded)
		if !w.said(func(n executor.Notice) bool {
			return n.Kind == executor.NoticeDryRun && n.Err != nil && n.Target == "web"
		}) {
			t.Error("nothing was told")
		}
	})
}

// said reports whether something was told.
func (w *world) said(what func(executor.Notice) bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.notices, what)
}

// TestEvents: every line of a target's history is told once, when it is durable.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		w.do("run", w.plan(promotion{spec: []func(*rollout.Spec){canary(time.Minute, "10")}}))
		var told, stored []int64
		for _, n := range w.notices {
			if n.Kind == executor.NoticeEvent {
				told = append(told, n.Event.ID)
			}
		}
		for _, e := range w.record("web").Events {
			stored = append(stored, e.ID)
		}
		if !slices.Equal(told, stored) {
			t.Errorf("told %v, stored %v", told, stored)
		}
	})
}

// theirs is a platform's own rollout.
func theirs(state rollout.State) json.RawMessage {
	return json.RawMessage(`{"name":"projects/p/rollouts/one","targetId":"web","state":"` + string(state) + `"}`)
}

func remote(s *rollout.Spec) { s.Remote, s.Phases, s.Source = true, nil, nil }

// TestPlatformWaits: what a platform is seen to wait for is left to people, and
// asked once by whoever comes next.
func TestPlatformWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		w.platform.remote = &driver.Result{Outcome: driver.Open, Rollout: theirs(rollout.StatePendingApproval), Waiting: "approval"}
		r := w.do("run", w.plan(promotion{spec: []func(*rollout.Spec){remote}}))
		if k := r.row("web").Waiting.Kind; k != rollout.WaitApproval {
			t.Errorf("it waits for %q: %v", k, r.row("web").Err)
		}
		w.free("web")
		polls := w.platform.asked("poll")
		r = w.do("again", w.goOn(nil))
		if k, n := r.row("web").Waiting.Kind, w.platform.asked("poll")-polls; k != rollout.WaitApproval || n != 1 {
			t.Errorf("it waits for %q after %d polls", k, n)
		}
		w.platform.remote = &driver.Result{Outcome: driver.Succeeded, Rollout: theirs(rollout.StateSucceeded), Release: driver.Release{ID: "r2"}}
		w.do("later", w.goOn(nil))
		w.is("web", rollout.StateSucceeded)
	})
}

// TestUndecodable: a platform's rollout that cannot be read is told, and changes
// nothing.
func TestUndecodable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "plain", "web")
		w.platform.remote = &driver.Result{Outcome: driver.Open, Rollout: theirs(rollout.StatePendingApproval), Waiting: "approval"}
		w.do("run", w.plan(promotion{spec: []func(*rollout.Spec){remote}}))
		w.platform.remote = &driver.Result{Outcome: driver.Succeeded, Rollout: json.RawMessage(`{"state":7}`)}
		w.do("later", w.goOn(nil))
		w.is("web", rollout.StatePendingApproval)
		if !w.said(func(n executor.Notice) bool {
			return n.Kind == executor.NoticeWarning && strings.Contains(n.Text, "cannot be read")
		}) {
			t.Error("nobody was told")
		}
	})
}

// TestRefusedByPrepare: a target that Prepare refuses fails, one that somebody
// else changed asks, and the others of the call go on without them.
func TestRefusedByPrepare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "fleet", "a", "b", "c")
		w.platform.finds = []driver.Finding{
			{Target: "a", Severity: driver.Refuse, Message: "it is in maintenance"}, {Target: "b", Severity: driver.Foreign, Message: "somebody was here"},
			{Target: "c", Severity: driver.Warn, Message: "it is slow"},
		}
		r := w.do("run", w.plan(promotion{}))
		w.is("a", rollout.StateFailed)
		w.is("c", rollout.StateSucceeded)
		if got := r.row("b").Waiting; got.Cause != rollout.CauseAsking || !strings.Contains(got.Message, "somebody was here") {
			t.Errorf("b waits for %+v", got)
		}
		if got := w.platform.done(); !slices.Equal(got, []string{"c deploy"}) {
			t.Errorf("effects %q", got)
		}
		if !w.said(func(n executor.Notice) bool { return n.Target == "c" && n.Text == "it is slow" }) {
			t.Error("the warning was not told")
		}
	})
}

// TestUnchanged: a target where nothing is left to do succeeds without a request.
func TestUnchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "fleet", "a", "b")
		w.platform.put("a", standing{Release: "r2"})
		w.do("run", w.plan(promotion{}))
		w.is("a", rollout.StateSucceeded)
		if got := w.platform.done(); !slices.Equal(got, []string{"b deploy"}) {
			t.Errorf("effects %q", got)
		}
	})
}
