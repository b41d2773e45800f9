package rollout

import (
	"slices"
	"strings"
	"time"

	"sluice/stages/driver"
)

func (t Vote) apply(r *Record, now time.Time) error {
	e, err := r.rolloutFor(t.command(), t.Rollout)
	if err != nil {
		return err
	}
	if err := t.mayVote(r, e, now); err != nil {
		return err
	}
	switch {
	case e.owner().takesWord(r):
		return t.send(r, e, now)
	case t.Approve:
		e.takeUp(t.Voter.Actor, now)
		t.approve(r, e, now)
	default:
		t.reject(r, e, now)
	}
	return nil
}

func (t Vote) command() string {
	if t.Approve {
		return string(ToApprove)
	}
	return string(ToReject)
}

// mayVote says whether a person's word counts here.
func (t Vote) mayVote(r *Record, e *Execution, now time.Time) error {
	sends := e.owner().takesWord(r)
	if err := t.stillAsked(e, sends, now); err != nil {
		return err
	}
	if err := r.Blocks.mayGoOn(e, Intention(t.command()), t.Voter.Actor, now); err != nil {
		return err
	}
	if sends && e.mirrored() {
		return nil // who may approve there the platform says
	}
	if err := t.Voter.mayDecide(e, t.command()); err != nil {
		return err
	}
	if sends || !t.Approve {
		return nil
	}
	if a := e.Spec.Approval; a != nil && a.Environment != "" && (t.Voter.Review == nil || t.Voter.Review.Environment != a.Environment) {
		return noReview(e)
	}
	return t.Voter.mayApprove(e)
}

// stillAsked says whether a word is waited for, ours not for too long; sends is
// whether it is an effect of ours that takes it.
func (t Vote) stillAsked(e *Execution, sends bool, now time.Time) error {
	if (!sends || e.mirrored()) && e.Rollout.State != StatePendingApproval {
		return e.refuse(t.command(), ReasonState, StatePendingApproval)
	}
	if !sends && e.Stop == nil && reached(e.ApprovalDeadline(), now) {
		err := e.refuse(t.command(), ReasonExpired)
		err.Until = e.ApprovalDeadline()
		return err
	}
	return nil
}

// mayDecide says whether it is a person's to decide: an approver's, or in an
// emergency a maintainer's. The file's approvers on an allowed ref now count;
// where it names nobody any more, those recorded do.
func (v Voter) mayDecide(e *Execution, command string) error {
	if !v.Person {
		err := e.refuse(command, ReasonAutomation)
		err.Actor = v.Login
		return err
	}
	approvers := e.Spec.Approval.approversFor(v)
	if v.Emergency || len(approvers) == 0 || isAmong(v, approvers) {
		return nil
	}
	err := e.refuse(command, ReasonNotApprover)
	err.Actor, err.Names = v.Login, approvers
	return err
}

// approversFor are those whose word counts: the file's today, which v brings, else those
// that the rollout was created with. Nil asks for nobody.
func (a *ApprovalSpec) approversFor(v Voter) []string {
	if len(v.Approvers) > 0 || a == nil {
		return v.Approvers
	}
	return a.Approvers
}

// isAmong reports whether the voter, or a team of theirs, is in the list.
func isAmong(v Voter, approvers []string) bool {
	return slices.ContainsFunc(approvers, func(name string) bool {
		return strings.EqualFold(name, v.Login) || slices.ContainsFunc(v.Teams, func(t string) bool { return strings.EqualFold(t, name) })
	})
}

// mayApprove says whether an approval adds anything: not a second one, and not
// the creator's alone.
func (v Voter) mayApprove(e *Execution) error {
	if a := e.Spec.Approval; a != nil && !a.Self && a.Quorum <= 1 && strings.EqualFold(v.Login, e.Spec.Creator) {
		err := e.refuse(string(ToApprove), ReasonSelf)
		err.Actor = v.Login
		return err
	}
	if slices.ContainsFunc(e.Approvals, func(d Decision) bool { return strings.EqualFold(d.Actor, v.Login) }) {
		err := e.refuse(string(ToApprove), ReasonVoted)
		err.Actor, err.Have, err.Need = v.Login, len(e.Approvals), e.Spec.Approval.quorum()
		return err
	}
	return nil
}

func (t Vote) approve(r *Record, e *Execution, now time.Time) {
	v := t.Voter
	e.Approvals = append(e.Approvals, t.decision(e, now))
	r.event(e, now, Event{Type: "approval.given", Actor: v.Login, Message: v.Comment, Info: emergency(v)})
	if !e.Spec.Approval.satisfied(e.Approvals, e.Spec.Creator) {
		return
	}
	e.Rollout.ApprovalState, e.Rollout.State = Approved, StatePending
	e.Rollout.ApproveTime, e.Rollout.EnqueueTime = now.UTC(), now.UTC()
	r.event(e, now, Event{Type: "rollout.approved", Actor: v.Login})
}

