package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/stages/driver"
)

// RefusedError means that a command does not fit the state it found. Nothing
// was changed.
type RefusedError struct {
	Command string
	Rollout string
	State   string // what was found
	Reason  string
}

// Error names the command, the rollout, the state found and the rule.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("cannot %s %s: it is %s; %s", e.Command, e.Rollout, e.State, e.Reason)
}

func (e *Execution) refuse(command, reason string) error {
	return &RefusedError{Command: command, Rollout: e.Rollout.Name, State: string(e.Rollout.State), Reason: reason}
}

// Voter is who says something about an approval.
type Voter struct {
	Actor     string
	Verified  bool // GitHub said who it is
	Automated bool // a schedule, an app or a bot
	RunURL    string
	Comment   string
}

// Approve counts a person's approval. Only a rollout that is PENDING_APPROVAL
// takes one. It reports whether the rollout is approved now.
func (e *Execution) Approve(r *Record, v Voter, now time.Time) (bool, error) {
	if err := e.mayVote("approve", v); err != nil {
		return false, err
	}
	if slices.ContainsFunc(e.Approvals, func(d Decision) bool { return strings.EqualFold(d.Actor, v.Actor) }) {
		return false, e.refuse("approve", v.Actor+" has approved already; "+e.missing())
	}
	e.Approvals = append(e.Approvals, Decision{
		Actor: v.Actor, Approve: true, Time: now.UTC(), Comment: v.Comment, RunURL: v.RunURL, Verified: v.Verified,
	})
	r.event(e, now, Event{Type: "approval.given", Actor: v.Actor, Message: v.Comment})
	if !e.enough() {
		return false, nil
	}
	e.Rollout.ApprovalState, e.Rollout.State = Approved, StatePending
	e.Rollout.ApproveTime, e.Rollout.EnqueueTime = now.UTC(), now.UTC()
	r.event(e, now, Event{Type: "rollout.approved", Actor: v.Actor})
	return true, nil
}

// mayVote says whether a person's word counts here.
func (e *Execution) mayVote(command string, v Voter) error {
	if e.Rollout.State != StatePendingApproval {
		return e.refuse(command, "only a rollout in PENDING_APPROVAL takes an approval or a rejection")
	}
	if v.Automated {
		return e.refuse(command, v.Actor+" is not a person; approvals count only from people")
	}
	if a := e.Spec.Approval; len(a.Approvers) > 0 && !slices.ContainsFunc(a.Approvers, func(l string) bool { return strings.EqualFold(l, v.Actor) }) {
		return e.refuse(command, v.Actor+" is not among its approvers: "+strings.Join(a.Approvers, ", "))
	}
	if command == "approve" && !e.Spec.Approval.Self && e.Spec.Approval.Quorum <= 1 && strings.EqualFold(v.Actor, e.Spec.Creator) {
		return e.refuse(command, v.Actor+" started the promotion and cannot alone approve it; somebody else must, or set `approval.self: true`")
	}
	return nil
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
	return len(e.Approvals) >= max(e.Spec.Approval.Quorum, 1) && (others > 0 || e.Spec.Approval.Self)
}

func (e *Execution) missing() string {
	return fmt.Sprintf("%d of %d approvals are there", len(e.Approvals), max(e.Spec.Approval.Quorum, 1))
}

// Reject ends a rollout that is PENDING_APPROVAL.
func (e *Execution) Reject(r *Record, v Voter, now time.Time) error {
	if err := e.mayVote("reject", v); err != nil {
		return err
	}
	e.Approvals = append(e.Approvals, Decision{
		Actor: v.Actor, Time: now.UTC(), Comment: v.Comment, RunURL: v.RunURL, Verified: v.Verified,
	})
	reason := "rejected by " + v.Actor
	if v.Comment != "" {
		reason += ": " + v.Comment
	}
	e.reject(r, reason, v.Actor, now)
	return nil
}

func (e *Execution) reject(r *Record, reason, actor string, now time.Time) {
	e.Rollout.ApprovalState, e.Rollout.FailureReason = Rejected, reason
	e.abortRest()
	e.Rollout.State, e.Rollout.DeployEndTime, e.Due = StateApprovalRejected, now.UTC(), time.Time{}
	r.event(e, now, Event{Type: "rollout.rejected", Actor: actor, Message: reason})
}

