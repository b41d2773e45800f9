package clouddeploy

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/kit"
)

// settle lets the rollouts run on to the present.
func (e *Emulator) settle() {
	for changed := true; changed; {
		changed = false
		for _, name := range slices.Sorted(maps.Keys(e.State.Rollouts)) {
			changed = e.step(e.State.Rollouts[name]) || changed
		}
	}
}

// step takes one rollout one step on, if it is due, and reports whether it did.
func (e *Emulator) step(r *wire.Rollout) bool {
	changed := false
	switch r.State {
	case "PENDING_RELEASE":
		changed = e.releaseReady(r)
	case "PENDING":
		changed = e.start(r)
	case "IN_PROGRESS", "HALTED":
		if isController(r) {
			changed = e.stepController(r)
		} else {
			changed = e.stepPhase(r)
		}
	case "CANCELLING":
		changed = e.stepCancel(r)
	}
	if changed {
		r.Etag = ""
		r.Etag = etagOf(r)
	}
	return changed
}

func (e *Emulator) releaseReady(r *wire.Rollout) bool {
	release := e.State.Releases[parent(r.Name)]
	if release == nil || release.RenderState == "IN_PROGRESS" {
		return false
	}
	r.State, r.EnqueueTime = "PENDING", stamp(e.Now())
	if release.RenderState == "FAILED" {
		e.fail(r, "RELEASE_FAILED", "release "+kit.Last(release.Name)+" failed to render", e.Now())
	}
	return true
}

// start begins a rollout unless another one is at work on its target.
//
// docs/platforms.md: "PENDING (behind an earlier rollout on the target)"
func (e *Emulator) start(r *wire.Rollout) bool {
	pipeline := parent(parent(r.Name))
	if e.inProgress(pipeline, r.TargetID) != nil {
		return false
	}
	for _, other := range e.State.onTarget(pipeline, r.TargetID) {
		if other.State == "PENDING" && clock(other.EnqueueTime).Before(clock(r.EnqueueTime)) {
			return false
		}
	}
	r.State, r.DeployStartTime = "IN_PROGRESS", r.EnqueueTime
	if before := e.lastEnd(pipeline, r.TargetID); before.After(clock(r.EnqueueTime)) {
		r.DeployStartTime = stamp(before)
	}
	if i := firstPending(r); i >= 0 && !skippedAsFirst(r) {
		r.Phases[i].State = "IN_PROGRESS"
	}
	return true
}

// skippedAsFirst reports whether the rollout skips its canary because it is the
// target's first: it then waits to be advanced.
func skippedAsFirst(r *wire.Rollout) bool {
	return slices.ContainsFunc(r.Phases, func(p *wire.Phase) bool { return p.SkipMessage == firstSkip })
}

// lastEnd is when the newest finished rollout of a target ended.
func (e *Emulator) lastEnd(pipeline, target string) time.Time {
	var last time.Time
	for _, r := range e.State.onTarget(pipeline, target) {
		if end := clock(r.DeployEndTime); end.After(last) {
			last = end
		}
	}
	return last
}

func firstPending(r *wire.Rollout) int {
	return slices.IndexFunc(r.Phases, func(p *wire.Phase) bool { return p.State == "PENDING" })
}

// running is the phase at work, nil where the rollout waits for an advance.
func running(r *wire.Rollout) *wire.Phase {
	for _, p := range r.Phases {
		if p.State == "IN_PROGRESS" {
			return p
		}
	}
	return nil
}

// stepPhase starts or ends a job of the phase at work, or ends the phase.
func (e *Emulator) stepPhase(r *wire.Rollout) bool {
	p := running(r)
	if p == nil {
		return false
	}
	for _, j := range jobsOf(p) {
		switch {
		case jobOver(j):
			continue
		case j.State == "PENDING":
			e.startJob(r, p, j, e.jobStart(r))
			return true
		case j.State == "IN_PROGRESS":
			return e.endJob(r, p, j)
		default:
			return false
		}
	}
	p.State = "SUCCEEDED"
	if firstPending(r) < 0 {
		e.succeed(r, e.jobStart(r))
	}
	return true
}

// jobStart is when the next job begins: the newest job's end, the rollout's
// start without one.
func (e *Emulator) jobStart(r *wire.Rollout) time.Time {
	at := clock(r.DeployStartTime)
	for name, run := range e.State.JobRuns {
		if end := clock(run.EndTime); parent(name) == r.Name && end.After(at) {
			at = end
		}
	}
	if resumed := clock(e.State.plan(r).Resumed); resumed.After(at) {
		at = resumed
	}
	return at
}