func emergency(v Voter) map[string]string {
	if !v.Emergency {
		return nil
	}
	return map[string]string{"emergency": v.Reason}
}

// decision is the word as a rollout keeps it.
func (t Vote) decision(e *Execution, now time.Time) Decision {
	v := t.Voter
	approvers := e.Spec.Approval.approversFor(v)
	return Decision{
		Actor: v.Login, Approve: t.Approve, Time: now.UTC(), Comment: v.Comment, RunURL: v.RunURL, Review: v.Review, Verified: v.Verified, Approvers: slices.Clone(approvers),
		Emergency: v.Emergency && !isAmong(v, approvers),
	}
}

// satisfied reports whether approvals reach the quorum: whoever created the promotion
// counts, but not alone, unless nothing is asked for.
func (a *ApprovalSpec) satisfied(given []Decision, creator string) bool {
	others := slices.ContainsFunc(given, func(d Decision) bool { return !strings.EqualFold(d.Actor, creator) })
	return len(given) >= a.quorum() && (others || a == nil || a.Self)
}

func (a *ApprovalSpec) quorum() int {
	if a == nil {
		return 1
	}
	return max(a.Quorum, 1)
}

func (t Vote) reject(r *Record, e *Execution, now time.Time) {
	v := t.Voter
	e.Approvals = append(e.Approvals, t.decision(e, now))
	reason := "rejected by " + v.Login
	if v.Comment != "" {
		reason += ": " + v.Comment
	}
	e.Rollout.ApprovalState, e.Rollout.FailureReason = Rejected, reason
	r.event(e, now, Event{Type: "approval.refused", Actor: v.Login, Message: reason})
	r.placeGoingBack(e, v.Actor, now)
	e.owner().abort(r, now)
	e.finish(r, StateApprovalRejected, now)
}

// send has the platform approve or reject its own rollout, or an effect that it
// previews. A preview's word counts from the rollout's approvers.
func (t Vote) send(r *Record, e *Execution, now time.Time) error {
	if i := slices.IndexFunc(e.Asked, func(q Request) bool { return q.Kind == driver.Approve || q.Kind == driver.Reject }); i >= 0 {
		return e.refuse(t.command(), ReasonAlready)
	}
	kind := driver.Approve
	if !t.Approve {
		kind = driver.Reject
		r.placeGoingBack(e, t.Voter.Actor, now)
	}
	return e.ask(r, Request{Kind: kind, Actor: t.Voter.Login, Comment: t.Voter.Comment}, now)
}

// Flagged reports whether an emergency approval still waits for an approver to
// acknowledge it.
func (e *Execution) Flagged() bool {
	return slices.ContainsFunc(e.Approvals, func(d Decision) bool { return d.Emergency && d.Acknowledged == "" })
}

func (t Acknowledge) apply(r *Record, now time.Time) error {
	e, err := r.rolloutFor("acknowledge", t.Rollout)
	if err != nil {
		return err
	}
	if !e.Flagged() {
		return e.refuse("acknowledge", ReasonAlready)
	}
	voter := t.Voter
	voter.Emergency = false
	if err := voter.mayDecide(e, "acknowledge"); err != nil {
		return err
	}
	for i := range e.Approvals {
		if d := &e.Approvals[i]; d.Emergency && d.Acknowledged == "" {
			d.Acknowledged, d.AckTime = voter.Login, now.UTC()
		}
	}
	r.event(e, now, Event{Type: "approval.acknowledged", Actor: voter.Login, Message: voter.Comment})
	return nil
}

func (t AskAgain) apply(r *Record, now time.Time) error {
	e, err := r.rolloutFor("ask again for", t.Rollout)
	if err != nil {
		return err
	}
	if e.Expired.IsZero() || e.Rollout.State != StateCancelled {
		return e.refuse("ask again for", ReasonState, StatePendingApproval)
	}
	if err := refuseNewer(e, r, "ask again for"); err != nil {
		return err
	}
	if err := r.Blocks.mayGoOn(e, ToPromote, t.By, now); err != nil {
		return err
	}
	e.Expired, e.Approvals = time.Time{}, nil
	e.Rollout.State, e.Rollout.FailureReason = StatePendingApproval, ""
	e.Times.set(timeApproval, now)
	e.Rollout.revive()
	r.event(e, now, Event{Type: "approval.asked", Actor: t.By.Login, Message: t.By.Reason})
	return nil
}

// revive has what was aborted wait again.
func (r *Rollout) revive() {
	for i := range r.Phases {
		p := &r.Phases[i]
		if p.State == PhaseAborted {
			p.State = PhasePending
			setJobs(p, JobPending, JobAborted)
		}
	}
}
