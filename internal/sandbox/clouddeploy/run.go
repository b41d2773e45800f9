package clouddeploy

import (
	"maps"
	"slices"
	"time"

	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/kit"
)

// settle lets the rollouts run on to the present.
func (m moment) settle() {
	for changed := true; changed; {
		changed = false
		for _, name := range slices.Sorted(maps.Keys(m.Rollouts)) {
			changed = m.step(m.Rollouts[name]) || changed
		}
	}
}

// step takes one rollout one step on, if it is due, and reports whether it did.
func (m moment) step(r *wire.Rollout) bool {
	changed := false
	switch r.State {
	case "PENDING_RELEASE":
		changed = m.releaseReady(r)
	case "PENDING":
		changed = m.start(r)
	case "IN_PROGRESS", "HALTED":
		if isController(r) {
			changed = m.stepController(r)
		} else {
			changed = m.stepPhase(r)
		}
	case "CANCELLING":
		changed = m.stepCancel(r)
	}
	if changed {
		touch(r)
	}
	return changed
}

func (m moment) releaseReady(r *wire.Rollout) bool {
	release := m.Releases[parent(r.Name)]
	if release == nil || release.RenderState == "IN_PROGRESS" {
		return false
	}
	r.State, r.EnqueueTime = "PENDING", m.stamp()
	if release.RenderState == "FAILED" {
		fail(r, "RELEASE_FAILED", "release "+kit.Last(release.Name)+" failed to render", m.now)
	}
	return true
}

// start begins a rollout unless another one is at work on its target.
//
// docs/platforms.md: "PENDING (behind an earlier rollout on the target)"
func (m moment) start(r *wire.Rollout) bool {
	pipeline := parent(parent(r.Name))
	if m.inProgress(pipeline, r.TargetID) != nil {
		return false
	}
	for _, other := range m.onTarget(pipeline, r.TargetID) {
		if other.State == "PENDING" && clock(other.EnqueueTime).Before(clock(r.EnqueueTime)) {
			return false
		}
	}
	r.State, r.DeployStartTime = "IN_PROGRESS", r.EnqueueTime
	if before := m.lastEnd(pipeline, r.TargetID); before.After(clock(r.EnqueueTime)) {
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

func firstPending(r *wire.Rollout) int {
	return slices.IndexFunc(r.Phases, func(p *wire.Phase) bool { return p.State == "PENDING" })
}

// running is the phase at work, nil where the rollout waits for an advance.
func running(r *wire.Rollout) *wire.Phase {
	return kit.Find(r.Phases, func(p *wire.Phase) bool { return p.State == "IN_PROGRESS" })
}

// stepPhase starts or ends a job of the phase at work, or ends the phase.
func (m moment) stepPhase(r *wire.Rollout) bool {
	p := running(r)
	if p == nil {
		return false
	}
	for _, j := range jobsOf(p) {
		switch {
		case jobOver(j):
			continue
		case j.State == "PENDING":
			m.startJob(r, p, j, m.jobStart(r))
			return true
		case j.State == "IN_PROGRESS":
			return m.endJob(r, p, j)
		default:
			return false
		}
	}
	p.State = "SUCCEEDED"
	if firstPending(r) < 0 {
		m.succeed(r, m.jobStart(r))
	}
	return true
}

// succeed ends a rollout well and links what it rolled back.
func (s *state) succeed(r *wire.Rollout, at time.Time) {
	r.State, r.DeployEndTime = "SUCCEEDED", stamp(at)
	if undone := s.Rollouts[r.RollbackOfRollout]; undone != nil {
		undone.RolledBackByRollouts = append(undone.RolledBackByRollouts, r.Name)
	}
}

// fail ends a rollout; what has not run is aborted.
func fail(r *wire.Rollout, cause, reason string, at time.Time) {
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
func (m moment) stepCancel(r *wire.Rollout) bool {
	if m.now.Before(clock(m.plan(r).Cancelled).Add(m.job)) {
		return false
	}
	for _, run := range m.JobRuns {
		if parent(run.Name) == r.Name && (run.State == "IN_PROGRESS" || run.State == "TERMINATING") {
			run.State, run.EndTime = "TERMINATED", m.stamp()
		}
	}
	abortRest(r)
	r.State, r.DeployEndTime = "CANCELLED", m.stamp()
	return true
}

// reopen has a rollout go on at a phase.
func (m moment) reopen(r *wire.Rollout, from *wire.Phase) {
	from.State = "IN_PROGRESS"
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
	m.plan(r).Resumed = m.stamp()
	touch(r)
}