// Advance starts a phase. The rollout must be IN_PROGRESS, the phase PENDING
// and not the first, and the phase before it SUCCEEDED or SKIPPED. phase ""
// means the next one.
func (e *Execution) Advance(r *Record, phase, actor string, now time.Time) error {
	if e.Rollout.State != StateInProgress {
		return e.refuse("advance", "only a rollout that is IN_PROGRESS can be advanced")
	}
	if e.Spec.Remote {
		return e.ask(r, Request{Kind: driver.Advance, Phase: e.remotePhase(phase), Actor: actor}, now)
	}
	current, i, ok := e.current()
	if !ok || (phase != "" && current.ID != phase) {
		return e.refuse("advance", e.wrongPhase(phase))
	}
	if current.State != PhasePending {
		return e.refuse("advance", fmt.Sprintf("phase %s is %s; only a phase that is PENDING can be started", current.ID, current.State))
	}
	if i == 0 {
		return e.refuse("advance", "the first phase starts by itself")
	}
	e.beginPhase(r, current, now)
	r.event(e, now, Event{Type: "phase.advanced", Phase: current.ID, Actor: actor})
	return nil
}

func (e *Execution) wrongPhase(phase string) string {
	p, ok := e.Rollout.Phase(phase)
	if !ok {
		return fmt.Sprintf("it has no phase %q; its phases are %s", phase, strings.Join(e.phaseIDs(), ", "))
	}
	return fmt.Sprintf("phase %s is %s and the phase before it is not over", phase, p.State)
}

func (e *Execution) phaseIDs() []string {
	ids := make([]string, 0, len(e.Rollout.Phases))
	for _, p := range e.Rollout.Phases {
		ids = append(ids, p.ID)
	}
	return ids
}

// remotePhase is the phase a person named, or the first that is PENDING.
func (e *Execution) remotePhase(phase string) string {
	if phase != "" {
		return phase
	}
	for _, p := range e.Rollout.Phases {
		if p.State == PhasePending {
			return p.ID
		}
	}
	return ""
}

// ask has a command sent to the platform's own rollout.
func (e *Execution) ask(r *Record, q Request, now time.Time) error {
	e.Asked = append(e.Asked, q)
	r.event(e, now, Event{Type: "rollout.asked", Phase: q.Phase, Job: q.Job, Actor: q.Actor, Message: string(q.Kind)})
	return nil
}

// Cancel ends a rollout that is not final. A canary that stands is removed
// first; a release that is stable stays.
func (e *Execution) Cancel(r *Record, actor string, now time.Time) error {
	if e.Rollout.State.Final() || e.Rollout.State == StateCancelling {
		return e.refuse("cancel", "only a rollout that is not over can be cancelled")
	}
	r.event(e, now, Event{Type: "rollout.cancelling", Actor: actor})
	if e.Rollout.State != StateInProgress || (e.Spec.Remote && len(e.Steps) == 0) {
		e.abortRest()
		e.finish(r, StateCancelled, now)
		return nil
	}
	if e.Spec.Remote {
		return e.ask(r, Request{Kind: driver.Cancel, Actor: actor}, now)
	}
	e.giveUpAsking(r, now)
	e.Rollout.State = StateCancelling
	e.Asked = nil
	if e.canaryStands() {
		phase := PhaseStable
		if p, _, ok := e.current(); ok {
			phase = p.ID
		}
		e.Asked = []Request{{Kind: driver.Rollback, Phase: phase, Job: JobDeploy, Actor: actor}}
	}
	return nil
}

// giveUpAsking withdraws an effect that waits for a person's decision: this is
// the decision.
func (e *Execution) giveUpAsking(r *Record, now time.Time) {
	if step, open := e.OpenStep(); open && step.State == StepAsking {
		e.Withdraw(r, step.Call.Key, "a person decided", now)
		e.Accepted = true
	}
}

// RetryJob runs a failed job again, or repeats an effect that asks. Where
// traffic was put back the phase is applied again first. phase and job "" mean
// the only one that qualifies.
func (e *Execution) RetryJob(r *Record, phase, job, actor string, now time.Time) error {
	p, j, err := e.failedJob(r, "retry-job", phase, job)
	if err != nil {
		return err
	}
	if e.Spec.Remote {
		return e.ask(r, Request{Kind: driver.RetryJob, Phase: p.ID, Job: j.ID, Actor: actor}, now)
	}
	e.giveUpAsking(r, now)
	if e.Restored && p.DeploymentJobs.DeployJob != nil {
		p.DeploymentJobs.DeployJob.State = JobPending
	}
	if j.ID == JobDeploy || e.Restored {
		e.reapply(p.ID)
	}
	e.Accepted = e.Accepted || e.Restored || j.ID == JobDeploy
	j.State = JobPending
	e.reopen(r, p, now)
	r.event(e, now, Event{Type: "job.retried", Phase: p.ID, Job: j.ID, Actor: actor})
	return nil
}

