package rollout

import (
	"fmt"
	"slices"
	"time"

	"sluice/stages/driver"
)

// Settle makes every transition that needs nothing but time: approvals that ran
// out, queued rollouts that may start, phases that are due or over, deadlines,
// and ends. It is idempotent and reports whether it changed anything.
func Settle(r *Record, now time.Time) bool {
	changed := expireApprovals(r, now)
	for settleActive(r, now) {
		changed = true
	}
	return changed
}

// expireApprovals rejects what nobody approved in time. A platform's own
// rollout waits for as long as the platform lets it.
func expireApprovals(r *Record, now time.Time) bool {
	changed := false
	for i := range r.Rollouts {
		e := &r.Rollouts[i]
		if e.Rollout.State != StatePendingApproval || e.mirrored() || !reached(e.approvalDeadline(), now) {
			continue
		}
		e.reject(r, fmt.Sprintf("nobody approved within %s", e.Spec.Approval.Timeout.Std()), "", now)
		changed = true
	}
	return changed
}

func settleActive(r *Record, now time.Time) bool {
	e, ok := r.Active()
	if !ok {
		return false
	}
	if e.mirrored() {
		return e.settleRemote(r, now)
	}
	switch e.Rollout.State {
	case StatePending:
		e.start(r, now)
		return true
	case StateInProgress:
		return e.settleInProgress(r, now)
	case StateCancelling:
		return e.settleCancelling(r, now)
	default:
		return false
	}
}

func (e *Execution) start(r *Record, now time.Time) {
	e.Rollout.State = StateInProgress
	e.Rollout.DeployStartTime = now.UTC()
	e.setTime(timeStarted, now)
	r.event(e, now, Event{Type: "rollout.started"})
}

// settleCancelling puts traffic back where the canary stands and ends the
// rollout when no effect is under way any more.
func (e *Execution) settleCancelling(r *Record, now time.Time) bool {
	if step, open := e.OpenStep(); open {
		return e.settleOperation(r, step, now)
	}
	if !e.needsRestoring() {
		e.abortRest(r, now)
		e.finish(r, StateCancelled, now)
		return true
	}
	if len(e.Asked) > 0 {
		return false
	}
	phase := PhaseStable
	if p, _, ok := e.current(); ok {
		phase = p.ID
	}
	e.Asked = []Request{{Kind: driver.Rollback, Phase: phase, Job: JobDeploy}}
	return true
}

func (e *Execution) settleInProgress(r *Record, now time.Time) bool {
	if step, open := e.OpenStep(); open {
		return e.settleOperation(r, step, now)
	}
	if len(e.Asked) > 0 {
		return false
	}
	if e.failed() {
		e.finish(r, StateFailed, now)
		return true
	}
	if e.Spec.Remote {
		return e.failOverdue(r, "", now)
	}
	phase, i, ok := e.current()
	if !ok {
		e.finish(r, StateSucceeded, now)
		return true
	}
	if e.failOverdue(r, phase.ID, now) {
		return true
	}
	if phase.State == PhasePending {
		return e.startPhase(r, phase, i, now)
	}
	return e.settlePhase(r, phase, now)
}

// settleOperation gives an effect up that has no answer within
// operationTimeout. What was sent and could not be found by looking is for a
// person to decide; what a person was asked waits for as long as they take.
func (e *Execution) settleOperation(r *Record, step *Step, now time.Time) bool {
	if step.waiting(r.Target) != "" {
		return e.giveUpWaiting(r, step, now)
	}
	if !reached(e.operationDeadline(step), now) {
		return false
	}
	limit := e.Spec.OperationTimeout.Std()
	switch {
	case step.State == StepBegun:
		e.giveUpStep(r, step, fmt.Sprintf("the operation took longer than operationTimeout %s", limit), now)
		return true
	case step.State == StepIntended && step.Looked > 0:
		e.Ask(r, step.due(), step.Call.Key, nil, fmt.Sprintf("whether it took effect could not be found out within operationTimeout %s", limit), now)
		return true
	default:
		return false
	}
}

