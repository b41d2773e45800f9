package rollout

import (
	"fmt"
	"time"
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

func expireApprovals(r *Record, now time.Time) bool {
	changed := false
	for i := range r.Rollouts {
		e := &r.Rollouts[i]
		if e.Rollout.State != StatePendingApproval {
			continue
		}
		if deadline := e.approvalDeadline(); !deadline.IsZero() && !now.Before(deadline) {
			reason := fmt.Sprintf("nobody approved within %s", e.Spec.Approval.Timeout.Std())
			e.reject(r, reason, "", now)
			changed = true
		}
	}
	return changed
}

func settleActive(r *Record, now time.Time) bool {
	e, ok := r.Active()
	if !ok {
		return false
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
	r.event(e, now, Event{Type: "rollout.started"})
}

func (e *Execution) settleCancelling(r *Record, now time.Time) bool {
	if e.busy() {
		return false
	}
	e.abortRest()
	e.finish(r, StateCancelled, now)
	return true
}

// busy reports whether an effect is under way or asked for.
func (e *Execution) busy() bool {
	_, open := e.OpenStep()
	return open || len(e.Asked) > 0
}

func (e *Execution) settleInProgress(r *Record, now time.Time) bool {
	if e.Spec.Remote || e.busy() {
		return e.settleOverdue(r, now)
	}
	if e.failed() {
		e.finish(r, StateFailed, now)
		return true
	}
	phase, i, ok := e.current()
	if !ok {
		e.finish(r, StateSucceeded, now)
		return true
	}
	if e.overdue(now) {
		e.failOverdue(r, phase, now)
		return true
	}
	if phase.State == PhasePending {
		return e.startPhase(r, phase, i, now)
	}
	return e.settlePhase(r, phase, now)
}

// settleOverdue ends an operation that took longer than it may. What the
// platform makes of it is no longer followed; the message says so.
func (e *Execution) settleOverdue(r *Record, now time.Time) bool {
	step, open := e.OpenStep()
	if !open || step.State != StepBegun || e.Rollout.State != StateInProgress {
		return false
	}
	limit := step.Time.Add(e.Spec.OperationTimeout.Std())
	what := fmt.Sprintf("the operation took longer than operationTimeout %s", e.Spec.OperationTimeout.Std())
	if e.Spec.Remote {
		limit, what = e.deadline(), fmt.Sprintf("the rollout took longer than timeout %s", e.Spec.Timeout.Std())
	}
	if now.Before(limit) {
		return false
	}
	step.State, step.Message = StepFailed, what+"; it may still be running on the platform"
	e.FailJob(r, step.Phase, step.Job, DeadlineExceeded, step.Message, now)
	return true
}

func (e *Execution) deadline() time.Time {
	return e.Rollout.DeployStartTime.Add(e.Spec.Timeout.Std())
}

func (e *Execution) overdue(now time.Time) bool {
	return e.Spec.Timeout > 0 && !now.Before(e.deadline())
}

func (e *Execution) failOverdue(r *Record, phase *Phase, now time.Time) {
	id := JobDeploy
	if job, ok := currentJob(phase); ok {
		id = job.ID
	}
	e.FailJob(r, phase.ID, id, DeadlineExceeded, fmt.Sprintf("the rollout took longer than timeout %s", e.Spec.Timeout.Std()), now)
}

// failed reports whether a phase failed, or a platform's own rollout did.
func (e *Execution) failed() bool {
	for _, p := range e.Rollout.Phases {
		if p.State == PhaseFailed {
			return true
		}
	}
	return false
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

func (e *Execution) beginPhase(r *Record, phase *Phase, now time.Time) {
	phase.State = PhaseInProgress
	r.event(e, now, Event{Type: "phase.started", Phase: phase.ID, Temporary: true, Action: e.Rollout.Name + "/" + phase.ID})
}

// settlePhase ends a deploy job without effects left, and a phase without jobs left.
func (e *Execution) settlePhase(r *Record, phase *Phase, now time.Time) bool {
	job, ok := currentJob(phase)
	if !ok {
		phase.State = PhaseSucceeded
		e.setTime(phase.ID, now)
		r.event(e, now, Event{Type: "phase.succeeded", Phase: phase.ID, Action: e.Rollout.Name + "/" + phase.ID})
		return true
	}
	if job.ID == JobDeploy && e.nextEffect(phase.ID) == "" {
		e.succeedJob(r, phase, job, now)
		return true
	}
	return false
}

func (e *Execution) succeedJob(r *Record, phase *Phase, job *Job, now time.Time) {
	job.State = JobSucceeded
	r.event(e, now, Event{Type: "job.succeeded", Phase: phase.ID, Job: job.ID, Action: job.JobRun})
}

func (e *Execution) setTime(key string, now time.Time) {
	if e.Times == nil {
		e.Times = map[string]time.Time{}
	}
	e.Times[key] = now.UTC()
}

// abortRest aborts what has not ended.
func (e *Execution) abortRest() {
	for i := range e.Rollout.Phases {
		p := &e.Rollout.Phases[i]
		if p.State == PhasePending || p.State == PhaseInProgress {
			p.State = PhaseAborted
			setJobs(p, JobAborted, JobPending, JobInProgress)
		}
	}
}

// finish puts the rollout into a final state.
func (e *Execution) finish(r *Record, state State, now time.Time) {
	e.Rollout.State = state
	e.Rollout.DeployEndTime = now.UTC()
	e.Due = time.Time{}
	if state == StateSucceeded {
		e.linkRollback(r)
	}
	r.event(e, now, Event{Type: "rollout." + eventName(state), Message: e.Rollout.FailureReason})
}

// linkRollback tells the rollout that was rolled back who did it.
func (e *Execution) linkRollback(r *Record) {
	if back, ok := r.Rollout(e.Rollout.RollbackOfRollout); ok && e.Rollout.RollbackOfRollout != "" {
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
