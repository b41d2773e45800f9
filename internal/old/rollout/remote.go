package rollout

import (
	"encoding/json"
	"slices"
	"time"

	v2 "github.com/go-json-experiment/json"

	"sluice/stages/driver"
)

// mirror takes over the platform's own rollout, keeping its name here and the
// links that only we know.
func (e *Execution) mirror(result driver.Result) {
	if len(result.Rollout) == 0 {
		return
	}
	var remote Rollout
	if err := v2.Unmarshal(result.Rollout, &remote); err != nil {
		return
	}
	ours := e.Rollout
	e.PlatformName = remote.Name
	e.Rollout = remote
	e.Rollout.Name = ours.Name
	if remote.TargetID == "" {
		e.Rollout.TargetID = ours.TargetID
	}
	if remote.CreateTime.IsZero() {
		e.Rollout.CreateTime = ours.CreateTime
	}
	if ours.ControllerRollout != "" {
		e.Rollout.ControllerRollout = ours.ControllerRollout
	}
	if ours.RollbackOfRollout != "" {
		e.Rollout.RollbackOfRollout = ours.RollbackOfRollout
	}
	if len(ours.RolledBackByRollouts) > 0 {
		e.Rollout.RolledBackByRollouts = ours.RolledBackByRollouts
	}
}

// Differs reports whether the platform's rollout is not what is mirrored.
func (e *Execution) Differs(remote json.RawMessage) bool {
	var r Rollout
	if err := v2.Unmarshal(remote, &r); err != nil {
		return false
	}
	return r.State != e.Rollout.State || r.Etag != e.Rollout.Etag || len(r.Phases) != len(e.Rollout.Phases)
}

// remoteDone ends a rollout whose platform says that its work is done, and goes
// on following one that a command made go on.
func (e *Execution) remoteDone(r *Record, kind driver.Kind, now time.Time) {
	switch kind {
	case driver.Deploy, driver.Rollback:
		if !e.Rollout.State.Final() {
			e.finish(r, StateSucceeded, now)
			return
		}
		e.ended(r, now)
	case driver.RetryJob, driver.IgnoreJob:
		e.followAgain(r, now)
	}
}

// failRemote records that the platform's own rollout did not succeed. What the
// platform says of it stays.
func (e *Execution) failRemote(r *Record, cause FailureCause, message string, now time.Time) {
	e.Rollout.FailureReason = message
	if e.Rollout.DeployFailureCause == "" && e.Rollout.State != StateCancelled {
		e.Rollout.DeployFailureCause = cause
	}
	if !e.Rollout.State.Final() {
		e.finish(r, StateFailed, now)
		return
	}
	e.ended(r, now)
}

// followAgain takes up following the platform's own rollout after a command
// made it go on.
func (e *Execution) followAgain(r *Record, now time.Time) {
	i := slices.IndexFunc(e.Steps, func(s Step) bool {
		return s.State == StepFailed && s.Operation != nil && (s.Call.Kind == driver.Deploy || s.Call.Kind == driver.Rollback)
	})
	if i < 0 {
		return
	}
	step := &e.Steps[i]
	step.State, step.Message = StepBegun, ""
	e.Rollout.FailureReason, e.Rollout.DeployFailureCause = "", ""
	e.setTime(timeStarted, now)
	r.event(e, now, Event{Type: "effect.resumed", Phase: step.Phase, Job: step.Job, Temporary: true, Action: step.Call.Key, Message: string(step.Call.Kind)})
}

// ask has a command sent to the platform's own rollout.
func (e *Execution) ask(r *Record, q Request, now time.Time) error {
	if slices.ContainsFunc(e.Asked, func(have Request) bool { return have.Kind == q.Kind && have.Phase == q.Phase && have.Job == q.Job }) {
		return e.refuse(commandName(q.Kind), "it was asked for already; `sluice reconcile` sends it")
	}
	e.Asked = append(e.Asked, q)
	r.event(e, now, Event{Type: "rollout.asked", Phase: q.Phase, Job: q.Job, Actor: q.Actor, Message: string(q.Kind)})
	return nil
}
