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
		"anybody else":               {ApprovalSpec{Quorum: 1}, []Voter{voter("bob", "")}, "", StateSucceeded},
		"an approver, however cased": {ApprovalSpec{Quorum: 1, Approvers: []string{"Bob"}}, []Voter{voter("bob", "")}, "", StateSucceeded},
		"no approver":                {ApprovalSpec{Quorum: 1, Approvers: []string{"bob", "carol"}}, []Voter{voter("dave", "")}, "dave is not among its approvers: bob, carol", StatePendingApproval},
		"who started it":             {ApprovalSpec{Quorum: 1}, []Voter{voter("Alice", "")}, "cannot alone approve it", StatePendingApproval},
		"who started it, allowed":    {ApprovalSpec{Quorum: 1, Self: true}, []Voter{voter("alice", "")}, "", StateSucceeded},
		"a schedule":                 {ApprovalSpec{Quorum: 1}, []Voter{{Actor: Actor{Login: "bot"}}}, "bot is not a person", StatePendingApproval},
		"too few":                    {ApprovalSpec{Quorum: 2}, []Voter{voter("bob", "")}, "", StatePendingApproval},
		"twice the same":             {ApprovalSpec{Quorum: 2}, []Voter{voter("bob", ""), voter("BOB", "")}, "BOB has approved already; 1 of 2", StatePendingApproval},
		"two":                        {ApprovalSpec{Quorum: 2}, []Voter{voter("bob", ""), voter("carol", "")}, "", StateSucceeded},
		"one and who started it":     {ApprovalSpec{Quorum: 2}, []Voter{voter("alice", ""), voter("bob", "")}, "", StateSucceeded},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRig(t)
			e := s.start(approved(c.spec))
			var err error
			for _, v := range c.votes {
				s.must(err)
				err = s.apply(Vote{Rollout: e.Rollout.Name, Approve: true, Voter: v})
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
	s := newRig(t)
	e := s.start(approved(ApprovalSpec{Quorum: 2, Approvers: []string{"bob", "carol"}}))
	s.want("state", e.Rollout.ApprovalState, NeedsApproval)
	s.want("not in the queue", e.Rollout.EnqueueTime.IsZero(), true)
	w := s.run().Waiting
	s.want("waits for", []any{w.Approval.Quorum, w.Approval.Approvers, w.Approvals}, []any{2, []string{"bob", "carol"}, 0})
	err := s.apply(Vote{Rollout: e.Rollout.Name, Approve: true, Voter: Voter{Actor: Actor{Login: "bob", Person: true, RunURL: "https://runs/1"}, Verified: true, Comment: "looks good"}})
	s.must(err)
	s.want("over", e.Rollout.State, StatePendingApproval)
	s.want("one is there", s.run().Waiting.Approvals, 1)
	err = s.apply(Vote{Rollout: e.Rollout.Name, Approve: true, Voter: voter("carol", "")})
	s.must(err)
	s.want("over", e.Rollout.State, StatePending)
	s.want("decision", e.Approvals[0], Decision{Actor: "bob", Approve: true, Time: t0, Comment: "looks good", RunURL: "https://runs/1", Verified: true, Approvers: []string{"bob", "carol"}})
	s.want("times", e.Rollout.ApproveTime.Equal(t0) && e.Rollout.EnqueueTime.Equal(t0), true)
	s.want("approval", e.Rollout.ApprovalState, Approved)
}

func TestReject(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"), approved(ApprovalSpec{Quorum: 1, Approvers: []string{"bob"}}))
	s.wantRefusal(s.apply(Vote{Rollout: e.Rollout.Name, Voter: voter("dave", "")}), "PENDING_APPROVAL", "not among its approvers")
	s.must(s.apply(Vote{Rollout: e.Rollout.Name, Voter: voter("bob", "not on a Friday")}))
	s.want("states", states(e), "APPROVAL_REJECTED canary-10=ABORTED stable=ABORTED")
	s.want("reason", e.Rollout.FailureReason, "rejected by bob: not on a Friday")
	s.want("decision", e.Approvals[0].Approve, false)
	s.want("idle", s.run().Action, ActionIdle)
}

// TestWhoStartedItMayReject: it is their own promotion.
func TestWhoStartedItMayReject(t *testing.T) {
	s := newRig(t)
	e := s.start(approved(ApprovalSpec{Quorum: 1}))
	s.must(s.apply(Vote{Rollout: e.Rollout.Name, Voter: voter("alice", "")}))
	s.want("state", e.Rollout.State, StateApprovalRejected)
}
