package rollout

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// ControllerName is the name of the rollout that controls those of a release in
// a stage with several targets: {release}-to-{stage}- and four digits that stand
// for the promotion, so that every target derives the same name by itself.
func ControllerName(release, stage, promotion string) string {
	sum := sha256.Sum256([]byte(promotion))
	return nameOf(release, stage, hex.EncodeToString(sum[:2]))
}

// Controller derives the controller rollout of a promotion to a stage from its
// children. It is a view: nothing of it is stored.
func Controller(children []Rollout) Rollout {
	if len(children) == 0 {
		return Rollout{}
	}
	c := Rollout{Name: children[0].ControllerRollout, ApprovalState: DoesNotNeedApproval}
	for _, child := range children {
		if c.CreateTime.IsZero() || child.CreateTime.Before(c.CreateTime) {
			c.CreateTime = child.CreateTime
		}
		if child.ApprovalState == NeedsApproval {
			c.ApprovalState = NeedsApproval
		}
	}
	c.State = controllerState(children)
	c.Phases = controllerPhases(children)
	return c
}

// controllerState sums the children up: what all of them are, else what is
// still to come, else the worst of how they ended.
func controllerState(children []Rollout) State {
	has := func(s State) bool {
		return slices.ContainsFunc(children, func(c Rollout) bool { return c.State == s })
	}
	if first := children[0].State; !slices.ContainsFunc(children, func(c Rollout) bool { return c.State != first }) {
		return first
	}
	if slices.ContainsFunc(children, func(c Rollout) bool { return !c.State.Final() }) {
		switch {
		case has(StateCancelling):
			return StateCancelling
		case halted(children):
			return StateHalted
		default:
			return StateInProgress
		}
	}
	for _, worst := range []State{StateFailed, StateCancelled} {
		if has(worst) {
			return worst
		}
	}
	return StateApprovalRejected
}

// halted reports whether a child failed while another got further, and phases
// remain on which nothing works: cancelling leaves it, and so does retrying or
// ignoring every failed job of the children.
func halted(children []Rollout) bool {
	failed, further := false, false
	for _, c := range children {
		switch {
		case c.State == StateHalted:
			return true
		case c.State == StateFailed:
			failed = true
		case slices.ContainsFunc(c.Phases, func(p Phase) bool { return p.State == PhaseInProgress }):
			return false
		case slices.ContainsFunc(c.Phases, func(p Phase) bool { return p.State == PhaseSucceeded }):
			further = true
		}
	}
	return failed && further
}

// controllerPhases has one job for each child in each phase: creating its
// rollout in the first, advancing it in the later ones.
func controllerPhases(children []Rollout) []Phase {
	var phases []Phase
	for _, child := range children {
		for i, p := range child.Phases {
			at := slices.IndexFunc(phases, func(have Phase) bool { return have.ID == p.ID })
			if at < 0 {
				phases = append(phases, Phase{ID: p.ID, ChildRolloutJobs: &ChildRolloutJobs{}})
				at = len(phases) - 1
			}
			addChildJob(phases[at].ChildRolloutJobs, child, p, i == 0)
		}
	}
	for i := range phases {
		phases[i].State = phaseOf(phases[i].Jobs())
	}
	return phases
}

func addChildJob(jobs *ChildRolloutJobs, child Rollout, p Phase, first bool) {
	job := Job{ID: child.TargetID, State: JobState(p.State), JobRun: child.Name}
	if first {
		job.CreateChildRolloutJob = jsontext.Value("{}")
		jobs.CreateRolloutJobs = append(jobs.CreateRolloutJobs, job)
		return
	}
	job.AdvanceChildRolloutJob = jsontext.Value("{}")
	jobs.AdvanceRolloutJobs = append(jobs.AdvanceRolloutJobs, job)
}

// phaseOf is the state of a phase by its children's: under way while one is,
// else the worst of them, and SKIPPED only where all are.
func phaseOf(jobs []*Job) PhaseState {
	has := func(s PhaseState) bool {
		return slices.ContainsFunc(jobs, func(j *Job) bool { return string(j.State) == string(s) })
	}
	pending, over := has(PhasePending), has(PhaseSucceeded) || has(PhaseSkipped)
	switch {
	case has(PhaseInProgress):
		return PhaseInProgress
	case has(PhaseFailed):
		return PhaseFailed
	case has(PhaseAborted):
		return PhaseAborted
	case pending && over:
		return PhaseInProgress
	case pending:
		return PhasePending
	case has(PhaseSucceeded):
		return PhaseSucceeded
	default:
		return PhaseSkipped
	}
}
