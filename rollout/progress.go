package rollout

import (
	"slices"

	"sluice/stages/driver"
)

// currentJob is the first job of a phase that is not over.
func currentJob(p *Phase) (*Job, bool) {
	for _, j := range p.Jobs() {
		if !j.State.over() {
			return j, true
		}
	}
	return nil, false
}

// nextEffect is the first effect of the phase's deploy job that is not done in
// this attempt; "" where all are.
func (e *Execution) nextEffect(phase string) driver.Kind {
	for _, kind := range e.Spec.phase(phase).Effects {
		if e.Steps.done(phase, kind, e.Attempts[phase]) {
			continue
		}
		if kind == driver.Stable && e.Restored {
			return driver.Weight // traffic was put back: the canary must stand again first
		}
		return kind
	}
	return ""
}

// share is the phase whose share of traffic an effect in this phase gives: the phase
// itself, or for a canary that must stand again the last one before that was not
// skipped.
func (e *Execution) share(phase string) PhaseSpec {
	var share PhaseSpec
	for _, p := range e.Spec.Phases {
		if had, ok := e.Rollout.Phase(p.ID); ok && had.State == PhaseSkipped {
			continue
		}
		if p.Percent != "" {
			share = p
		}
		if p.ID == phase {
			break
		}
	}
	return share
}

// Touched reports whether an effect of the rollout stands on the platform, or
// may stand there.
func (e *Execution) Touched() bool {
	if e.Restored {
		return false
	}
	return slices.ContainsFunc(e.Steps, func(s Step) bool { return s.acted() && s.Call.Kind != driver.Rollback })
}

// needsRestoring reports whether traffic is to be put back when the rollout is
// not to go on.
func (e *Execution) needsRestoring(r *Record) bool {
	_, yields := e.yields(r)
	return e.Steps.canaryStands() && !e.Left && !yields
}

// yields finds the rollout that takes over what e leaves, as long as that can
// still happen.
func (e *Execution) yields(r *Record) (*Execution, bool) {
	other, ok := r.Rollout(e.YieldsTo)
	if e.YieldsTo == "" || !ok || other.Rollout.State.Final() && other.Rollout.State != StateSucceeded {
		return nil, false
	}
	return other, true
}

// Waits reports whether the rollout has not begun yet.
func (e *Execution) Waits() bool { return e.waiting() }

// waiting reports whether the rollout has not begun yet.
func (e *Execution) waiting() bool {
	switch e.Rollout.State {
	case StatePending, StatePendingApproval, StatePendingRelease:
		return len(e.Steps) == 0
	default:
		return false
	}
}
