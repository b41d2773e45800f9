package clouddeploy

import (
	"slices"

	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/googleapi"
)

// verb finds the rollout that a request is about and refuses it where a deploy policy
// does.
func (e *Emulator) verb(c *call, name string, override []string) (*wire.Rollout, error) {
	r, err := e.rollout(c.Name)
	if err != nil {
		return nil, err
	}
	return r, e.allow(action{name, parent(parent(r.Name)), r.TargetID, override})
}

// touch records that a rollout was changed.
func touch(r *wire.Rollout) {
	r.Etag = ""
	r.Etag = etagOf(r)
}

// approveRollout approves or rejects.
//
// docs/platforms.md: "approve/reject: only PENDING_APPROVAL."
func (e *Emulator) approveRollout(c *call, in *wire.ApproveRolloutRequest) (any, error) {
	r, err := e.verb(c, "APPROVE", in.OverrideDeployPolicy)
	if err != nil {
		return nil, err
	}
	if r.State != "PENDING_APPROVAL" {
		return nil, googleapi.Precondition("Rollout %s is in state %s; only a rollout in state PENDING_APPROVAL can be approved or rejected", r.Name, r.State)
	}
	now := stamp(e.Now())
	if in.Approved {
		r.ApprovalState, r.State, r.ApproveTime, r.EnqueueTime = "APPROVED", "PENDING", now, now
	} else {
		abortRest(r)
		r.ApprovalState, r.State = "REJECTED", "APPROVAL_REJECTED"
	}
	touch(r)
	return struct{}{}, nil
}

// advanceRollout starts a phase.
//
// docs/platforms.md: "advance: the prior phase must be SUCCEEDED or SKIPPED;
// not the first phase; rollout IN_PROGRESS."
func (e *Emulator) advanceRollout(c *call, in *wire.AdvanceRolloutRequest) (any, error) {
	r, err := e.verb(c, "ADVANCE", in.OverrideDeployPolicy)
	if err != nil {
		return nil, err
	}
	if r.State != "IN_PROGRESS" {
		return nil, googleapi.Precondition("Rollout %s is in state %s; only a rollout in state IN_PROGRESS can be advanced", r.Name, r.State)
	}
	i := slices.IndexFunc(r.Phases, func(p *wire.Phase) bool { return p.ID == in.PhaseID })
	switch {
	case i < 0:
		return nil, googleapi.Invalid("Rollout %s has no phase %q", r.Name, in.PhaseID)
	case i == 0:
		return nil, googleapi.Precondition("Rollout %s cannot be advanced to its first phase %s", r.Name, in.PhaseID)
	case r.Phases[i].State != "PENDING":
		return nil, googleapi.Precondition("Phase %s of rollout %s is in state %s; only a phase in state PENDING can be started", in.PhaseID, r.Name, r.Phases[i].State)
	}
	if prior := r.Phases[i-1]; prior.State != "SUCCEEDED" && prior.State != "SKIPPED" {
		return nil, googleapi.Precondition("Prior phase %s of rollout %s is in state %s, which is not advanceable", prior.ID, r.Name, prior.State)
	}
	r.Phases[i].State = "IN_PROGRESS"
	e.State.plan(r).Resumed = stamp(e.Now())
	touch(r)
	return struct{}{}, nil
}

// cancelRollout ends a rollout early, with its children.
//
// docs/platforms.md: "cancel: not in a final state."
func (e *Emulator) cancelRollout(c *call, in *wire.CancelRolloutRequest) (any, error) {
	r, err := e.verb(c, "CANCEL", in.OverrideDeployPolicy)
	if err != nil {
		return nil, err
	}
	if final(r) || r.State == "CANCELLING" {
		return nil, googleapi.Precondition("Rollout %s is in state %s and cannot be cancelled", r.Name, r.State)
	}
	e.cancel(r)
	for _, child := range e.childRollouts(r) {
		if !final(child) {
			e.cancel(child)
		}
	}
	return struct{}{}, nil
}

