package rollout

import "time"

func (t Cancel) apply(r *Record, now time.Time) error {
	e, err := r.rolloutFor(string(ToCancel), t.Rollout)
	if err != nil {
		return err
	}
	if err := t.may(r, e, now); err != nil {
		return err
	}
	r.event(e, now, Event{Type: "rollout.cancelling", Actor: t.By.Login, Message: t.reason()})
	r.notePassed(Question{Intention: ToCancel, Release: e.Spec.Release.ID}, t.By, now)
	if t.Cause != "" && e.Rollout.FailureReason == "" {
		e.Rollout.FailureReason = t.Cause
	}
	if e.Rollout.State != StateCancelling {
		r.placeGoingBack(e, t.By, now)
	}
	return e.owner().cancel(r, t.By, now)
}

func (t Cancel) reason() string {
	if t.Cause != "" {
		return t.Cause
	}
	return t.By.Reason
}

// may says whether there is something to cancel.
func (t Cancel) may(r *Record, e *Execution, now time.Time) error {
	command := string(ToCancel)
	if err := r.Blocks.mayGoOn(e, ToCancel, t.By, now); err != nil {
		return err
	}
	_, asks := e.Steps.asking()
	switch s := e.Rollout.State; {
	case asks:
		return nil // the person decides: put back
	case s == StateCancelling, asksCancel(e):
		return e.refuse(command, ReasonGoingBack).because(e.Rollout.Name)
	case s == StateFailed && !e.Spec.Remote && e.Steps.canaryStands():
		return refuseNewer(e, r, command)
	case s == StateFailed && e.Restored, s == StateCancelled, s == StateApprovalRejected:
		return e.refuse(command, ReasonThere)
	case s.Final():
		return e.refuse(command, ReasonState)
	default:
		return nil
	}
}

// asksCancel reports whether the platform is still to be told to cancel.
func asksCancel(e *Execution) bool { return e.Spec.Remote && e.Asked.has("cancel") }
