package rollout

import (
	"testing"
)

func TestApprovers(t *testing.T) {
	for name, c := range map[string]struct {
		spec   ApprovalSpec
		votes  []Voter
		refuse string // of the last vote
		state  State
	}{
		"anybody else":               {ApprovalSpec{Quorum: 1}, []Voter{{Actor: "bob"}}, "", StateSucceeded},
		"an approver, however cased": {ApprovalSpec{Quorum: 1, Approvers: []string{"Bob"}}, []Voter{{Actor: "bob"}}, "", StateSucceeded},
		"no approver":                {ApprovalSpec{Quorum: 1, Approvers: []string{"bob", "carol"}}, []Voter{{Actor: "dave"}}, "dave is not among its approvers: bob, carol", StatePendingApproval},
		"who started it":             {ApprovalSpec{Quorum: 1}, []Voter{{Actor: "Alice"}}, "cannot alone approve it", StatePendingApproval},
		"who started it, allowed":    {ApprovalSpec{Quorum: 1, Self: true}, []Voter{{Actor: "alice"}}, "", StateSucceeded},
		"a schedule":                 {ApprovalSpec{Quorum: 1}, []Voter{{Actor: "bot", Automated: true}}, "bot is not a person", StatePendingApproval},
		"too few":                    {ApprovalSpec{Quorum: 2}, []Voter{{Actor: "bob"}}, "", StatePendingApproval},
		"twice the same":             {ApprovalSpec{Quorum: 2}, []Voter{{Actor: "bob"}, {Actor: "BOB"}}, "BOB has approved already; 1 of 2", StatePendingApproval},
		"two":                        {ApprovalSpec{Quorum: 2}, []Voter{{Actor: "bob"}, {Actor: "carol"}}, "", StateSucceeded},
		"one and who started it":     {ApprovalSpec{Quorum: 2}, []Voter{{Actor: "alice"}, {Actor: "bob"}}, "", StateSucceeded},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			e := s.start(approved(c.spec))
			var err error
			for _, v := range c.votes {
				s.must(err)
				_, err = e.Approve(&s.r, v, s.now)
			}
			if c.refuse != "" {
				s.wantRefusal(err, "PENDING_APPROVAL", c.refuse)
			} else {
				s.must(err)
			}
			s.run()
			s.want("state", e.Rollout.State, c.state)
		})
	}
}

func TestApprovalIsRecorded(t *testing.T) {
	s := newStand(t)
	e := s.start(approved(ApprovalSpec{Quorum: 2, Approvers: []string{"bob", "carol"}}))
	s.want("state", e.Rollout.ApprovalState, NeedsApproval)
	s.want("not in the queue", e.Rollout.EnqueueTime.IsZero(), true)
	s.want("by", s.run().Waiting.By, "2 of bob, carol")
	over, err := e.Approve(&s.r, Voter{Actor: "bob", Verified: true, RunURL: "https://runs/1", Comment: "looks good"}, s.now)
	s.must(err)
	s.want("over", over, false)
	over, err = e.Approve(&s.r, Voter{Actor: "carol"}, s.now)
	s.must(err)
	s.want("over", over, true)
	s.want("decision", e.Approvals[0], Decision{Actor: "bob", Approve: true, Time: t0, Comment: "looks good", RunURL: "https://runs/1", Verified: true})
	s.want("times", e.Rollout.ApproveTime.Equal(t0) && e.Rollout.EnqueueTime.Equal(t0), true)
	s.want("approval", e.Rollout.ApprovalState, Approved)
}

func TestReject(t *testing.T) {
	s := newStand(t)
	e := s.start(canary("10"), approved(ApprovalSpec{Quorum: 1, Approvers: []string{"bob"}}))
	s.wantRefusal(e.Reject(&s.r, Voter{Actor: "dave"}, s.now), "PENDING_APPROVAL", "not among its approvers")
	s.must(e.Reject(&s.r, Voter{Actor: "bob", Comment: "not on a Friday"}, s.now))
	s.want("states", states(e), "APPROVAL_REJECTED canary-10=ABORTED stable=ABORTED")
	s.want("reason", e.Rollout.FailureReason, "rejected by bob: not on a Friday")
	s.want("decision", e.Approvals[0].Approve, false)
	s.want("idle", s.run().Action, ActionIdle)
}

// TestWhoStartedItMayReject: it is their own promotion.
func TestWhoStartedItMayReject(t *testing.T) {
	s := newStand(t)
	e := s.start(approved(ApprovalSpec{Quorum: 1}))
	s.must(e.Reject(&s.r, Voter{Actor: "alice"}, s.now))
	s.want("state", e.Rollout.State, StateApprovalRejected)
}