// reapply has the effects of a phase sent again that were not done, or all of
// them where traffic was put back.
func (e *Execution) reapply(phase string) {
	if !e.Restored {
		return
	}
	if e.Attempts == nil {
		e.Attempts = map[string]int{}
	}
	e.Attempts[phase]++
	delete(e.Times, phase+"/"+JobAnalysis)
	delete(e.Times, phase+"/"+JobAnalysis+"/run")
}

// IgnoreJob lets the rollout go on past a failed job, or accepts what stands
// where an effect asks.
func (e *Execution) IgnoreJob(r *Record, phase, job, actor string, now time.Time) error {
	p, j, err := e.failedJob(r, "ignore-job", phase, job)
	if err != nil {
		return err
	}
	if e.Spec.Remote {
		return e.ask(r, Request{Kind: driver.IgnoreJob, Phase: p.ID, Job: j.ID, Actor: actor}, now)
	}
	e.giveUpAsking(r, now)
	e.Accepted = true
	j.State = JobIgnored
	e.reopen(r, p, now)
	r.event(e, now, Event{Type: "job.ignored", Phase: p.ID, Job: j.ID, Actor: actor})
	return nil
}

// reopen takes a rollout up again at a phase.
func (e *Execution) reopen(r *Record, p *Phase, now time.Time) {
	p.State = PhaseInProgress
	setJobs(p, JobPending, JobAborted)
	for i := range e.Rollout.Phases {
		later := &e.Rollout.Phases[i]
		if later.State == PhaseAborted {
			later.State = PhasePending
			setJobs(later, JobPending, JobAborted)
		}
	}
	e.Asked = nil
	e.Rollout.State = StateInProgress
	if e.Rollout.DeployFailureCause == DeadlineExceeded {
		e.Rollout.DeployStartTime = now.UTC() // the person gives it the time once more
	}
	e.Rollout.FailureReason, e.Rollout.DeployFailureCause, e.Rollout.DeployEndTime = "", "", time.Time{}
	r.event(e, now, Event{Type: "rollout.reopened"})
}

// failedJob finds the job a person means: one that is FAILED, or whose effect asks.
func (e *Execution) failedJob(r *Record, command, phase, job string) (*Phase, *Job, error) {
	if s := e.Rollout.State; s != StateFailed && s != StateInProgress && s != StateHalted {
		return nil, nil, e.refuse(command, "only a failed job of a rollout that is FAILED or IN_PROGRESS can be retried or ignored")
	}
	if newest, ok := r.Newest(); ok && newest.Rollout.Name != e.Rollout.Name && newest.Touched() {
		return nil, nil, e.refuse(command, "a newer rollout, "+newest.Rollout.Name+", has changed the target since")
	}
	var names []string
	var foundPhase *Phase
	var found *Job
	for i := range e.Rollout.Phases {
		p := &e.Rollout.Phases[i]
		for _, j := range p.Jobs() {
			if !e.qualifies(p, j) || (phase != "" && p.ID != phase) || (job != "" && j.ID != job) {
				continue
			}
			names = append(names, p.ID+"/"+j.ID)
			foundPhase, found = p, j
		}
	}
	switch len(names) {
	case 0:
		return nil, nil, e.refuse(command, "no job"+of(phase, job)+" is FAILED or asks for a decision")
	case 1:
		return foundPhase, found, nil
	default:
		return nil, nil, e.refuse(command, "several jobs qualify: "+strings.Join(names, ", ")+"; name one with --phase and --job")
	}
}

func of(phase, job string) string {
	if phase == "" && job == "" {
		return ""
	}
	return " " + strings.Trim(phase+"/"+job, "/")
}

func (e *Execution) qualifies(p *Phase, j *Job) bool {
	if j.State == JobFailed {
		return true
	}
	step, open := e.OpenStep()
	return open && step.State == StepAsking && step.Phase == p.ID && step.Job == j.ID
}

// AskApproval has the platform's own rollout approved or rejected.
func (e *Execution) AskApproval(r *Record, approve bool, actor string, now time.Time) error {
	kind, name := driver.Approve, "approve"
	if !approve {
		kind, name = driver.Reject, "reject"
	}
	if e.Rollout.State != StatePendingApproval {
		return e.refuse(name, "only a rollout in PENDING_APPROVAL takes an approval or a rejection")
	}
	return e.ask(r, Request{Kind: kind, Actor: actor}, now)
}
