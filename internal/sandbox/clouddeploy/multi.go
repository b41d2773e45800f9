package clouddeploy

import (
	"slices"

	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// isController reports whether a rollout controls those of a multi-target's
// children.
func isController(r *wire.Rollout) bool {
	return slices.ContainsFunc(r.Phases, func(p *wire.Phase) bool { return p.ChildRolloutJobs != nil })
}

// childRollouts are the rollouts that a controller made.
func (s *state) childRollouts(controller *wire.Rollout) []*wire.Rollout {
	all := googleapi.Under(s.Rollouts, parent(controller.Name), "rollouts")
	return kit.Those(all, func(r *wire.Rollout) bool { return r.ControllerRollout == controller.Name })
}

func (s *state) childOn(controller *wire.Rollout, target string) *wire.Rollout {
	return kit.Find(s.childRollouts(controller), func(child *wire.Rollout) bool { return child.TargetID == target })
}

// stepController starts its phase's children and sums up how they are.
func (m moment) stepController(r *wire.Rollout) bool {
	p := running(r)
	if p == nil {
		p = m.reopened(r)
	}
	if p == nil {
		return false
	}
	changed := false
	for _, j := range jobsOf(p) {
		changed = m.stepChild(r, p, j) || changed
	}
	return m.sumUp(r, p) || changed
}

// reopened is the failed phase of a controller none of whose children is
// failed any more.
//
// docs/platforms.md: "leave it by cancelling, or by retrying or ignoring every
// failed child job."
func (m moment) reopened(r *wire.Rollout) *wire.Phase {
	for _, p := range r.Phases {
		if p.State != "FAILED" {
			continue
		}
		for _, j := range jobsOf(p) {
			if child := m.childOn(r, j.ID); j.State == "FAILED" && (child == nil || child.State == "FAILED" || child.State == "CANCELLED") {
				return nil
			}
		}
		for _, j := range jobsOf(p) {
			if j.State == "FAILED" {
				j.State = "IN_PROGRESS"
			}
		}
		m.reopen(r, p)
		return p
	}
	return nil
}

// stepChild starts a child's phase where its job has not begun, and takes over
// how it went.
func (m moment) stepChild(r *wire.Rollout, p *wire.Phase, j *wire.Job) bool {
	child := m.childOn(r, j.ID)
	switch j.State {
	case "PENDING":
		return m.startChild(r, p, j, child)
	case "IN_PROGRESS":
		return child != nil && m.endChild(p, j, child)
	default:
		return false
	}
}

func (m moment) startChild(r *wire.Rollout, p *wire.Phase, j *wire.Job, child *wire.Rollout) bool {
	switch {
	case child == nil && j.CreateChildRolloutJob != nil:
		m.createChild(r, p, j)
	case child == nil:
		return false
	case final(child):
		j.State = "SKIPPED"
	default:
		m.advanceChild(r, p, j, child)
	}
	return true
}

// endChild ends a controller's job when its child is through the phase.
func (m moment) endChild(p *wire.Phase, j *wire.Job, child *wire.Rollout) bool {
	its := phaseOf(child, p.ID)
	if its == nil || !slices.Contains([]string{"SUCCEEDED", "FAILED", "ABORTED", "SKIPPED"}, its.State) {
		return false
	}
	run := m.JobRuns[j.JobRun]
	run.EndTime, run.State, j.State = m.stamp(), "SUCCEEDED", "SUCCEEDED"
	if its.State == "FAILED" || its.State == "ABORTED" {
		run.State, j.State = "FAILED", "FAILED"
	}
	return true
}

// createChild makes a child's rollout, which needs no approval of its own.
func (m moment) createChild(r *wire.Rollout, p *wire.Phase, j *wire.Job) {
	release := m.Releases[parent(r.Name)]
	pipeline := m.Pipelines[parent(release.Name)]
	stage := stageOf(release, pipeline, r.TargetID)
	name := release.Name + "/rollouts/" + kit.Last(r.Name) + "-" + j.ID
	first := m.current(pipeline.Name, j.ID) == nil
	start := ""
	if p != r.Phases[0] {
		start = p.ID
	}
	phases, err := buildPhases(stage.Strategy, nil, first && start == "", start)
	if err != nil {
		return
	}
	child := &wire.Rollout{
		Resource: made(name, m.now), TargetID: j.ID, ControllerRollout: r.Name,
		EnqueueTime: m.stamp(), State: "PENDING", ApprovalState: "DOES_NOT_NEED_APPROVAL", Phases: phases,
	}
	touch(child)
	m.Rollouts[name] = child
	// What was planned for the controller happens to its first child.
	if planned := m.plan(r); planned.FailJob != "" || planned.Hang {
		*m.plan(child) = *planned
		*planned = plan{}
	}
	m.childRun(r, p, j, child)
}

func (m moment) advanceChild(r *wire.Rollout, p *wire.Phase, j *wire.Job, child *wire.Rollout) {
	if its := phaseOf(child, p.ID); its != nil && its.State == "PENDING" {
		its.State = "IN_PROGRESS"
	}
	m.plan(child).Resumed = m.stamp()
	touch(child)
	m.childRun(r, p, j, child)
}

// childRun begins the run of a controller's job.
func (m moment) childRun(r *wire.Rollout, p *wire.Phase, j *wire.Job, child *wire.Rollout) {
	m.startJob(r, p, j, m.now)
	run := m.JobRuns[j.JobRun]
	if j.CreateChildRolloutJob != nil {
		run.CreateChildRolloutJobRun = &wire.ChildRolloutJobRun{Rollout: child.Name, RolloutPhaseID: p.ID}
	} else {
		run.AdvanceChildRolloutJobRun = &wire.ChildRolloutJobRun{Rollout: child.Name, RolloutPhaseID: p.ID}
	}
}

// retryChild retries what failed in a child.
func (m moment) retryChild(r *wire.Rollout, j *wire.Job) {
	child := m.childOn(r, j.ID)
	if child == nil {
		return
	}
	for _, p := range child.Phases {
		for _, job := range jobsOf(p) {
			if job.State == "FAILED" {
				job.State = "PENDING"
				m.reopen(child, p)
			}
		}
	}
}

// sumUp ends a controller's phase when all of its children are through it.
//
// docs/platforms.md: "HALTED (multi-target): a child failed, another succeeded,
// phases remain"
func (m moment) sumUp(r *wire.Rollout, p *wire.Phase) bool {
	failed, through := 0, 0
	jobs := jobsOf(p)
	for _, j := range jobs {
		if j.State == "FAILED" {
			failed++
		} else if jobOver(j) {
			through++
		}
	}
	if failed+through < len(jobs) {
		return false
	}
	switch {
	case failed == 0:
		p.State = "SUCCEEDED"
		if firstPending(r) < 0 {
			m.succeed(r, m.now)
		}
	case through > 0 && firstPending(r) >= 0:
		p.State, r.State = "FAILED", "HALTED"
	default:
		p.State = "FAILED"
		fail(r, "EXECUTION_FAILED", "child rollouts of phase "+p.ID+" failed", m.now)
	}
	return true
}
