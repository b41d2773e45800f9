package clouddeploy

import (
	"strconv"
	"time"

	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// retryJob runs a failed job again.
//
// docs/platforms.md: "retryJob: failed jobs."
func retryJob(m moment, c *call, r *wire.Rollout, in *wire.JobRequest) error {
	p, j, err := failedJob(r, in.PhaseID, in.JobID, "retried")
	if err != nil {
		return err
	}
	m.plan(r).Hang = false
	m.plan(r).apply(c.Fault())
	if isController(r) {
		m.retryChild(r, j)
		return nil
	}
	j.State = "PENDING"
	m.reopen(r, p)
	return nil
}

// ignoreJob lets the rollout go on past a failed job.
//
// docs/platforms.md: "ignoreJob: failed jobs, the rollout goes on."
func ignoreJob(m moment, c *call, r *wire.Rollout, in *wire.JobRequest) error {
	p, j, err := failedJob(r, in.PhaseID, in.JobID, "ignored")
	if err != nil {
		return err
	}
	j.State = "IGNORED"
	m.reopen(r, p)
	return nil
}

func failedJob(r *wire.Rollout, phase, job, what string) (*wire.Phase, *wire.Job, error) {
	p := phaseOf(r, phase)
	switch j := kit.Find(jobsOf(p), func(j *wire.Job) bool { return j.ID == job }); {
	case j == nil:
		return nil, nil, googleapi.Invalid("Rollout %s has no job %q in a phase %q", r.Name, job, phase)
	case j.State != "FAILED":
		return nil, nil, googleapi.Precondition("Job %s of phase %s of rollout %s is in state %s; only a job in state FAILED can be %s", job, phase, r.Name, j.State, what)
	default:
		return p, j, nil
	}
}

// terminateJobRun ends the run of a job that is at work: the job fails, and so does
// its rollout. It takes as long as a job does.
//
// docs/platforms.md: "terminate: a job run in IN_PROGRESS."
func terminateJobRun(m moment, c *call, in *wire.Override) (any, error) {
	run, err := googleapi.Find(m.JobRuns, c.Name)
	if err != nil {
		return nil, err
	}
	r := m.Rollouts[parent(run.Name)]
	if err := m.allow(action{"TERMINATE_JOBRUN", parent(parent(r.Name)), r.TargetID, in.OverrideDeployPolicy}); err != nil {
		return nil, err
	}
	if run.State != "IN_PROGRESS" {
		return nil, googleapi.Precondition("JobRun %s is in state %s; only a job run in state IN_PROGRESS can be terminated", run.Name, run.State)
	}
	run.State, m.plan(r).Terminated = "TERMINATING", m.stamp()
	seal(run, &run.Etag)
	return struct{}{}, nil
}

// jobStart is when the next job begins: the newest job's end, the rollout's
// start without one.
func (m moment) jobStart(r *wire.Rollout) time.Time {
	at := clock(r.DeployStartTime)
	for name, run := range m.JobRuns {
		if end := clock(run.EndTime); parent(name) == r.Name && end.After(at) {
			at = end
		}
	}
	if resumed := clock(m.plan(r).Resumed); resumed.After(at) {
		at = resumed
	}
	return at
}

// startJob begins a run of a job.
func (s *state) startJob(r *wire.Rollout, p *wire.Phase, j *wire.Job, at time.Time) {
	name := r.Name + "/jobRuns/" + uid(r.Name+p.ID+j.ID+strconv.Itoa(s.Next()))
	run := &wire.JobRun{
		Name: name, UID: uid(name), PhaseID: p.ID, JobID: j.ID, State: "IN_PROGRESS",
		CreateTime: stamp(at), StartTime: stamp(at),
	}
	build := wire.BuildRun{Build: buildOf(r.Name, name)}
	switch {
	case j.DeployJob != nil:
		run.DeployJobRun = &wire.DeployJobRun{BuildRun: build}
		r.DeployingBuild = build.Build
	case j.VerifyJob != nil:
		run.VerifyJobRun = &wire.VerifyJobRun{BuildRun: build}
	case j.PredeployJob != nil:
		run.PredeployJobRun = &build
	case j.PostdeployJob != nil:
		run.PostdeployJobRun = &build
	case j.AnalysisJob != nil:
		run.AnalysisJobRun = &wire.AnalysisJobRun{}
	}
	seal(run, &run.Etag)
	s.JobRuns[name] = run
	j.State, j.JobRun = "IN_PROGRESS", name
}

// endJob ends a job that has run long enough, as planned.
func (m moment) endJob(r *wire.Rollout, p *wire.Phase, j *wire.Job) bool {
	run, planned := m.JobRuns[j.JobRun], m.plan(r)
	if run.State == "TERMINATING" {
		return m.endTerminated(r, p, j)
	}
	end := clock(run.StartTime).Add(m.job)
	if planned.Hang || m.now.Before(end) {
		return false
	}
	run.EndTime, run.State, j.State = stamp(end), "SUCCEEDED", "SUCCEEDED"
	if planned.FailJob == j.ID {
		planned.FailJob = ""
		run.State, j.State = "FAILED", "FAILED"
		failRun(run, "the "+j.ID+" job failed: as the sandbox was told to")
		abort(p)
		p.State = "FAILED"
		fail(r, "EXECUTION_FAILED", "job "+j.ID+" of phase "+p.ID+" failed", end)
	}
	seal(run, &run.Etag)
	return true
}

// endTerminated ends a job whose run was told to end a job's time ago.
func (m moment) endTerminated(r *wire.Rollout, p *wire.Phase, j *wire.Job) bool {
	run, planned := m.JobRuns[j.JobRun], m.plan(r)
	end := clock(planned.Terminated).Add(m.job)
	if m.now.Before(end) {
		return false
	}
	run.State, run.EndTime, j.State, p.State = "TERMINATED", stamp(end), "FAILED", "FAILED"
	seal(run, &run.Etag)
	planned.Hang, planned.Terminated = false, ""
	abort(p)
	fail(r, "EXECUTION_FAILED", "job "+j.ID+" of phase "+p.ID+" was terminated", end)
	return true
}

func failRun(run *wire.JobRun, message string) {
	build := run.PredeployJobRun
	switch {
	case run.DeployJobRun != nil:
		build = &run.DeployJobRun.BuildRun
	case run.VerifyJobRun != nil:
		build = &run.VerifyJobRun.BuildRun
	case run.PostdeployJobRun != nil:
		build = run.PostdeployJobRun
	}
	if build != nil {
		build.FailureCause, build.FailureMessage = "EXECUTION_FAILED", message
	}
}
