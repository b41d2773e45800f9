package rollout

import "slices"

// Where a rollout is: what its resource says of phases and jobs.

// current is the first phase that is not over.
func (r *Rollout) current() (*Phase, int, bool) {
	for i := range r.Phases {
		switch r.Phases[i].State {
		case PhaseSucceeded, PhaseSkipped:
		default:
			return &r.Phases[i], i, true
		}
	}
	return nil, 0, false
}

// failedPhase reports whether a phase of ours failed, or was aborted by a failure.
func (r *Rollout) failedPhase() bool {
	return slices.ContainsFunc(r.Phases, func(p Phase) bool { return p.State == PhaseFailed || p.State == PhaseAborted })
}

// job finds a job and its phase.
func (r *Rollout) job(phase, job string) (*Phase, *Job, bool) {
	p, ok := r.Phase(phase)
	if !ok {
		return nil, nil, false
	}
	j, ok := p.Job(job)
	return p, j, ok
}

func (r *Rollout) phaseAction(phase string) string { return r.Name + "/" + phase }

// jobFailed reports whether a job of the rollout is FAILED: a rollout fails
// without one where putting traffic back failed.
func (r *Rollout) jobFailed() bool {
	return slices.ContainsFunc(r.Phases, func(p Phase) bool {
		return slices.ContainsFunc(p.Jobs(), func(j *Job) bool { return j.State == JobFailed })
	})
}

// FailedJobs are the jobs that are FAILED, each with its phase, in their order.
func (r *Rollout) FailedJobs() []FailedJob {
	var failed []FailedJob
	for i := range r.Phases {
		for _, j := range r.Phases[i].Jobs() {
			if j.State == JobFailed {
				failed = append(failed, FailedJob{Phase: r.Phases[i].ID, Job: j.ID})
			}
		}
	}
	return failed
}

// FailedJob names a job that is FAILED.
type FailedJob struct{ Phase, Job string }
