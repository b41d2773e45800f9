package rollout

import (
	"slices"
	"time"

	"sluice/stages/driver"
)

func (t Terminate) apply(r *Record, now time.Time) error {
	command := string(ToTerminate)
	e, err := r.rolloutFor(command, t.Rollout)
	if err != nil {
		return err
	}
	if e.Rollout.State != StateInProgress {
		return e.refuse(command, ReasonState, StateInProgress)
	}
	if e.Spec.Remote && !e.mirrored() {
		return e.refuse(command, ReasonNotThere)
	}
	if err := r.Blocks.mayGoOn(e, ToTerminate, t.By, now); err != nil {
		return err
	}
	p, j, err := e.onlyJob(command, JobInProgress, ReasonNotRunning, t.Phase, t.Job)
	if err != nil {
		return err
	}
	if step, open := e.Steps.Open(); open && step.Call.Kind == driver.Terminate {
		return e.refuse(command, ReasonAlready)
	}
	if err := e.owner().terminate(r, p, j, t.By, now); err != nil {
		return err
	}
	r.notePassed(Question{Intention: ToTerminate, Release: e.Spec.Release.ID}, t.By, now)
	e.Terminated = p.ID + "/" + j.ID
	return nil
}

// terminate has the platform stop what it is at for the job; a job that runs checks
// fails at once.
func (e local) terminate(r *Record, p *Phase, j *Job, by Actor, now time.Time) error {
	step, open := e.Steps.Open()
	switch {
	case open && step.State == StepBegun:
		return e.ask(r, Request{Kind: driver.Terminate, Phase: p.ID, Job: j.ID, Actor: by.Login, Reason: by.Reason}, now)
	case open:
		return e.refuse(string(ToTerminate), ReasonUnsure)
	}
	message := checks{e.Execution, p.ID, j.ID}.terminated(by.Login, by.Reason)
	r.event(e.Execution, now, Event{Type: "job.terminated", Phase: p.ID, Job: j.ID, Action: j.JobRun, Actor: by.Login, Message: by.Reason})
	if e.Undecided.is(p.ID, j.ID) {
		e.Undecided = nil // what was measured stays
	}
	e.failed(r, p.ID, j.ID, ExecutionFailed, message, now)
	return nil
}

// terminated says who ended the job, and why.
func (c checks) terminated(by, reason string) string {
	message := c.why("was terminated", "by "+by)
	if reason != "" {
		message += ": " + reason
	}
	return message
}

// stoppedBy begins the message of a job for which somebody had the platform stop what it
// was at; "" where nobody had.
func stoppedBy(e *Execution, phase, job string) string {
	if e.Terminated != phase+"/"+job {
		return ""
	}
	for _, s := range slices.Backward(e.Steps) {
		if s.Call.Kind == driver.Terminate && s.Asked != nil && s.Phase == phase && s.Job == job {
			return checks{e, phase, job}.terminated(s.Asked.Actor, s.Asked.Reason) + ": "
		}
	}
	return ""
}

func (e mirror) terminate(r *Record, p *Phase, j *Job, by Actor, now time.Time) error {
	return e.ask(r, Request{Kind: driver.Terminate, Phase: p.ID, Job: j.ID, Actor: by.Login}, now)
}
