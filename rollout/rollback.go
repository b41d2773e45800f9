package rollout

import (
	"fmt"
	"slices"
	"time"

	"sluice/stages/driver"
)

// RolledBack is the rollout that a rollback of r would undo: the newest that
// changed the target, is no rollback itself and was not rolled back.
// promotion, where not "", asks for that promotion's rollout.
func (r *Record) RolledBack(promotion string) (*Execution, error) {
	for i := range slices.Backward(r.Rollouts) {
		e := &r.Rollouts[i]
		if promotion != "" && e.Spec.Promotion != promotion {
			continue
		}
		if e.Spec.Command == "rollback" || len(e.Rollout.RolledBackByRollouts) > 0 || !e.Touched() {
			continue
		}
		return e, e.mayRollBack()
	}
	return nil, &RefusedError{
		Command: "roll back", Rollout: r.Target, State: "as it was",
		Reason: "no rollout of ours has changed it since its last rollback",
	}
}

func (e *Execution) mayRollBack() error {
	if step, open := e.OpenStep(); open && step.State != StepAsking && !e.Spec.Remote {
		return e.refuse("roll back", "an effect is under way; run `sluice reconcile` or cancel it first")
	}
	if e.Spec.Remote {
		return nil
	}
	if len(e.Baseline) == 0 || string(e.Baseline) == "null" {
		return e.refuse("roll back", "nothing ran on the target before it")
	}
	return nil
}

// Rollback adds the rollout that undoes e to r: it starts at stable, skips
// bakes and analysis, and runs the checks that say onRollback. A rollout that
// is still under way ends CANCELLED.
func Rollback(r *Record, undone string, spec Spec, now time.Time) (*Execution, error) {
	e, ok := r.Rollout(undone)
	if !ok {
		return nil, fmt.Errorf("no rollout %s in the state of %s", undone, r.Target)
	}
	if !e.Rollout.State.Final() {
		e.giveUpAsking(r, now)
		e.Asked = nil
		e.abortRest()
		e.finish(r, StateCancelled, now)
	}
	spec.Command = "rollback"
	spec.Release = driver.Release{ID: e.Previous}
	spec.Phases = []PhaseSpec{{ID: PhaseStable, Effects: []driver.Kind{driver.Rollback}}}
	spec.Wait, spec.Restore, spec.Remote = nil, false, e.Spec.Remote
	spec.Gates = e.Spec.Gates.onRollback()
	baseline := slices.Clone(e.Baseline)
	back := Create(r, spec, false, now)
	back.Baseline = baseline
	back.Rollout.RollbackOfRollout = undone
	back.Accepted = true // whatever stands: a person wants the baseline
	return back, nil
}

// onRollback keeps the checks that run in rollbacks too.
func (g Gates) onRollback() Gates {
	keep := func(gates []Gate) []Gate {
		return slices.DeleteFunc(slices.Clone(gates), func(g Gate) bool { return !g.OnRollback })
	}
	return Gates{Predeploy: keep(g.Predeploy), Verify: keep(g.Verify), Postdeploy: keep(g.Postdeploy)}
}

// Supersede cancels a rollout whose deploy job has not started, for a newer one.
func (e *Execution) Supersede(r *Record, by string, now time.Time) error {
	if e.Rollout.State.Final() || len(e.Steps) > 0 {
		return e.refuse("supersede", "its deploy job has started")
	}
	e.Rollout.FailureReason = "superseded by " + by
	e.abortRest()
	e.finish(r, StateCancelled, now)
	return nil
}

// Abandon marks a release: unfinished rollouts of it that have not started end
// FAILED with RELEASE_ABANDONED, and it is not promoted to or from here again.
// A rollout at work goes on; cancel it.
func (r *Record) Abandon(release, actor, reason string, now time.Time) {
	if !r.IsAbandoned(release) {
		r.Abandoned = append(r.Abandoned, Abandonment{Release: release, Actor: actor, Time: now.UTC(), Reason: reason})
		r.AddEvent(Event{Type: "release.abandoned", Time: now.UTC(), Actor: actor, Message: release})
	}
	for i := range r.Rollouts {
		e := &r.Rollouts[i]
		if e.Rollout.State.Final() || e.Spec.Release.ID != release || len(e.Steps) > 0 {
			continue
		}
		e.Rollout.FailureReason = "release " + release + " was abandoned by " + actor
		e.Rollout.DeployFailureCause = ReleaseAbandoned
		e.abortRest()
		e.finish(r, StateFailed, now)
	}
}
