package rollout

import (
	"testing"
	"time"
)

// byReview has a rollout approved by reviews of production.
func byReview(quorum int, self bool, approvers ...string) func(*Spec) {
	return func(s *Spec) {
		s.Approval = &ApprovalSpec{Environment: "production", Approvers: approvers, Quorum: quorum, Timeout: Duration(time.Hour), Self: self}
	}
}

func reviewer(login, run string) Voter {
	v := voter(login, "")
	v.Review = &ReviewOf{Environment: "production", Run: run}
	return v
}

// TestReviews: only reviews of the environment approve; quorum, self and approvers hold
// over them.
func TestReviews(t *testing.T) {
	other := reviewer("bob", "7")
	other.Review.Environment = "staging"
	robot := reviewer("bob", "7")
	robot.Person = false
	for name, c := range map[string]struct {
		spec   func(*Spec)
		voters []Voter
		state  State
	}{
		"one":                 {byReview(1, false), []Voter{reviewer("bob", "7")}, StatePending},
		"a word of one's own": {byReview(1, false), []Voter{voter("bob", "")}, StatePendingApproval},
		"another environment": {byReview(1, false), []Voter{other}, StatePendingApproval},
		"an app":              {byReview(1, false), []Voter{robot}, StatePendingApproval},
		"the creator's":       {byReview(1, false), []Voter{reviewer("alice", "7")}, StatePendingApproval},
		"the creator's, self": {byReview(1, true), []Voter{reviewer("alice", "7")}, StatePending},
		"no approver":         {byReview(1, false, "carol"), []Voter{reviewer("bob", "7")}, StatePendingApproval},
		"one of two":          {byReview(2, false), []Voter{reviewer("bob", "7"), reviewer("bob", "8")}, StatePendingApproval},
		"two of two":          {byReview(2, false), []Voter{reviewer("bob", "7"), reviewer("carol", "8")}, StatePending},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRig(t)
			e := s.create(plan(c.spec), false)
			err := s.apply(Reviewed{Rollout: e.Rollout.Name, Voters: c.voters})
			s.want("state", e.Rollout.State, c.state)
			if (err == nil) != (len(e.Approvals) > 0) {
				t.Errorf("%d approvals, and %v", len(e.Approvals), err)
			}
			s.must(s.apply(Reviewed{Promotion: "p1", Voters: c.voters, Optional: true}))
		})
	}
}

// TestProve: before the first effect what GitHub has counts, and nothing that the state
// says beside; with the first effect that is over.
func TestProve(t *testing.T) {
	approved := func(t *testing.T) (*rig, *Execution) {
		s := newRig(t)
		e := s.create(plan(byReview(2, false)), false)
		s.must(s.apply(Reviewed{Rollout: e.Rollout.Name, Voters: []Voter{reviewer("bob", "7"), reviewer("carol", "8")}}))
		s.want("state", e.Rollout.State, StatePending)
		return s, e
	}
	for name, c := range map[string]struct {
		given map[string][]string
		state State
	}{
		"all":            {map[string][]string{"7": {"Bob"}, "8": {"carol", "dora"}}, StatePending},
		"one is missing": {map[string][]string{"7": {"bob"}, "8": nil}, StatePendingApproval},
		"another run's":  {map[string][]string{"7": {"carol"}, "8": {"bob"}}, StatePendingApproval},
	} {
		t.Run(name, func(t *testing.T) {
			s, e := approved(t)
			environment, runs, ok := e.Reviews(nil)
			s.want("read", []any{environment, runs, ok}, []any{"production", []string{"7", "8"}, true})
			s.must(s.apply(Prove{Rollout: e.Rollout.Name, Given: c.given}))
			s.want("state", e.Rollout.State, c.state)
		})
	}

	s, e := approved(t)
	e.Spec.Approval = nil // somebody wrote so into the state
	if _, _, ok := e.Reviews(nil); ok {
		t.Error("reviews are read that nobody asks for")
	}
	file := ApprovalSpec{Environment: "production", Quorum: 3}
	if _, _, ok := e.Reviews(&file); !ok {
		t.Error("what the file asks for is not read")
	}
	s.must(s.apply(Prove{Rollout: e.Rollout.Name, Given: map[string][]string{"7": {"bob"}, "8": {"carol"}}, Want: &file}))
	s.want("asked again", []any{e.Rollout.State, e.Spec.Approval.Quorum}, []any{StatePendingApproval, 3})

	s, e = approved(t)
	s.run()
	if _, _, ok := e.Reviews(nil); ok || e.Rollout.State != StateSucceeded {
		t.Errorf("reviews are read of what is %s", e.Rollout.State)
	}
}
