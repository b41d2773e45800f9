package rollout

import "time"

// Supersede cancels a rollout whose deploy job has not started, for a newer one.
func (e *Execution) Supersede(r *Record, by string, now time.Time) error {
	switch {
	case e.Rollout.State.Final():
		return e.refuse("supersede", "it is over")
	case len(e.Steps) > 0:
		return e.refuse("supersede", "its deploy job has started")
	}
	e.Rollout.FailureReason = "superseded by " + by
	e.abortRest(r, now)
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
		e.abortRest(r, now)
		e.finish(r, StateFailed, now)
	}
}
