package rollout

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	v2 "github.com/go-json-experiment/json"

	"sluice/stages/driver"
)

// mirror is a rollout that the platform owns: once it has it, its state and its
// phases are the platform's, and only shown.
type mirror struct{ *Execution }

// there reports whether the platform has the rollout, or may have it.
func (e mirror) there() bool {
	return slices.ContainsFunc(e.Steps, func(s Step) bool { return s.Open() || s.State != StepWithdrawn && s.acted() })
}

// mirrored reports whether the rollout's state is its platform's.
func (e *Execution) mirrored() bool { return e.Spec.Remote && mirror{e}.there() }

// Platform is the platform's own rollout under its own name; nil where it has
// none.
func (e *Execution) Platform() json.RawMessage {
	if !e.mirrored() {
		return nil
	}
	theirs := e.Rollout
	if e.PlatformName != "" {
		theirs.Name = e.PlatformName
	}
	data, err := v2.Marshal(theirs)
	if err != nil {
		return nil // it was decoded from JSON: there is nothing that could not be written
	}
	return data
}

// Differs reports whether the platform's rollout is not what is mirrored. An
// error says that it cannot be read.
func (e *Execution) Differs(remote json.RawMessage) (bool, error) {
	theirs, err := decodePlatform(remote)
	if err != nil {
		return false, err
	}
	return theirs.State != e.Rollout.State || theirs.Etag != e.Rollout.Etag || len(theirs.Phases) != len(e.Rollout.Phases), nil
}

// decodePlatform reads a platform's rollout.
func decodePlatform(data json.RawMessage) (Rollout, error) {
	var r Rollout
	if err := v2.Unmarshal(data, &r); err != nil {
		return Rollout{}, fmt.Errorf("the platform's rollout cannot be read: %w", err)
	}
	if r.State == "" {
		return Rollout{}, fmt.Errorf("the platform's rollout cannot be read: it has no state")
	}
	return r, nil
}

