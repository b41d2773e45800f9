package rollout

import (
	"testing"
	"time"

	"sluice/stages/driver"
)

// preview runs a deployment that the platform previews before it applies it.
func preview(t *testing.T, change ...func(*Spec)) (*stand, *Execution) {
	s := newStand(t)
	s.script["stable/deploy"] = []string{"preview"}
	s.script["poll deploy"] = []string{"preview", "preview"}
	e := s.start(change...)
	s.run()
	return s, e
}

func TestPreviewIsApproved(t *testing.T) {
	s, e := preview(t)
	w, ok := e.Awaits(&s.r)
	s.want("awaits", []any{w.Kind, w.Command, ok}, []any{WaitApproval, "sluice approve --target web", true})
	s.want("takes a word", e.TakesWord(&s.r), true)
	s.must(e.AskApproval(&s.r, true, Voter{Actor: "bob", Comment: "fine"}, s.now))
	s.wantRefusal(e.AskApproval(&s.r, false, Voter{Actor: "carol"}, s.now), "IN_PROGRESS", "approve was asked for already")
	s.script["poll deploy"] = nil
	s.run()
	s.want("sent", s.sent, []string{"deploy", "approve"})
	s.want("state", states(e), "SUCCEEDED stable=SUCCEEDED")
	s.want("jobs", jobs(t, e, "stable"), "deploy=SUCCEEDED")
	s.want("takes no word", e.TakesWord(&s.r), false)
}

func TestPreviewIsRejected(t *testing.T) {
	for name, reject := range map[string]func(*stand, *Execution) error{
		"rejected": func(s *stand, e *Execution) error {
			return e.AskApproval(&s.r, false, Voter{Actor: "bob"}, s.now)
		},
		"cancelled": func(s *stand, e *Execution) error { return e.Cancel(&s.r, "bob", s.now) },
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
	s.wantRefusal(e.AskApproval(&s.r, true, Voter{Actor: "dave"}, s.now), "IN_PROGRESS", "dave is not among its approvers: bob")
	s.wantRefusal(e.AskApproval(&s.r, false, Voter{Actor: "bot", Automated: true}, s.now), "IN_PROGRESS", "bot is not a person")
	s.must(e.AskApproval(&s.r, true, Voter{Actor: "bob"}, s.now))
}

// TestPreviewsWaitForTheRolloutsTime, not for an operation's; once it is
// approved the operation has its own time.
func TestPreviewsWaitForTheRolloutsTime(t *testing.T) {
	s, e := preview(t)
	s.script["poll deploy"] = []string{"preview", "run", "run"}
	s.after(5 * time.Hour)
	s.want("still waits", e.Rollout.State, StateInProgress)
	s.run()
	s.after(59 * time.Minute)
	s.want("still at work", e.Rollout.State, StateInProgress)
	s.script["poll deploy"] = []string{"run"}
	s.after(time.Minute)
	s.want("took too long", e.Rollout.DeployFailureCause, DeadlineExceeded)

	s, e = preview(t)
	s.after(24 * time.Hour)
	s.want("nobody spoke", e.Rollout.DeployFailureCause, DeadlineExceeded)
}

func TestRefusedWordLeavesThePreview(t *testing.T) {
	s, e := preview(t)
	s.must(e.AskApproval(&s.r, true, Voter{Actor: "bob"}, s.now))
	s.script["approve"] = []string{"refuse"}
	s.script["poll deploy"] = []string{"preview"}
	s.run()
	s.want("state", e.Rollout.State, StateInProgress)
	s.want("reason", e.Rollout.FailureReason, "")
	s.must(e.AskApproval(&s.r, true, Voter{Actor: "bob"}, s.now))
}

func TestNoWordWhereNoneIsWaitedFor(t *testing.T) {
	s := newStand(t)
	e := s.start(canary("10"))
	s.wantRefusal(e.AskApproval(&s.r, true, Voter{Actor: "bob"}, s.now), "IN_PROGRESS", "only a rollout in PENDING_APPROVAL")
	_, ok := e.Awaits(&s.r)
	s.want("awaits", ok, false)
	s.want("lost", s.r.Rollouts[0].Steps[0].waiting("web"), "")
	e = s.start(release("r3"), promotion("p2"), approved(ApprovalSpec{Quorum: 1}))
	s.wantRefusal(e.AskApproval(&s.r, true, Voter{Actor: "bob"}, s.now), "PENDING_APPROVAL", "only a rollout in PENDING_APPROVAL")
	s.want("kind", isCommand(driver.Rollback), false)
}
