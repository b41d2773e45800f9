package rollout

import (
	"time"

	"sluice/stages/driver"
)

// Action is what the engine is to do next for a target.
type Action string

// The actions.
const (
	ActionIdle    Action = "idle"    // nothing: no rollout is unfinished
	ActionWait    Action = "wait"    // for a time, a person or another rollout
	ActionEffect  Action = "effect"  // prepare, save and send an effect
	ActionConfirm Action = "confirm" // look up what an unanswered effect did
	ActionFollow  Action = "follow"  // poll an operation
	ActionCheck   Action = "check"   // run the checks of a job
)

// Due is what is to be done next.
type Due struct {
	Action  Action
	Rollout string
	Phase   string
	Job     string
	Kind    driver.Kind // ActionEffect
	Asked   bool        // ActionEffect: outside the order of jobs
	Waiting Waiting     // ActionWait
}

// View is what a decision needs to know beyond the target's own record.
type View struct {
	// Halted names a target of the same promotion whose failure stops this one
	// (onFailure: halt); "" where none does.
	Halted string
}

// Next says what is due for r. It reads only; [Settle] first makes the
// transitions that need nothing but time.
func Next(r *Record, now time.Time, view View) Due {
	e, ok := r.Active()
	if !ok {
		return Due{Action: ActionIdle}
	}
	due := Due{Rollout: e.Rollout.Name}
	if step, open := e.OpenStep(); open && !e.commandFirst(step) {
		return answer(r, step, due)
	}
	if len(e.Asked) > 0 {
		q := e.Asked[0]
		return effect(r, due, q.Phase, q.Job, q.Kind, true)
	}
	switch {
	case e.mirrored():
		return due.wait(Waiting{Kind: WaitOperator, By: "the platform's rollout is " + string(e.Rollout.State)})
	case e.Rollout.State == StatePendingApproval:
		return due.wait(waitApproval(e))
	case e.Rollout.State == StatePending || e.Rollout.State == StateCancelling:
		return due.wait(Waiting{Kind: WaitQueue, Until: now.UTC(), Command: "sluice reconcile"}) // Settle takes it up
	case e.Rollout.State == StateInProgress:
		return e.inProgress(r, now, view, due)
	default:
		return due.wait(Waiting{Kind: WaitOperator, By: "unknown state " + string(e.Rollout.State)})
	}
}

func (d Due) wait(w Waiting) Due {
	d.Action, d.Waiting = ActionWait, w
	return d
}

// commandFirst reports whether a command to what the platform works on goes out
// before that is followed further.
func (e *Execution) commandFirst(step *Step) bool {
	return step.State == StepBegun && len(e.Asked) > 0 && isCommand(e.Asked[0].Kind)
}

// answer decides about an effect that has no final answer yet.
func answer(r *Record, step *Step, due Due) Due {
	due.Phase, due.Job, due.Kind, due.Asked = step.Phase, step.Job, step.Call.Kind, step.Asked != nil
	switch step.State {
	case StepIntended:
		due.Action = ActionConfirm
	case StepBegun:
		due.Action = ActionFollow
	default:
		return due.wait(waitDecision(r.Target, step.Message))
	}
	return due
}

// effect lets an effect go out unless a person stopped the line, which never
// keeps traffic from being put back, nor a platform's rollout from being stopped.
func effect(r *Record, due Due, phase, job string, kind driver.Kind, asked bool) Due {
	due.Phase, due.Job, due.Kind, due.Asked = phase, job, kind, asked
	stops := kind == driver.Rollback || kind == driver.Cancel || kind == driver.Reject
	if r.Lock != nil && r.Lock.Person && !stops {
		return due.wait(waitUnlock(r))
	}
	due.Action = ActionEffect
	return due
}

// inProgress finds the current phase and what it wants.
func (e *Execution) inProgress(r *Record, now time.Time, view View, due Due) Due {
	if view.Halted != "" {
		return due.wait(waitDecision(view.Halted, view.Halted+" failed and the stage halts"))
	}
	if e.Spec.Remote {
		return effect(r, due, "", JobDeploy, e.remoteKind(), false)
	}
	phase, i, ok := e.current()
	if !ok {
		return due.wait(Waiting{Kind: WaitOperator, By: "no phase is left"})
	}
	due.Phase = phase.ID
	if phase.State == PhasePending {
		return due.wait(e.waitForPhase(i))
	}
	job, ok := currentJob(phase)
	if !ok {
		return due.wait(Waiting{Kind: WaitOperator, By: "phase " + phase.ID + " has no job left"})
	}
	if job.ID == JobDeploy {
		return effect(r, due, phase.ID, JobDeploy, e.nextEffect(phase.ID), false)
	}
	return e.check(r, phase.ID, job.ID, now, due)
}

// check decides about a job that runs checks.
func (e *Execution) check(r *Record, phase, job string, now time.Time, due Due) Due {
	due.Job = job
	if job == JobAnalysis && !e.analysisDue(phase, now) {
		return due.wait(Waiting{Kind: WaitBake, Until: e.analysisEnd(phase), Command: "sluice reconcile"})
	}
	if r.Lock != nil && r.Lock.Person && job == JobPredeploy {
		return due.wait(waitUnlock(r))
	}
	due.Action = ActionCheck
	return due
}
