package view

import (
	"testing"
	"time"

	"sluice/rollout"
)

func TestEvents(t *testing.T) {
	tests := []struct {
		event rollout.Event
		want  string
	}{
		{rollout.Event{Type: "rollout.created", Rollout: "r-1", Message: "promote of v42"}, "rollout r-1 created: promote of v42"},
		{rollout.Event{Type: "effect.succeeded", Phase: "canary-10.5", Message: "weight", Info: map[string]string{"percent": "10.5", "release": "v42"}}, "canary-10.5: 10.5 % of the traffic to v42"},
		{rollout.Event{Type: "effect.succeeded", Phase: "canary-10", Message: "weight"}, "canary-10: its share of the traffic"},
		{rollout.Event{Type: "effect.succeeded", Phase: "stable", Message: "stable", Info: map[string]string{"release": "v42"}}, "stable: all traffic to v42"},
		{rollout.Event{Type: "effect.succeeded", Phase: "stable", Message: "deploy", Info: map[string]string{"release": "v42"}}, "stable: deployed v42"},
		{rollout.Event{Type: "effect.succeeded", Phase: "stable", Message: "disable"}, "stable: the canary is removed"},
		{rollout.Event{Type: "effect.succeeded", Phase: "stable", Message: "rollback", Info: map[string]string{"release": "v41"}}, "stable: back to what ran before: v41"},
		{rollout.Event{Type: "effect.succeeded", Phase: "testers", Message: "host", Info: map[string]string{"release": "v42"}}, "testers: a place for testers runs v42"},
		{rollout.Event{Type: "effect.succeeded", Phase: "testers", Message: "route", Info: map[string]string{"release": "v42"}}, "testers: testers are led to v42"},
		{rollout.Event{Type: "effect.succeeded", Phase: "stable", Message: "unroute", Info: map[string]string{"release": "v42"}}, "stable: testers are led there no more"},
		{rollout.Event{Type: "effect.succeeded", Phase: "stable", Message: "unhost", Info: map[string]string{"release": "v42"}}, "stable: the place for testers is removed"},
		{rollout.Event{Type: "effect.succeeded", Message: "approve"}, "the platform was told to approve"},
		{rollout.Event{Type: "job.failed", Phase: "canary-10", Job: "verify", Message: "verify failed in canary-10: exit status 1"}, "canary-10: verify failed: exit status 1"},
		{rollout.Event{Type: "job.ignored", Phase: "canary-10", Job: "verify", Actor: "anna"}, "canary-10: verify ignored by anna"},
		{rollout.Event{Type: "phase.succeeded", Phase: "canary-10"}, "canary-10 succeeded"},
		{rollout.Event{Type: "phase.advanced", Phase: "stable", Actor: "anna"}, "stable advanced by anna"},
		{rollout.Event{Type: "rollout.failed", Rollout: "r-1", Message: "said already"}, "rollout r-1 failed"},
		{rollout.Event{Type: "rollout.rejected", Rollout: "r-1", Message: "rejected by anna"}, "rollout r-1 rejected: rejected by anna"},
		{rollout.Event{Type: "approval.given", Actor: "anna", Message: "fine"}, "approved by anna: fine"},
		{rollout.Event{Type: "target.renamed", Actor: "anna", Message: "web"}, "target renamed by anna: web"},
		{rollout.Event{Type: "approval.given", Actor: "anna", Info: map[string]string{"emergency": "all is down"}}, "in an emergency approved by anna"},
		{rollout.Event{Type: "approval.expired", Message: "nobody approved within 24h"}, "the approval ran out: nobody approved within 24h"},
		{rollout.Event{Type: "block.ended", Actor: "anna", Info: map[string]string{"block": "abandon-1", "release": "v42"}}, "block abandon-1 of release v42 ended by anna"},
		{rollout.Event{Type: "order.done", Actor: "anna", Phase: "stable", Info: map[string]string{"command": "advance"}}, "advance done, as ordered by anna"},
		{rollout.Event{Type: "effect.intended", Phase: "stable", Message: "stable"}, ""},
		{rollout.Event{Type: "something.new"}, ""},
	}
	for _, test := range tests {
		if got := Event(test.event); got != test.want {
			t.Errorf("%s: got %q, want %q", test.event.Type, got, test.want)
		}
	}
	if got := Message(rollout.Event{Type: "job.failed", Message: "a\nb"}); got != "a b" {
		t.Errorf("a message of two lines is %q", got)
	}
}

func TestWaits(t *testing.T) {
	until := time.Date(2026, 11, 22, 14, 30, 0, 0, time.FixedZone("", 3600))
	tests := []struct {
		w    Waiting
		want string
	}{
		{Waiting{Kind: rollout.WaitApproval, By: "octocat", Until: until, Command: "sluice approve --target api"}, "waits for approval by octocat until 2026-11-22T13:30:00Z; continue with `sluice approve --target api`"},
		{Waiting{Kind: rollout.WaitApproval}, "waits for approval"},
		{Waiting{Kind: rollout.WaitApproval, By: "octocat", platforms: true}, "waits for approval on the platform itself by octocat"},
		{Waiting{Kind: rollout.WaitBake, Until: until}, "bakes until 2026-11-22T13:30:00Z"},
		{Waiting{Kind: rollout.WaitPolicy, By: "weekend-freeze"}, "is held back by policy weekend-freeze"},
		{Waiting{Kind: rollout.WaitLock, By: "anna"}, "is locked by anna"},
		{Waiting{Kind: rollout.WaitQueue, By: "v41-to-api-0001"}, "is queued behind v41-to-api-0001"},
		{Waiting{Kind: rollout.WaitOperation}, "waits for the platform's operation"},
		{Waiting{Kind: rollout.WaitPerson}, "waits for a person to advance it"},
		{Waiting{Kind: rollout.WaitOperator, By: "x", Command: "a", Or: "b"}, "waits for a person's decision: x; continue with `a` or `b`"},
		{Waiting{Kind: "new"}, "waits for new"},
	}
	for _, test := range tests {
		if got := test.w.Waits(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestNotDone(t *testing.T) {
	o := Target{Stage: "production", Target: "api", WaitingFor: &Waiting{Kind: rollout.WaitBake, Command: "sluice reconcile"}}
	if got := o.NotDone(); got != "NOT DONE: production/api bakes; continue with `sluice reconcile`" {
		t.Errorf("got %q", got)
	}
	o.WaitingFor = nil
	if got := o.NotDone(); got != "" {
		t.Errorf("what is done is said not to be: %q", got)
	}
}
