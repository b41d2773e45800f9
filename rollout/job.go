package rollout

import (
	"time"

	"sluice/stages/driver"
)

// StartChecks puts a job that runs checks to work.
func (e *Execution) StartChecks(r *Record, phase, job string, now time.Time) {
	e.startJob(r, phase, job, now)
	if job == JobAnalysis {
		if _, began := e.Times[phase+"/"+JobAnalysis]; !began {
			e.setTime(phase+"/"+JobAnalysis, now)
		}
	}
}

// PassChecks records that all checks of a job passed. An analysis goes on until
// its bake is over.
func (e *Execution) PassChecks(r *Record, phase, job string, now time.Time) {
	p, ok := e.Rollout.Phase(phase)
	if !ok {
		return
	}
	j, ok := p.Job(job)
	if !ok {
		return
	}
	if job == JobAnalysis {
		e.setTime(phase+"/"+JobAnalysis+"/run", now)
		if now.Before(e.analysisEnd(phase)) {
			return
		}
	}
	e.succeedJob(r, p, j, now)
}

// FailJob records that a job failed: its phase fails, what comes later is
// aborted, and a canary puts its traffic back where the plan says so.
func (e *Execution) FailJob(r *Record, phase, job string, cause FailureCause, message string, now time.Time) {
	if p, ok := e.Rollout.Phase(phase); ok {
		if j, ok := p.Job(job); ok {
			j.State = JobFailed
			r.event(e, now, Event{Type: "job.failed", Phase: phase, Job: job, Action: j.JobRun, Message: message})
		}
		setJobs(p, JobAborted, JobPending, JobInProgress)
		p.State = PhaseFailed
	}
	e.abortRest()
	e.Rollout.FailureReason, e.Rollout.DeployFailureCause = message, cause
	if e.Spec.Remote {
		if !e.Rollout.State.Final() {
			e.finish(r, StateFailed, now)
		}
		return
	}
	if e.Rollout.State == StateInProgress && e.Spec.Restore && e.canaryStands() {
		e.Asked = []Request{{Kind: driver.Rollback, Phase: phase, Job: job}}
	}
}

// canaryStands reports whether traffic goes, or may go, to our canary: a share
// was given and neither made stable nor put back since.
func (e *Execution) canaryStands() bool {
	stands := false
	for _, s := range e.Steps {
		if s.State == StepWithdrawn || s.State == StepFailed {
			continue
		}
		switch s.Call.Kind {
		case driver.Weight:
			stands = true
		case driver.Stable, driver.Deploy, driver.Rollback:
			stands = stands && s.State != StepDone
		}
	}
	return stands
}
