package rollout

import (
	"testing"
	"time"

	"sluice/stages/driver"
)

// preview runs a deployment that the platform previews before it applies it.
func preview(t *testing.T, change ...func(*Spec)) (*rig, *Execution) {
	s := newRig(t)
	s.script["stable/deploy"] = []string{"preview"}
	s.script["poll deploy"] = []string{"preview", "preview"}
	e := s.start(change...)
	s.run()
	return s, e
}

func TestPreviewIsApproved(t *testing.T) {
	s, e := preview(t)
	w, ok := e.Awaits(&s.r)
	s.want("awaits", []any{w.Kind, ok}, []any{WaitApproval, true})
	s.want("takes a word", e.owner().takesWord(&s.r), true)
	s.must(s.apply(Vote{Rollout: e.Rollout.Name, Approve: true, Voter: voter("bob", "fine")}))
	s.wantRefusal(s.apply(Vote{Rollout: e.Rollout.Name, Approve: false, Voter: voter("carol", "")}), "IN_PROGRESS", "asked for, already")
	s.script["poll deploy"] = nil
	s.run()
	s.want("sent", s.sent, []string{"deploy", "approve"})
	s.want("state", states(e), "SUCCEEDED stable=SUCCEEDED")
	s.want("jobs", jobs(t, e, "stable"), "deploy=SUCCEEDED")
	s.want("takes no word", e.owner().takesWord(&s.r), false)
}

// TestPlatformWaitsShorter: a person has as long as the platform waits, where that
// is less than the rollout's own time.
func TestPlatformWaitsShorter(t *testing.T) {
	s, e := preview(t)
	step, _ := e.Steps.Open()
	for _, theirs := range []time.Time{t0.Add(time.Hour), t0.Add(1000 * time.Hour)} {
		want := e.Deadline()
		if theirs.Before(want) {
			want = theirs
		}
		result := step.Operation.Results[s.r.Target]
		result.Until = theirs
		step.Operation.Results[s.r.Target] = result
		w, _ := e.Awaits(&s.r)
		s.want("until", w.Until, want)
	}
}

func TestPreviewIsRejected(t *testing.T) {
	for name, reject := range map[string]func(*rig, *Execution) error{
		"rejected": func(s *rig, e *Execution) error {
			return s.apply(Vote{Rollout: e.Rollout.Name, Approve: false, Voter: voter("bob", "")})
		},
		"cancelled": func(s *rig, e *Execution) error { return s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}) },
	} {
		t.Run(name, func(t *testing.T) {
			s, e := preview(t)
			s.must(reject(s, e))
			s.script["poll deploy"] = []string{"fail"}
			s.run()
			s.want("sent", s.sent, []string{"deploy", "reject"})
			want := map[string]State{"rejected": StateFailed, "cancelled": StateCancelled}[name]
			s.want("state", e.Rollout.State, want)
		})
	}
}

func TestWhoMaySpeakOnAPreview(t *testing.T) {
	s, e := preview(t)
	e.Spec.Approval = &ApprovalSpec{Approvers: []string{"bob"}}
	s.wantRefusal(s.apply(Vote{Rollout: e.Rollout.Name, Approve: true, Voter: voter("dave", "")}), "IN_PROGRESS", "dave is not among its approvers: bob")
	s.wantRefusal(s.apply(Vote{Rollout: e.Rollout.Name, Approve: false, Voter: Voter{Actor: Actor{Login: "bot"}}}), "IN_PROGRESS", "bot is not a person")
	s.must(s.apply(Vote{Rollout: e.Rollout.Name, Approve: true, Voter: voter("bob", "")}))
}

// TestPreviewsHaveAllTheTime: while the platform waits for an approval no time
// counts; once it is approved the operation has its own time.
func TestPreviewsHaveAllTheTime(t *testing.T) {
	s, e := preview(t)
	s.script["poll deploy"] = []string{"preview", "run", "run"}
	s.after(50 * time.Hour)
	s.want("still waits", e.Rollout.State, StateInProgress)
	s.run()
	s.want("its time goes on", e.Deadline(), t0.Add(74*time.Hour))
	s.after(59 * time.Minute)
	s.want("still at work", e.Rollout.State, StateInProgress)
	s.script["poll deploy"] = []string{"run"}
	s.after(time.Minute)
	s.want("took too long", e.Rollout.DeployFailureCause, DeadlineExceeded)
}

func TestRefusedWordLeavesThePreview(t *testing.T) {
	s, e := preview(t)
	s.must(s.apply(Vote{Rollout: e.Rollout.Name, Approve: true, Voter: voter("bob", "")}))
	s.script["approve"] = []string{"refuse"}
	s.script["poll deploy"] = []string{"preview"}
	s.run()
	s.want("state", e.Rollout.State, StateInProgress)
	s.want("reason", e.Rollout.FailureReason, "")
	s.must(s.apply(Vote{Rollout: e.Rollout.Name, Approve: true, Voter: voter("bob", "")}))
}

func TestNoWordWhereNoneIsWaitedFor(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"))
	s.wantRefusal(s.apply(Vote{Rollout: e.Rollout.Name, Approve: true, Voter: voter("bob", "")}), "IN_PROGRESS", "only a rollout in PENDING_APPROVAL")
	_, ok := e.Awaits(&s.r)
	s.want("awaits", ok, false)
	s.want("lost", s.r.Rollouts[0].Steps[0].waiting("web"), "")
	s.want("kind", driver.Rollback.IsCommand(), false)
}
