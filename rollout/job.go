package rollout

import (
	"slices"
	"time"
)

func (t StartJob) apply(r *Record, now time.Time) error {
	e, err := r.rolloutFor("start a job of", t.Due.Rollout)
	if err != nil {
		return err
	}
	e.owner().startJob(r, t.Due.Phase, t.Due.Job, now)
	if t.Due.Job == JobAnalysis {
		if _, began := e.Times[analysisKey(t.Due.Phase)]; !began {
			e.Times.set(analysisKey(t.Due.Phase), now)
		}
	}
	return nil
}

func (t PassJob) apply(r *Record, now time.Time) error {
	e, err := r.rolloutFor("pass a job of", t.Due.Rollout)
	if err != nil {
		return err
	}
	p, j, ok := e.Rollout.job(t.Due.Phase, t.Due.Job)
	if !ok || j.State != JobInProgress {
		return nil // it ended meanwhile
	}
	if j.ID == JobAnalysis {
		e.Times.set(analysisRunKey(p.ID), now)
		if !analysisOf(e, p.ID).over(now) {
			return nil
		}
	}
	if len(e.Spec.GatesIn(p.ID).Stage(j.ID)) > 0 {
		e.Times.set(ownKey(p.ID, j.ID), now) // Settle goes on when the stage's are over
		return nil
	}
	e.succeedJob(r, p, j, now)
	return nil
}

func (t FailJob) apply(r *Record, now time.Time) error {
	e, err := r.rolloutFor("fail a job of", t.Due.Rollout)
	if err != nil {
		return err
	}
	if _, j, ok := e.Rollout.job(t.Due.Phase, t.Due.Job); !ok && !e.Spec.Remote || ok && j.State.over() || e.Rollout.State.Final() {
		return nil // it ended meanwhile
	}
	e.owner().failed(r, t.Due.Phase, t.Due.Job, t.Cause, t.Message, now)
	return nil
}

func (e *Execution) succeedJob(r *Record, phase *Phase, job *Job, now time.Time) {
	job.State = JobSucceeded
	r.event(e, now, Event{Type: "job.succeeded", Phase: phase.ID, Job: job.ID, Action: job.JobRun})
}

// beginPhase puts a phase to work.
func (e *Execution) beginPhase(r *Record, phase *Phase, now time.Time) {
	phase.State = PhaseInProgress
	r.event(e, now, Event{Type: "phase.started", Phase: phase.ID, Temporary: true, Action: e.Rollout.phaseAction(phase.ID)})
}

// endPhase ends a phase that did not succeed: what has not ended in it is aborted.
func (e *Execution) endPhase(r *Record, p *Phase, state PhaseState, message string, now time.Time) {
	for _, j := range p.Jobs() {
		if j.State == JobInProgress {
			r.event(e, now, Event{Type: "job.aborted", Phase: p.ID, Job: j.ID, Action: j.JobRun})
		}
	}
	setJobs(p, JobAborted, JobPending, JobInProgress)
	if p.State == PhaseInProgress || state == PhaseFailed {
		kind := map[PhaseState]string{PhaseFailed: "phase.failed", PhaseAborted: "phase.aborted"}[state]
		r.event(e, now, Event{Type: kind, Phase: p.ID, Action: e.Rollout.phaseAction(p.ID), Message: message})
	}
	p.State = state
	if e.Undecided != nil && e.Undecided.Phase == p.ID {
		e.Undecided = nil
	}
}

// setJobs puts the phase's jobs that are in one of the states from into to.
func setJobs(p *Phase, to JobState, from ...JobState) {
	for _, j := range p.Jobs() {
		if slices.Contains(from, j.State) {
			j.State = to
		}
	}
}
