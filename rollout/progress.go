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
	for _, kind := range effectsOf(e, phase) {
		if e.Steps.done(phase, kind, e.Attempts[phase]) {
			continue
		}
		if kind == driver.Stable && mustStandAgain(e) {
			kind = driver.Weight
		}
		if kind == driver.Weight {
			return beforeWeight(e)
		}
		return kind
	}
	return ""
}

// effectsOf are those of a phase's deploy job. Where a person went past all that gives a
// share, stable has no canary to promote.
func effectsOf(e *Execution, phase string) []driver.Kind {
	p := e.Spec.phase(phase)
	if _, planned := e.Rollout.Phase(PhaseTesters); !planned || !slices.Contains(p.Effects, driver.Stable) || e.share(phase).isShare() {
		return p.Effects
	}
	return deploys(p).Effects
}

// mustStandAgain reports whether the canary was taken away when traffic was put back,
// and has to stand before it is promoted.
func mustStandAgain(e *Execution) bool {
	return e.Restored || leadsTesters(e) && !e.Steps.isMade(driver.Weight, driver.Rollback)
}

// leadsTesters reports whether testers get the release before any traffic does.
func leadsTesters(e *Execution) bool {
	p, planned := e.Rollout.Phase(PhaseTesters)
	return planned && p.State != PhaseSkipped
}

// beforeWeight is what is still missing of what stood for testers, and was taken away
// when traffic was put back; weight itself where nothing is, or where there are no
// testers.
func beforeWeight(e *Execution) driver.Kind {
	switch {
	case !leadsTesters(e):
		return driver.Weight
	case !e.Steps.isMade(driver.Host, driver.Unhost):
		return driver.Host
	case !e.Steps.isMade(driver.Route, driver.Unroute):
		return driver.Route
	default:
		return driver.Weight
	}
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
		if p.isShare() {
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

// putsBack are the effects that put back what the rollout made: traffic first.
func (s Steps) putsBack(phase, job string) []Request {
	var list []Request
	if s.canaryStands() {
		list = append(list, Request{Kind: driver.Rollback, Phase: phase, Job: job})
	}
	if s.testersStand() {
		for _, kind := range clearing() {
			list = append(list, Request{Kind: kind, Phase: phase, Job: job})
		}
	}
	return list
}

// needsClearing reports whether something is to be put back when the rollout ends: its
// traffic, or what stands for testers.
func (e *Execution) needsClearing(r *Record) bool {
	_, yields := e.yields(r)
	return e.needsRestoring(r) || e.Steps.testersStand() && !e.Left && !yields
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
func (e *Execution) Waits() bool {
	switch e.Rollout.State {
	case StatePending, StatePendingApproval, StatePendingRelease:
		return len(e.Steps) == 0
	default:
		return false
	}
}