// startJob begins a run of a job.
func (e *Emulator) startJob(r *wire.Rollout, p *wire.Phase, j *wire.Job, at time.Time) {
	name := r.Name + "/jobRuns/" + uid(r.Name+p.ID+j.ID+strconv.Itoa(e.State.Next()))
	run := &wire.JobRun{
		Name: name, UID: uid(name), PhaseID: p.ID, JobID: j.ID, State: "IN_PROGRESS",
		CreateTime: stamp(at), StartTime: stamp(at),
	}
	work := build(r.Name, name)
	switch {
	case j.DeployJob != nil:
		run.DeployJobRun = &wire.DeployJobRun{Build: work}
		r.DeployingBuild = work
	case j.VerifyJob != nil:
		run.VerifyJobRun = &wire.VerifyJobRun{Build: work}
	case j.PredeployJob != nil:
		run.PredeployJobRun = &wire.PredeployJobRun{Build: work}
	case j.PostdeployJob != nil:
		run.PostdeployJobRun = &wire.PostdeployJobRun{Build: work}
	case j.AnalysisJob != nil:
		run.AnalysisJobRun = &wire.AnalysisJobRun{}
	}
	run.Etag = etagOf(run)
	e.State.JobRuns[name] = run
	j.State, j.JobRun = "IN_PROGRESS", name
}

// endJob ends a job that has run long enough, as planned.
func (e *Emulator) endJob(r *wire.Rollout, p *wire.Phase, j *wire.Job) bool {
	run, planned := e.State.JobRuns[j.JobRun], e.State.plan(r)
	if run.State == "TERMINATING" {
		return e.endTerminated(r, p, j)
	}
	end := clock(run.StartTime).Add(e.Step)
	if planned.Hang || e.Now().Before(end) {
		return false
	}
	run.EndTime, run.State, j.State = stamp(end), "SUCCEEDED", "SUCCEEDED"
	if planned.FailJob == j.ID {
		planned.FailJob = ""
		run.State, j.State = "FAILED", "FAILED"
		failRun(run, "the "+j.ID+" job failed: as the sandbox was told to")
		abort(p)
		p.State = "FAILED"
		e.fail(r, "EXECUTION_FAILED", "job "+j.ID+" of phase "+p.ID+" failed", end)
	}
	run.Etag = ""
	run.Etag = etagOf(run)
	return true
}

// endTerminated ends a job whose run was told to end a job's time ago.
func (e *Emulator) endTerminated(r *wire.Rollout, p *wire.Phase, j *wire.Job) bool {
	run, planned := e.State.JobRuns[j.JobRun], e.State.plan(r)
	end := clock(planned.Terminated).Add(e.Step)
	if e.Now().Before(end) {
		return false
	}
	run.State, run.EndTime, j.State, p.State = "TERMINATED", stamp(end), "FAILED", "FAILED"
	run.Etag = ""
	run.Etag = etagOf(run)
	planned.Hang, planned.Terminated = false, ""
	abort(p)
	e.fail(r, "EXECUTION_FAILED", "job "+j.ID+" of phase "+p.ID+" was terminated", end)
	return true
}

func failRun(run *wire.JobRun, message string) {
	switch {
	case run.DeployJobRun != nil:
		run.DeployJobRun.FailureCause, run.DeployJobRun.FailureMessage = "EXECUTION_FAILED", message
	case run.VerifyJobRun != nil:
		run.VerifyJobRun.FailureCause, run.VerifyJobRun.FailureMessage = "EXECUTION_FAILED", message
	case run.PredeployJobRun != nil:
		run.PredeployJobRun.FailureCause, run.PredeployJobRun.FailureMessage = "EXECUTION_FAILED", message
	case run.PostdeployJobRun != nil:
		run.PostdeployJobRun.FailureCause, run.PostdeployJobRun.FailureMessage = "EXECUTION_FAILED", message
	}
}

// succeed ends a rollout well and links what it rolled back.
func (e *Emulator) succeed(r *wire.Rollout, at time.Time) {
	r.State, r.DeployEndTime = "SUCCEEDED", stamp(at)
	if undone := e.State.Rollouts[r.RollbackOfRollout]; undone != nil {
		undone.RolledBackByRollouts = append(undone.RolledBackByRollouts, r.Name)
	}
}

// fail ends a rollout; what has not run is aborted.
func (e *Emulator) fail(r *wire.Rollout, cause, reason string, at time.Time) {
	abortRest(r)
	r.State, r.DeployFailureCause, r.FailureReason, r.DeployEndTime = "FAILED", cause, reason, stamp(at)
}

// abort puts the jobs of a phase that have not ended to ABORTED.
func abort(p *wire.Phase) {
	for _, j := range jobsOf(p) {
		if j.State == "PENDING" || j.State == "IN_PROGRESS" {
			j.State = "ABORTED"
		}
	}
}

func abortRest(r *wire.Rollout) {
	for _, p := range r.Phases {
		if p.State == "PENDING" || p.State == "IN_PROGRESS" {
			p.State = "ABORTED"
			abort(p)
		}
	}
}

// stepCancel ends a cancelled rollout when a job's time has passed.
func (e *Emulator) stepCancel(r *wire.Rollout) bool {
	if e.Now().Before(clock(e.State.plan(r).Cancelled).Add(e.Step)) {
		return false
	}
	for _, run := range e.State.JobRuns {
		if parent(run.Name) == r.Name && (run.State == "IN_PROGRESS" || run.State == "TERMINATING") {
			run.State, run.EndTime = "TERMINATED", stamp(e.Now())
		}
	}
	abortRest(r)
	r.State, r.DeployEndTime = "CANCELLED", stamp(e.Now())
	return true
}