// settleRemote gives a platform's own rollout up that takes longer than its
// timeout, and a command to it that takes longer than operationTimeout. What
// the platform makes of it is no longer followed; the message says so.
func (e *Execution) settleRemote(r *Record, now time.Time) bool {
	step, open := e.OpenStep()
	if !open {
		return false
	}
	if step.Asked != nil || step.State == StepIntended {
		return e.settleOperation(r, step, now)
	}
	return e.giveUpWaiting(r, step, now)
}

// giveUpWaiting gives an effect up that may take as long as the rollout.
func (e *Execution) giveUpWaiting(r *Record, step *Step, now time.Time) bool {
	if step.State != StepBegun || !e.overdue(now) {
		return false
	}
	e.giveUpStep(r, step, e.overdueText(), now)
	return true
}

func (e *Execution) overdueText() string {
	return fmt.Sprintf("the rollout took longer than timeout %s", e.Spec.Timeout.Std())
}

// failOverdue fails a rollout that took longer than its timeout, at the job it
// is at.
func (e *Execution) failOverdue(r *Record, phase string, now time.Time) bool {
	if !e.overdue(now) {
		return false
	}
	id := JobDeploy
	if p, ok := e.Rollout.Phase(phase); ok {
		if job, ok := currentJob(p); ok {
			id = job.ID
		}
	}
	e.FailJob(r, phase, id, DeadlineExceeded, e.overdueText(), now)
	return true
}

// startPhase starts phase i where nothing but time was missing.
func (e *Execution) startPhase(r *Record, phase *Phase, i int, now time.Time) bool {
	if i > 0 && e.Rollout.Phases[i-1].State == PhaseSucceeded {
		if e.Spec.Wait == nil || now.Before(e.phaseDue(i)) {
			return false
		}
	}
	e.beginPhase(r, phase, now)
	return true
}

// settlePhase ends a deploy job without effects left, and a phase without jobs left.
func (e *Execution) settlePhase(r *Record, phase *Phase, now time.Time) bool {
	job, ok := currentJob(phase)
	if !ok {
		phase.State = PhaseSucceeded
		e.setTime(phase.ID, now)
		r.event(e, now, Event{Type: "phase.succeeded", Phase: phase.ID, Action: e.phaseAction(phase.ID)})
		return true
	}
	if job.ID == JobDeploy && e.nextEffect(phase.ID) == "" {
		e.succeedJob(r, phase, job, now)
		return true
	}
	return false
}

// finish puts the rollout into a final state.
func (e *Execution) finish(r *Record, state State, now time.Time) {
	e.Rollout.State, e.Asked = state, nil
	if !e.Rollout.DeployStartTime.IsZero() {
		e.Rollout.DeployEndTime = now.UTC()
	}
	e.ended(r, now)
}

// ended does what comes with a final state, ours or the platform's.
func (e *Execution) ended(r *Record, now time.Time) {
	e.Due = time.Time{}
	switch e.Rollout.State {
	case StateSucceeded:
		e.linkRollback(r)
	case StateCancelled:
		e.Rollout.DeployFailureCause = "" // it did not fail; the reason stays
	}
	r.closeActions(e, now)
	r.event(e, now, Event{Type: "rollout." + eventName(e.Rollout.State), Message: e.Rollout.FailureReason})
}

// linkRollback tells the rollout that was rolled back who did it.
func (e *Execution) linkRollback(r *Record) {
	back, ok := r.Rollout(e.Rollout.RollbackOfRollout)
	if ok && !slices.Contains(back.Rollout.RolledBackByRollouts, e.Rollout.Name) {
		back.Rollout.RolledBackByRollouts = append(back.Rollout.RolledBackByRollouts, e.Rollout.Name)
	}
}

func eventName(s State) string {
	switch s {
	case StateSucceeded:
		return "succeeded"
	case StateFailed:
		return "failed"
	case StateCancelled:
		return "cancelled"
	default:
		return "rejected"
	}
}
