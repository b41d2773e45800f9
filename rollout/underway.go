package rollout

import (
	"fmt"
	"time"

	"sluice/stages/driver"
)

// underWay is an effect that has no final answer yet, at a time.
type underWay struct {
	record *Record
	e      *Execution
	step   *Step
	now    time.Time
}

// underWay is an effect of the rollout that has no final answer yet.
func (e *Execution) underWay(r *Record, step *Step, now time.Time) underWay {
	return underWay{r, e, step, now}
}

// fail records that the effect has failed, and fails its job.
func (w underWay) fail(cause FailureCause, message string) {
	w.end(StepFailed, message)
	w.e.effectFailed(w.record, w.step.due(), cause, message, w.now)
}

// giveUp stops waiting for the platform's answer. Whether the effect takes place after
// all nobody knows.
func (w underWay) giveUp(what string) {
	if brings(w.step.Call.Kind) {
		w.e.Restored = false
	}
	w.fail(DeadlineExceeded, what+"; it may still be running on the platform")
}

// noteAsBefore notes whether the effect, which failed, left the target as it was,
// because its platform took it back by itself or never began it. Of the first that a
// rollout had, that is as it was before the rollout.
func (w underWay) noteAsBefore(result driver.Result) {
	if brings(w.step.Call.Kind) {
		w.e.Restored = result.Restored && !w.e.Steps.broughtBefore(w.step)
	}
	if !result.Restored {
		return
	}
	if len(result.After) > 0 {
		w.step.After = result.After
	}
	w.record.setRelease(result.Release)
}

// end ends an effect that did not succeed.
func (w underWay) end(state StepState, message string) {
	step := w.step
	step.State, step.Message = state, message
	kind := map[StepState]string{StepFailed: "effect.failed", StepWithdrawn: "effect.withdrawn"}[state]
	w.record.event(w.e, w.now, Event{Type: kind, Phase: step.Phase, Job: step.Job, Action: step.Call.Key, Message: message})
}

// decided withdraws an effect that waits for a person's decision: this is it.
func (w underWay) decided() {
	w.end(StepWithdrawn, decidedByPerson)
	w.e.Accepted = true
}

// settle gives an effect up that has no answer within operationTimeout. What was sent
// and could not be found by looking is for a person to decide; what a person was asked
// waits for as long as they take.
func (w underWay) settle() bool {
	if w.step.waiting(w.record.Target) != "" {
		return w.settleWaiting()
	}
	if !w.overdue() {
		return false
	}
	limit := w.e.Spec.OperationTimeout.Std()
	switch {
	case w.step.State == StepBegun:
		w.giveUp(fmt.Sprintf("the operation took longer than operationTimeout %s", limit))
		return true
	case w.step.State == StepIntended && w.step.Looked > 0:
		t := AskPerson{Due: w.step.due(), Key: w.step.Call.Key, Message: fmt.Sprintf("whether it took effect could not be found out within operationTimeout %s", limit)}
		t.ask(w.record, w.e, w.now)
		return true
	default:
		return false
	}
}

// settleWaiting gives an effect up that may take as long as the rollout.
func (w underWay) settleWaiting() bool {
	if w.step.State != StepBegun || !w.e.overdue(w.now) {
		return false
	}
	w.giveUp(w.e.Spec.overdueText())
	return true
}

// overdue reports whether the effect is to be given up.
func (w underWay) overdue() bool {
	if w.e.Spec.OperationTimeout <= 0 || w.e.Stop != nil && w.e.Stop.Cause != StopBlock {
		return false
	}
	return reached(w.step.Time.Add(w.e.Spec.OperationTimeout.Std()), w.now)
}
