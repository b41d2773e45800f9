package rollout

import (
	"time"

	"sluice/stages/driver"
)

// Cancel ends a rollout that is not final, and one that is FAILED while its
// canary was left standing. A canary that stands is removed first; a release
// that is stable stays. An effect under way is waited for.
func (e *Execution) Cancel(r *Record, actor string, now time.Time) error {
	if err := e.mayCancel(r); err != nil {
		return err
	}
	step, asks := e.asking()
	if e.mirrored() && !asks {
		return e.ask(r, Request{Kind: driver.Cancel, Actor: actor}, now)
	}
	r.event(e, now, Event{Type: "rollout.cancelling", Actor: actor})
	if asks {
		e.decided(r, step, now)
	}
	if e.waiting() || e.Spec.Remote {
		e.abortRest(r, now)
		e.finish(r, StateCancelled, now)
		return nil
	}
	e.Rollout.State, e.Rollout.DeployEndTime = StateCancelling, time.Time{}
	if e.previewed(r) {
		e.Asked = []Request{{Kind: driver.Reject, Actor: actor}}
		return nil
	}
	e.Asked, e.Left = nil, false // what is to be put back is found again when nothing is under way
	return nil
}

// mayCancel says whether there is something to cancel.
func (e *Execution) mayCancel(r *Record) error {
	switch s := e.Rollout.State; {
	case s == StateCancelling:
		if _, asks := e.asking(); asks {
			return nil // the person decides: go on putting traffic back
		}
		return e.refuse("cancel", "it is being cancelled already")
	case s == StateFailed && !e.Spec.Remote && e.canaryStands():
		return e.refuseNewer(r, "cancel")
	case s.Final():
		return e.refuse("cancel", "only a rollout that is not over can be cancelled")
	default:
		return nil
	}
}

// DecidedByPerson is the message of an effect that was withdrawn because a
// person answered the question it asked: alone among withdrawn effects it may
// have been sent.
const DecidedByPerson = "a person decided"

// decided withdraws an effect that waits for a person's decision: this is it.
func (e *Execution) decided(r *Record, step *Step, now time.Time) {
	e.endStep(r, step, StepWithdrawn, DecidedByPerson, now)
	e.Accepted = true
}
