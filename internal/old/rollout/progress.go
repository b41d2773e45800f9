package rollout

import "sluice/stages/driver"

// current is the first phase that is not over.
func (e *Execution) current() (*Phase, int, bool) {
	for i := range e.Rollout.Phases {
		switch e.Rollout.Phases[i].State {
		case PhaseSucceeded, PhaseSkipped:
		default:
			return &e.Rollout.Phases[i], i, true
		}
	}
	return nil, 0, false
}

// currentJob is the first job of a phase that is not over.
func currentJob(p *Phase) (*Job, bool) {
	for _, j := range p.Jobs() {
		if !j.State.over() {
			return j, true
		}
	}
	return nil, false
}

// failed reports whether a phase of ours failed, or was aborted by a failure.
func (e *Execution) failed() bool {
	for _, p := range e.Rollout.Phases {
		if p.State == PhaseFailed || p.State == PhaseAborted {
			return true
		}
	}
	return false
}

// phaseSpec is the plan of a phase.
func (e *Execution) phaseSpec(id string) PhaseSpec {
	for _, p := range e.Spec.Phases {
		if p.ID == id {
			return p
		}
	}
	return PhaseSpec{}
}

// nextEffect is the first effect of the phase's deploy job that is not done in
// this attempt; "" where all are.
func (e *Execution) nextEffect(phase string) driver.Kind {
	for _, kind := range e.phaseSpec(phase).Effects {
		if e.doneIn(phase, kind) {
			continue
		}
		if kind == driver.Stable && e.Restored {
			return driver.Weight // traffic was put back: the canary must stand again first
		}
		return kind
	}
	return ""
}

// doneIn reports whether an effect of the phase is done in its present attempt.
func (e *Execution) doneIn(phase string, kind driver.Kind) bool {
	for _, s := range e.Steps {
		if s.Phase == phase && s.Call.Kind == kind && s.Attempt == e.Attempts[phase] && s.State == StepDone {
			return true
		}
	}
	return false
}

// percent is the share of traffic an effect in this phase gives: the phase's
// own, or for a canary that must stand again the last one before.
func (e *Execution) percent(phase string) string {
	percent := ""
	for _, p := range e.Spec.Phases {
		if p.Percent != "" {
			percent = p.Percent
		}
		if p.ID == phase {
			break
		}
	}
	return percent
}

// remoteKind is the effect that has the platform make its own rollout.
func (e *Execution) remoteKind() driver.Kind {
	if e.Spec.Command == commandRollback {
		return driver.Rollback
	}
	return driver.Deploy
}
