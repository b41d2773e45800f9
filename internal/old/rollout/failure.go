package rollout

import (
	"encoding/json"
	"time"

	"sluice/stages/driver"
)

// failStep records that an effect has failed, and fails its job.
func (e *Execution) failStep(r *Record, step *Step, cause FailureCause, message string, now time.Time) {
	e.endStep(r, step, StepFailed, message, now)
	e.effectFailed(r, step.due(), cause, message, now)
}

// giveUpStep stops waiting for the platform's answer to an effect. Whether it
// takes effect after all nobody knows.
func (e *Execution) giveUpStep(r *Record, step *Step, what string, now time.Time) {
	message := what + "; it may still be running on the platform"
	e.endStep(r, step, StepFailed, message, now)
	e.effectFailed(r, step.due(), DeadlineExceeded, message, now)
}

// endStep ends an effect that did not succeed.
func (e *Execution) endStep(r *Record, step *Step, state StepState, message string, now time.Time) {
	step.State, step.Message = state, message
	kind := map[StepState]string{StepFailed: "effect.failed", StepWithdrawn: "effect.withdrawn"}[state]
	r.event(e, now, Event{Type: kind, Phase: step.Phase, Job: step.Job, Action: step.Call.Key, Message: message})
}

// effectFailed fails the job an effect belongs to. An effect outside the order
// of jobs was already the answer to a failure, or to a cancellation: its own
// failure is added to that and nothing more is tried.
func (e *Execution) effectFailed(r *Record, due Due, cause FailureCause, message string, now time.Time) {
	if !due.Asked {
		e.FailJob(r, due.Phase, due.Job, cause, message, now)
		return
	}
	if due.Kind != driver.Rollback || e.Spec.Remote {
		return // a command was refused: the platform's work is as it was
	}
	message = "traffic could not be put back: " + message
	if e.Rollout.FailureReason != "" {
		message = e.Rollout.FailureReason + "; and " + message
	}
	e.Rollout.FailureReason, e.Rollout.DeployFailureCause = message, cause
	e.abortRest(r, now)
	e.finish(r, StateFailed, now)
}

// FailEffect is [Execution.FailEffectBecause] of EXECUTION_FAILED.
func (e *Execution) FailEffect(r *Record, due Due, key, message string, now time.Time) {
	e.FailEffectBecause(r, due, key, ExecutionFailed, message, now)
}

// FailEffectBecause records that an effect was refused before or by the
// platform without taking place; [CauseOf] tells the cause from an error's
// code. key may name no open effect: then nothing was sent.
func (e *Execution) FailEffectBecause(r *Record, due Due, key string, cause FailureCause, message string, now time.Time) {
	if step, ok := e.openStep(key); ok {
		e.failStep(r, step, cause, message, now)
		return
	}
	if due.Asked {
		e.takeAsked(due)
	}
	r.event(e, now, Event{Type: "effect.refused", Phase: due.Phase, Job: due.Job, Message: string(due.Kind) + ": " + message})
	e.effectFailed(r, due, cause, message, now)
}

// Withdraw records that an intended effect was provably never sent and never
// will be. What was asked for is still to be sent, as another effect.
func (e *Execution) Withdraw(r *Record, key, why string, now time.Time) {
	step, ok := e.openStep(key)
	if !ok {
		return
	}
	e.endStep(r, step, StepWithdrawn, why, now)
	if step.Asked != nil {
		e.Asked = append(e.Asked, *step.Asked)
	}
}

// LookedUp counts an invocation that could not find out what an intended
// effect did. [Settle] asks a person once operationTimeout has passed too.
func (e *Execution) LookedUp(key string) {
	if step, ok := e.openStep(key); ok {
		step.Looked++
	}
}

// Ask stops at an effect that cannot be decided: a person must. key may name
// no open effect: then nothing was sent.
func (e *Execution) Ask(r *Record, due Due, key string, found json.RawMessage, message string, now time.Time) {
	step, ok := e.openStep(key)
	if ok {
		step.Unsure = true
	} else {
		change := e.Change(due)
		step = e.addStep(r, due, Step{
			Call:   driver.Call{Key: key, Kind: due.Kind, Changes: []driver.Change{change}},
			Before: change.Expected,
		}, now)
	}
	step.State, step.Found, step.Message = StepAsking, found, message
	r.event(e, now, Event{Type: "effect.asking", Phase: due.Phase, Job: due.Job, Temporary: true, Action: key, Message: message})
}