func (e *Emulator) cancel(r *wire.Rollout) {
	if running(r) == nil {
		abortRest(r)
		r.State, r.DeployEndTime = "CANCELLED", stamp(e.Now())
	} else {
		r.State, e.State.plan(r).Cancelled = "CANCELLING", stamp(e.Now())
	}
	touch(r)
}

// retryJob runs a failed job again.
//
// docs/platforms.md: "retryJob: failed jobs."
func (e *Emulator) retryJob(c *call, in *wire.RetryJobRequest) (any, error) {
	r, err := e.verb(c, "RETRY_JOB", in.OverrideDeployPolicy)
	if err != nil {
		return nil, err
	}
	p, j, err := failedJob(r, in.PhaseID, in.JobID, "retried")
	if err != nil {
		return nil, err
	}
	e.State.plan(r).Hang = false
	e.State.plan(r).apply(c.Fault())
	if isController(r) {
		e.retryChild(r, j)
		return struct{}{}, nil
	}
	j.State = "PENDING"
	e.reopen(r, p)
	return struct{}{}, nil
}

// ignoreJob lets the rollout go on past a failed job.
//
// docs/platforms.md: "ignoreJob: failed jobs, the rollout goes on."
func (e *Emulator) ignoreJob(c *call, in *wire.IgnoreJobRequest) (any, error) {
	r, err := e.verb(c, "IGNORE_JOB", in.OverrideDeployPolicy)
	if err != nil {
		return nil, err
	}
	p, j, err := failedJob(r, in.PhaseID, in.JobID, "ignored")
	if err != nil {
		return nil, err
	}
	j.State = "IGNORED"
	e.reopen(r, p)
	return struct{}{}, nil
}

func failedJob(r *wire.Rollout, phase, job, what string) (*wire.Phase, *wire.Job, error) {
	for _, p := range r.Phases {
		if p.ID != phase {
			continue
		}
		for _, j := range jobsOf(p) {
			if j.ID != job {
				continue
			}
			if j.State != "FAILED" {
				return nil, nil, googleapi.Precondition("Job %s of phase %s of rollout %s is in state %s; only a job in state FAILED can be %s", job, phase, r.Name, j.State, what)
			}
			return p, j, nil
		}
	}
	return nil, nil, googleapi.Invalid("Rollout %s has no job %q in a phase %q", r.Name, job, phase)
}

// reopen has a rollout go on at a phase.
func (e *Emulator) reopen(r *wire.Rollout, at *wire.Phase) {
	at.State = "IN_PROGRESS"
	for _, p := range r.Phases {
		if p.State == "ABORTED" {
			p.State = "PENDING"
		}
		for _, j := range jobsOf(p) {
			if j.State == "ABORTED" {
				j.State = "PENDING"
			}
		}
	}
	r.State, r.FailureReason, r.DeployFailureCause, r.DeployEndTime = "IN_PROGRESS", "", "", ""
	e.State.plan(r).Resumed = stamp(e.Now())
	touch(r)
}

// terminateJobRun ends the run of a job that is at work: the job fails, and so does
// its rollout. It takes as long as a job does.
//
// docs/platforms.md: "terminate: a job run in IN_PROGRESS."
func (e *Emulator) terminateJobRun(c *call, in *wire.TerminateJobRunRequest) (any, error) {
	run, err := googleapi.Find(e.State.JobRuns, c.Name)
	if err != nil {
		return nil, err
	}
	r := e.State.Rollouts[parent(run.Name)]
	if err := e.allow(action{"TERMINATE_JOBRUN", parent(parent(r.Name)), r.TargetID, in.OverrideDeployPolicy}); err != nil {
		return nil, err
	}
	if run.State != "IN_PROGRESS" {
		return nil, googleapi.Precondition("JobRun %s is in state %s; only a job run in state IN_PROGRESS can be terminated", run.Name, run.State)
	}
	run.State, e.State.plan(r).Terminated = "TERMINATING", stamp(e.Now())
	run.Etag = ""
	run.Etag = etagOf(run)
	return struct{}{}, nil
}