// took takes over the platform's own rollout, keeping its name here and the
// links that only we know.
func (e mirror) took(theirs Rollout) {
	ours := e.Rollout
	e.PlatformName = theirs.Name
	e.Rollout = theirs
	e.Rollout.Name = ours.Name
	if theirs.TargetID == "" {
		e.Rollout.TargetID = ours.TargetID
	}
	if theirs.CreateTime.IsZero() {
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

func (e mirror) settle(r *Record, _ around, now time.Time) bool {
	if !e.overdue(now) {
		return false
	}
	e.failed(r, "", JobDeploy, DeadlineExceeded, e.Spec.overdueText(), now)
	return true
}

// settleThere gives a platform's own rollout up that takes longer than its
// timeout, and a command to it that takes longer than operationTimeout. What
// the platform makes of it is no longer followed; the message says so.
func (e mirror) settleThere(r *Record, now time.Time) bool {
	step, open := e.Steps.Open()
	if !open {
		return false
	}
	if step.Asked != nil || step.State == StepIntended {
		return e.underWay(r, step, now).settle()
	}
	return e.underWay(r, step, now).settleWaiting()
}

func (e mirror) next(r *Record, a around, due Due, now time.Time) Due {
	if e.there() {
		cause := CausePlatform
		if !e.Rollout.State.Known() {
			cause = CauseState
		}
		return due.wait(Waiting{Kind: WaitOperator, Cause: cause, State: e.Rollout.State})
	}
	due.Job, due.Kind = JobDeploy, driver.Deploy
	if e.Spec.Command == CommandRollback {
		due.Kind = driver.Rollback
	}
	return a.effect(r, e.Execution, due, now)
}

// succeeded ends a rollout whose platform says that its work is done, and goes
// on following one that a command made go on.
func (e mirror) succeeded(r *Record, step *Step, _ driver.Result, now time.Time) {
	switch step.Call.Kind {
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

// failed records that the platform's own rollout did not succeed. What the
// platform says of it stays.
func (e mirror) failed(r *Record, _, _ string, cause FailureCause, message string, now time.Time) {
	e.Rollout.FailureReason = message
	if e.Rollout.DeployFailureCause == "" && e.Rollout.State != StateCancelled {
		e.Rollout.DeployFailureCause = cause
	}
	if !e.Rollout.State.Final() {
		e.finish(r, StateFailed, now)
	} else {
		e.ended(r, now)
	}
	if e.Restored && e.Rollout.State == StateFailed && !e.orderedBack() {
		r.placeGoingBack(e.Execution, Actor{RunURL: e.Spec.RunURL, Reason: message}, now)
	}
}

// orderedBack reports whether somebody here had the rollout end: what that blocks
// stands already.
func (e mirror) orderedBack() bool {
	return e.YieldsTo != "" || slices.ContainsFunc(e.Steps, func(s Step) bool { return s.Call.Kind == driver.Cancel || s.Call.Kind == driver.Reject })
}

// askedFailed leaves the platform's work as it was: a command to it was refused.
func (e mirror) askedFailed(_ *Record, kind driver.Kind, _ FailureCause, _ string, _ time.Time) {
	if kind == driver.Terminate {
		e.Terminated = ""
	}
}

// abort and startJob have nothing to do: phases and jobs are the platform's.
func (e mirror) abort(*Record, time.Time)                    {}
func (e mirror) startJob(*Record, string, string, time.Time) {}

func (e mirror) takesWord(*Record) bool { return e.there() }

func (e mirror) advance(r *Record, phase *Phase, by Actor, now time.Time) error {
	return e.ask(r, Request{Kind: driver.Advance, Phase: phase.ID, Actor: by.Login}, now)
}

func (e mirror) cancel(r *Record, by Actor, now time.Time) error {
	step, asks := e.Steps.asking()
	if e.there() && !asks {
		return e.ask(r, Request{Kind: driver.Cancel, Actor: by.Login}, now)
	}
	if asks {
		e.underWay(r, step, now).decided()
	}
	e.finish(r, StateCancelled, now)
	return nil
}

func (e mirror) retry(r *Record, p *Phase, j *Job, by Actor, now time.Time) error {
	step, asks := e.Steps.asking()
	if !asks {
		return e.ask(r, Request{Kind: driver.RetryJob, Phase: p.ID, Job: j.ID, Actor: by.Login}, now)
	}
	e.underWay(r, step, now).decided()
	if step.Asked != nil {
		e.Asked = append(e.Asked, *step.Asked)
	}
	return nil // the effect goes out again
}

func (e mirror) ignore(r *Record, p *Phase, j *Job, by Actor, now time.Time) error {
	step, asks := e.Steps.asking()
	if !asks {
		return e.ask(r, Request{Kind: driver.IgnoreJob, Phase: p.ID, Job: j.ID, Actor: by.Login}, now)
	}
	e.underWay(r, step, now).decided()
	if step.Asked == nil {
		e.finish(r, StateSucceeded, now)
	}
	return nil
}

func (e mirror) makeWay(r *Record, w way, now time.Time) {
	e.YieldsTo = w.by
	step, asks := e.Steps.asking()
	switch {
	case e.there() && !asks:
		if e.Rollout.State != StateCancelling && !e.Asked.has(driver.Cancel) {
			e.Asked = append(e.Asked, Request{Kind: driver.Cancel, Actor: w.actor})
			r.event(e.Execution, now, Event{Type: "rollout.asked", Actor: w.actor, Message: string(driver.Cancel)})
		}
		return
	case asks:
		e.underWay(r, step, now).decided()
	}
	e.Rollout.FailureReason = w.why
	e.finish(r, StateCancelled, now)
}

// baseline is the platform's to know.
func (e mirror) baseline() (Goal, bool) {
	return Goal{Release: e.Previous, Rollout: e.Rollout.Name}, true
}

// followAgain takes up following the platform's own rollout after a command
// made it go on.
func (e mirror) followAgain(r *Record, now time.Time) {
	i := slices.IndexFunc(e.Steps, func(s Step) bool {
		return s.State == StepFailed && s.Operation != nil && (s.Call.Kind == driver.Deploy || s.Call.Kind == driver.Rollback)
	})
	if i < 0 {
		return
	}
	step := &e.Steps[i]
	step.State, step.Message = StepBegun, ""
	e.Rollout.FailureReason, e.Rollout.DeployFailureCause = "", ""
	e.Times.set(timeStarted, now)
	r.event(e.Execution, now, Event{Type: "effect.resumed", Phase: step.Phase, Job: step.Job, Temporary: true, Action: step.Call.Key, Message: string(step.Call.Kind)})
}
