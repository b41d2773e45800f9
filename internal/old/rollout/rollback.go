package rollout

import (
	"fmt"
	"slices"
	"time"

	"sluice/stages/driver"
)

// commandRollback is the [Spec.Command] of a rollout that undoes another.
const commandRollback = "rollback"

// RolledBack is the rollout that a rollback of r would undo: the newest that
// changed the target, is no rollback itself and was not rolled back.
// promotion, where not "", asks for that promotion's rollout, which must be the
// newest too.
func (r *Record) RolledBack(promotion string) (*Execution, error) {
	for i := range slices.Backward(r.Rollouts) {
		e := &r.Rollouts[i]
		if promotion != "" && e.Spec.Promotion != promotion {
			continue
		}
		if e.Spec.Command == commandRollback || len(e.Rollout.RolledBackByRollouts) > 0 || !e.Touched() {
			continue
		}
		return e, e.mayRollBack(r)
	}
	return nil, &RefusedError{
		Command: "roll back", Rollout: r.Target, State: "as it was",
		Reason: "no rollout of ours has changed it since its last rollback",
	}
}

// mayRollBack says whether there is something to go back to, and nothing in
// the way.
func (e *Execution) mayRollBack(r *Record) error {
	if back, ok := r.rollbackOf(e); ok && !back.Over() {
		return e.refuse("roll back", fmt.Sprintf("its rollback %s is %s", back.Rollout.Name, back.Rollout.State))
	}
	if err := e.refuseNewer(r, "roll back"); err != nil {
		return err
	}
	if e.Spec.Remote {
		return nil // the platform says what it goes back to
	}
	if step, open := e.OpenStep(); open && step.State != StepAsking {
		return e.refuse("roll back", "an effect is under way; run `sluice reconcile` or cancel it first")
	}
	if len(e.Baseline) == 0 || string(e.Baseline) == "null" {
		return e.refuse("roll back", "nothing ran on the target before it")
	}
	if e.Previous != "" && r.IsAbandoned(e.Previous) {
		return e.refuse("roll back", "release "+e.Previous+", which ran before it, was abandoned; promote another release")
	}
	return nil
}

// rollbackOf is the newest rollback of a rollout.
func (r *Record) rollbackOf(e *Execution) (*Execution, bool) {
	for i := range slices.Backward(r.Rollouts) {
		if r.Rollouts[i].Rollout.RollbackOfRollout == e.Rollout.Name {
			return &r.Rollouts[i], true
		}
	}
	return nil, false
}

// Rollback adds the rollout that undoes another to r: it starts at stable,
// skips bakes and analysis, runs the checks that say onRollback, and comes
// before what is queued. A rollout of ours that is still under way ends
// CANCELLED; a platform's own is asked to.
func Rollback(r *Record, undone string, spec Spec, now time.Time) (*Execution, error) {
	e, ok := r.Rollout(undone)
	if !ok {
		return nil, fmt.Errorf("no rollout %s in the state of %s", undone, r.Target)
	}
	if err := e.mayRollBack(r); err != nil {
		return nil, err
	}
	back := newExecution(r, rollbackSpec(e, spec), e.before(), now)
	if !e.Spec.Remote {
		back.Rollout.Phases = back.buildPhases(false)
	}
	back.Baseline = slices.Clone(e.Baseline)
	back.Rollout.RollbackOfRollout = undone
	back.Accepted = true // whatever stands: a person wants the baseline
	if err := e.makeWay(r, back.Rollout.Name, spec.Creator, now); err != nil {
		return nil, err
	}
	return r.insert(back, r.behind(undone), "rollback of "+undone, now), nil
}

// rollbackSpec is the plan of the rollback of e.
func rollbackSpec(e *Execution, spec Spec) Spec {
	spec.Command = commandRollback
	spec.Release = driver.Release{ID: e.Previous}
	spec.Phases = []PhaseSpec{{ID: PhaseStable, Effects: []driver.Kind{driver.Rollback}}}
	spec.Wait, spec.Restore, spec.Remote = nil, false, e.Spec.Remote
	spec.Gates = e.Spec.Gates.onRollback()
	return spec
}

// before names what ran before e, for the name of its rollback.
func (e *Execution) before() string {
	if e.Previous == "" {
		return "before-" + e.Spec.Release.ID
	}
	return e.Previous
}

// makeWay ends a rollout that is being rolled back.
func (e *Execution) makeWay(r *Record, by, actor string, now time.Time) error {
	switch {
	case e.Over():
		return nil
	case e.mirrored() && e.Rollout.State == StateCancelling:
		return nil
	case e.mirrored():
		return e.ask(r, Request{Kind: driver.Cancel, Actor: actor}, now)
	}
	if step, asks := e.asking(); asks {
		e.decided(r, step, now)
	}
	if e.Rollout.FailureReason == "" {
		e.Rollout.FailureReason = "rolled back by " + by
	}
	e.abortRest(r, now)
	e.finish(r, StateCancelled, now)
	return nil
}

// behind is the place after a rollout and before what is queued behind it.
func (r *Record) behind(name string) int {
	for i := r.index(name) + 1; i < len(r.Rollouts); i++ {
		if !r.Rollouts[i].Over() {
			return i
		}
	}
	return len(r.Rollouts)
}

// onRollback keeps the checks that run in rollbacks too.
func (g Gates) onRollback() Gates {
	keep := func(gates []Gate) []Gate {
		return slices.DeleteFunc(slices.Clone(gates), func(g Gate) bool { return !g.OnRollback })
	}
	return Gates{Predeploy: keep(g.Predeploy), Verify: keep(g.Verify), Postdeploy: keep(g.Postdeploy)}
}
