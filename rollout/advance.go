package rollout

import (
	"slices"
	"time"
)

func (t Advance) apply(r *Record, now time.Time) error {
	command := string(ToAdvance)
	e, err := r.rolloutFor(command, t.Rollout)
	if err != nil {
		return err
	}
	if e.Rollout.State != StateInProgress {
		return e.refuse(command, ReasonState, StateInProgress)
	}
	if e.Spec.Remote && !e.mirrored() {
		return e.refuse(command, ReasonNotThere)
	}
	if err := r.Blocks.mayGoOn(e, ToAdvance, t.By, now); err != nil {
		return err
	}
	if err := t.passAnalysis(r, e, now); err != nil {
		return err
	}
	if t.Jump {
		if err := t.skip(r, e, now); err != nil {
			return err
		}
	}
	p, err := t.next(e)
	if err != nil {
		return err
	}
	if err := e.owner().advance(r, p, t.By, now); err != nil {
		return err
	}
	e.takeUp(t.By, now)
	return nil
}

// passAnalysis ends the analysis that the phase before the next one is at: a person
// who says why may, and what was seen until then stays in the record.
func (t Advance) passAnalysis(r *Record, e *Execution, now time.Time) error {
	p, i, j, ok := analysing(e)
	if !ok {
		return nil
	}
	next := &e.Rollout.Phases[i+1]
	to := slices.IndexFunc(e.Rollout.Phases, func(x Phase) bool { return x.ID == t.Phase })
	if t.Phase != "" && to <= i || t.Phase != "" && to > i+1 && !t.Jump {
		return nil // no phase to go to: that is refused below
	}
	if !t.By.Person || t.By.Reason == "" {
		err := refusePhase(e, ReasonAnalysis, next)
		err.Other, err.Until = p.ID, checks{e, p.ID, j.ID}.end()
		return err
	}
	r.event(e, now, Event{Type: "job.ignored", Phase: p.ID, Job: j.ID, Action: j.JobRun, Actor: t.By.Login, Message: t.By.Reason})
	j.State, e.Undecided = JobIgnored, nil
	p.State = PhaseSucceeded
	e.Times.set(p.ID, now)
	r.event(e, now, Event{Type: "phase.succeeded", Phase: p.ID, Action: e.Rollout.phaseAction(p.ID)})
	return nil
}

// analysing is the phase, not the last, that bakes under an analysis now.
func analysing(e *Execution) (p *Phase, i int, j *Job, ok bool) {
	p, i, ok = e.Rollout.current()
	if !ok || e.Spec.Remote || p.State != PhaseInProgress || i+1 >= len(e.Rollout.Phases) {
		return nil, 0, nil, false
	}
	j, ok = currentJob(p)
	return p, i, j, ok && j.ID == JobAnalysis && j.State == JobInProgress && checks{e, p.ID, j.ID}.bake()
}

// takeUp lets a person end what a policy's window held, and has the rollout pass
// the blocks that they pass.
func (e *Execution) takeUp(by Actor, now time.Time) {
	for _, id := range by.Overrides {
		if !slices.Contains(e.Spec.Overrides, id) {
			e.Spec.Overrides = append(slices.Clone(e.Spec.Overrides), id)
		}
	}
	if e.Stop != nil && e.Stop.Person && by.Person {
		e.endStop(now)
	}
}

// skip skips the phases between the one that waits and a later one. What cannot be
// jumped to is left to next to refuse.
func (t Advance) skip(r *Record, e *Execution, now time.Time) error {
	current, i, ok := e.Rollout.current()
	to := slices.IndexFunc(e.Rollout.Phases, func(p Phase) bool { return p.ID == t.Phase })
	if !ok || i == 0 || to <= i || current.State != PhasePending {
		return nil
	}
	if e.Spec.Remote {
		return refusePhase(e, ReasonPhaseOrder, &e.Rollout.Phases[to])
	}
	for k := i; k < to; k++ {
		p := &e.Rollout.Phases[k]
		p.State, p.SkipMessage = PhaseSkipped, t.By.Login+" advanced to "+t.Phase
		setJobs(p, JobSkipped, JobPending)
		r.event(e, now, Event{Type: "phase.skipped", Phase: p.ID, Actor: t.By.Login, Message: p.SkipMessage})
	}
	return nil
}

// next finds the phase that can be started now: it is PENDING and not the
// first, and the phase before it is SUCCEEDED or SKIPPED.
func (t Advance) next(e *Execution) (*Phase, error) {
	current, i, ok := e.Rollout.current()
	if t.Phase != "" {
		if err := t.mayName(e, current, ok); err != nil {
			return nil, err
		}
	}
	switch {
	case !ok:
		return nil, e.refuse(string(ToAdvance), ReasonNoPhase)
	case current.State != PhasePending:
		return nil, refusePhase(e, ReasonPhaseState, current)
	case i == 0:
		return nil, refusePhase(e, ReasonFirstPhase, current)
	}
	return current, nil
}

// mayName says whether a phase that somebody named is the one that is next.
func (t Advance) mayName(e *Execution, current *Phase, ok bool) error {
	named, exists := e.Rollout.Phase(t.Phase)
	switch {
	case !exists:
		err := e.refuse(string(ToAdvance), ReasonPhase)
		err.Phase = t.Phase
		for _, p := range e.Rollout.Phases {
			err.Names = append(err.Names, p.ID)
		}
		return err
	case named.State != PhasePending:
		return refusePhase(e, ReasonPhaseState, named)
	case ok && current.ID != t.Phase:
		err := refusePhase(e, ReasonPhaseOrder, named)
		err.Other, err.Found = current.ID, string(current.State)
		return err
	}
	return nil
}

func refusePhase(e *Execution, reason Reason, p *Phase) *RefusedError {
	err := e.refuse(string(ToAdvance), reason)
	err.Phase, err.Found = p.ID, string(p.State)
	return err
}
