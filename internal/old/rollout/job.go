package rollout

import (
	"fmt"
	"slices"
	"time"

	"sluice/stages/driver"
)

// StartChecks puts a job that runs checks to work.
func (e *Execution) StartChecks(r *Record, phase, job string, now time.Time) {
	e.startJob(r, phase, job, now)
	if job == JobAnalysis {
		if _, began := e.Times[analysisKey(phase)]; !began {
			e.setTime(analysisKey(phase), now)
		}
	}
}

// PassChecks records that all checks of a job passed. An analysis goes on until
// its bake is over.
func (e *Execution) PassChecks(r *Record, phase, job string, now time.Time) {
	p, j, ok := e.job(phase, job)
	if !ok || j.State != JobInProgress {
		return
	}
	if job == JobAnalysis {
		e.setTime(analysisRunKey(phase), now)
		if now.Before(e.analysisEnd(phase)) {
			return
		}
	}
	e.succeedJob(r, p, j, now)
}

// FailJob records that a job failed: its phase fails, what comes later is
// aborted, and a canary puts its traffic back where the plan says so. During a
// cancellation the rollout still ends CANCELLED.
func (e *Execution) FailJob(r *Record, phase, job string, cause FailureCause, message string, now time.Time) {
	if e.Spec.Remote {
		e.failRemote(r, cause, message, now)
		return
	}
	if p, ok := e.Rollout.Phase(phase); ok {
		if j, ok := p.Job(job); ok {
			j.State = JobFailed
			r.event(e, now, Event{Type: "job.failed", Phase: phase, Job: job, Action: j.JobRun, Message: message})
		}
		e.endPhase(r, p, PhaseFailed, message, now)
	}
	e.abortRest(r, now)
	e.Rollout.FailureReason, e.Rollout.DeployFailureCause = message, cause
	if e.Spec.Restore && e.needsRestoring() {
		e.Asked = []Request{{Kind: driver.Rollback, Phase: phase, Job: job}}
	}
}

// job finds a job and its phase.
func (e *Execution) job(phase, job string) (*Phase, *Job, bool) {
	p, ok := e.Rollout.Phase(phase)
	if !ok {
		return nil, nil, false
	}
	j, ok := p.Job(job)
	return p, j, ok
}

// startJob puts a job to work. The jobs of a platform's own rollout are the
// platform's.
func (e *Execution) startJob(r *Record, phase, job string, now time.Time) {
	_, j, ok := e.job(phase, job)
	if !ok || j.State != JobPending || e.Spec.Remote {
		return
	}
	if e.Runs == nil {
		e.Runs = map[string]int{}
	}
	e.Runs[phase+"/"+job]++
	j.State = JobInProgress
	j.JobRun = fmt.Sprintf("%s/%s-%s-%d", e.Rollout.Name, phase, job, e.Runs[phase+"/"+job])
	r.event(e, now, Event{Type: "job.started", Phase: phase, Job: job, Temporary: true, Action: j.JobRun})
}

func (e *Execution) succeedJob(r *Record, phase *Phase, job *Job, now time.Time) {
	job.State = JobSucceeded
	r.event(e, now, Event{Type: "job.succeeded", Phase: phase.ID, Job: job.ID, Action: job.JobRun})
}

// beginPhase puts a phase to work.
func (e *Execution) beginPhase(r *Record, phase *Phase, now time.Time) {
	phase.State = PhaseInProgress
	r.event(e, now, Event{Type: "phase.started", Phase: phase.ID, Temporary: true, Action: e.phaseAction(phase.ID)})
}

func (e *Execution) phaseAction(phase string) string { return e.Rollout.Name + "/" + phase }

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
		r.event(e, now, Event{Type: kind, Phase: p.ID, Action: e.phaseAction(p.ID), Message: message})
	}
	p.State = state
}

// abortRest aborts what has not ended. The phases of a platform's own rollout
// are the platform's.
func (e *Execution) abortRest(r *Record, now time.Time) {
	if e.Spec.Remote {
		return
	}
	for i := range e.Rollout.Phases {
		p := &e.Rollout.Phases[i]
		if p.State == PhasePending || p.State == PhaseInProgress {
			e.endPhase(r, p, PhaseAborted, "", now)
		}
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
