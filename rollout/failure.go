package rollout

import (
	"slices"
	"time"

	"sluice/stages/driver"
)

// effectFailed fails the job an effect belongs to; of what was asked for outside
// the order of jobs nothing more is tried.
func (e *Execution) effectFailed(r *Record, due Due, cause FailureCause, message string, now time.Time) {
	if due.Asked {
		e.owner().askedFailed(r, due.Kind, cause, message, now)
		return
	}
	e.owner().failed(r, due.Phase, due.Job, cause, message, now)
}

func (t Refuse) apply(r *Record, now time.Time) error {
	if e, step, ok := r.openCall(t.Key); ok {
		e.underWay(r, step, now).fail(t.Cause, t.Message)
		return nil
	}
	e, err := r.rolloutFor("send an effect of", t.Due.Rollout)
	if err != nil {
		return err
	}
	if t.Due.Asked {
		e.Asked.take(t.Due)
	}
	r.event(e, now, Event{Type: "effect.refused", Phase: t.Due.Phase, Job: t.Due.Job, Message: string(t.Due.Kind) + ": " + t.Message})
	e.effectFailed(r, t.Due, t.Cause, t.Message, now)
	return nil
}

func (t Withdraw) apply(r *Record, now time.Time) error {
	e, step, ok := r.openCall(t.Key)
	if !ok {
		return nil
	}
	e.underWay(r, step, now).end(StepWithdrawn, t.Why)
	if step.Asked != nil && !e.Rollout.State.Final() || step.Asked != nil && e.mirrored() {
		e.Asked = slices.Insert(e.Asked, 0, *step.Asked)
	}
	return nil
}

func (t Redate) apply(r *Record, _ time.Time) error {
	if _, step, ok := r.openCall(t.Key); ok {
		step.Call.Intended = t.At.UTC()
	}
	return nil
}

func (t LookedUp) apply(r *Record, _ time.Time) error {
	if _, step, ok := r.openCall(t.Key); ok {
		step.Looked++
	}
	return nil
}

func (t AskPerson) apply(r *Record, now time.Time) error {
	e, _, ok := r.openCall(t.Key)
	if !ok {
		var err error
		if e, err = r.rolloutFor("send an effect of", t.Due.Rollout); err != nil {
			return err
		}
	}
	t.ask(r, e, now)
	return nil
}

// ask stops at an effect. Where a person has the target go back anyway that is
// their answer already.
func (t AskPerson) ask(r *Record, e *Execution, now time.Time) {
	step, ok := e.Steps.of(t.Key)
	if ok {
		step.Unsure = true
	} else {
		change := e.Change(t.Due)
		call := driver.Call{Key: t.Key, Kind: t.Due.Kind, Changes: []driver.Change{change}}
		step = e.addStep(r, t.Due, Step{Call: call, Before: change.Expected}, now)
	}
	step.State, step.Found, step.Message = StepAsking, t.Found, t.Message
	r.event(e, now, Event{Type: "effect.asking", Phase: t.Due.Phase, Job: t.Due.Job, Temporary: true, Action: t.Key, Message: t.Message})
	if other, yields := e.yields(r); yields && other.Spec.Person {
		e.underWay(r, step, now).decided()
	}
}

func (t Stopped) apply(r *Record, now time.Time) error {
	e, err := r.rolloutFor("stop", t.Rollout)
	if err != nil {
		return err
	}
	if e.Rollout.State.Final() && !e.busy() {
		return nil
	}
	if e.setStop(Stop{Cause: t.Cause, Since: now.UTC(), Until: t.Until.UTC(), Message: t.Message}) {
		r.event(e, now, Event{Type: "rollout.stopped", Message: t.Message, Info: map[string]string{"cause": string(t.Cause)}})
	}
	return nil
}

func (t Reached) apply(r *Record, now time.Time) error {
	e, err := r.rolloutFor("resume", t.Rollout)
	if err != nil {
		return err
	}
	if e.Stop != nil && (e.Stop.Cause == StopPlatform || e.Stop.Cause == StopBusy) {
		e.endStop(now)
	}
	return nil
}
