package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Voter is who says something about an approval.
type Voter struct {
	Actor     string
	Verified  bool // GitHub said who it is
	Automated bool // a schedule, an app or a bot
	RunURL    string
	Comment   string
}

// Approve counts a person's approval. Only a rollout that is PENDING_APPROVAL
// takes one, from an approver, once, and before its time is over. It reports
// whether the rollout is approved now.
func (e *Execution) Approve(r *Record, v Voter, now time.Time) (bool, error) {
	if err := e.mayVote("approve", v, now); err != nil {
		return false, err
	}
	if a := e.Spec.Approval; a != nil && !a.Self && a.Quorum <= 1 && strings.EqualFold(v.Actor, e.Spec.Creator) {
		return false, e.refuse("approve", v.Actor+" started the promotion and cannot alone approve it; somebody else must, or set `approval.self: true`")
	}
	if slices.ContainsFunc(e.Approvals, func(d Decision) bool { return strings.EqualFold(d.Actor, v.Actor) }) {
		return false, e.refuse("approve", v.Actor+" has approved already; "+e.missing())
	}
	e.decide(v, true, now)
	r.event(e, now, Event{Type: "approval.given", Actor: v.Actor, Message: v.Comment})
	if !e.enough() {
		return false, nil
	}
	e.Rollout.ApprovalState, e.Rollout.State = Approved, StatePending
	e.Rollout.ApproveTime, e.Rollout.EnqueueTime = now.UTC(), now.UTC()
	r.event(e, now, Event{Type: "rollout.approved", Actor: v.Actor})
	return true, nil
}

func (e *Execution) decide(v Voter, approve bool, now time.Time) {
	e.Approvals = append(e.Approvals, Decision{
		Actor: v.Actor, Approve: approve, Time: now.UTC(), Comment: v.Comment, RunURL: v.RunURL, Verified: v.Verified,
	})
}

// mayVote says whether a person's word counts here.
func (e *Execution) mayVote(command string, v Voter, now time.Time) error {
	if e.Rollout.State != StatePendingApproval {
		return e.refuse(command, "only a rollout in PENDING_APPROVAL takes an approval or a rejection")
	}
	if deadline := e.approvalDeadline(); reached(deadline, now) {
		return e.refuse(command, "its approval ran out at "+deadline.Format(time.RFC3339))
	}
	return e.mayDecide(command, v)
}

// enough reports whether the approvals reach the quorum: whoever started the
// promotion counts, but not alone.
func (e *Execution) enough() bool {
	others := 0
	for _, d := range e.Approvals {
		if !strings.EqualFold(d.Actor, e.Spec.Creator) {
			others++
		}
	}
	self := e.Spec.Approval == nil || e.Spec.Approval.Self
	return len(e.Approvals) >= e.quorum() && (others > 0 || self)
}

func (e *Execution) quorum() int {
	if e.Spec.Approval == nil {
		return 1
	}
	return max(e.Spec.Approval.Quorum, 1)
}

func (e *Execution) missing() string {
	return fmt.Sprintf("%d of %d approvals are there", len(e.Approvals), e.quorum())
}

// Reject ends a rollout that is PENDING_APPROVAL.
func (e *Execution) Reject(r *Record, v Voter, now time.Time) error {
	if err := e.mayVote("reject", v, now); err != nil {
		return err
	}
	e.decide(v, false, now)
	reason := "rejected by " + v.Actor
	if v.Comment != "" {
		reason += ": " + v.Comment
	}
	e.reject(r, reason, v.Actor, now)
	return nil
}

func (e *Execution) reject(r *Record, reason, actor string, now time.Time) {
	e.Rollout.ApprovalState, e.Rollout.FailureReason = Rejected, reason
	r.event(e, now, Event{Type: "approval.refused", Actor: actor, Message: reason})
	e.abortRest(r, now)
	e.finish(r, StateApprovalRejected, now)
}
