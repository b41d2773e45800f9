package engine

import (
	"context"
	"fmt"
	"time"

	"sluice/stages"
	"sluice/stages/driver"
)

// confirm finds out what an effect did whose answer never reached a record.
func (r *run) confirm(ctx context.Context, t *task) {
	others, err := r.others(ctx, t)
	if err != nil {
		r.fail(t, err)
		return
	}
	if gone := neverSaved(others); len(gone) > 0 {
		for _, s := range t.slots {
			step, _ := s.active().OpenStep()
			r.withdraw(s, step.Call.Key, fmt.Sprintf("never sent: the intent is not in the state of %v", gone))
		}
		return
	}
	_, call, err := assemble(t)
	if err != nil {
		r.fail(t, err)
		return
	}
	for _, o := range others {
		call.Changes = append(call.Changes, o.step.Call.Changes...)
	}
	r.lookup(ctx, t, call, nil)
}

// lookup asks the platform what the call did, and goes on from there. Where it
// cannot be said yet, the effect stays intended, and is looked up again a while
// later. cause, where not nil, is why the answer is missing.
func (r *run) lookup(ctx context.Context, t *task, call driver.Call, cause error) {
	place, err := r.place(call.Changes[0].Target)
	if err != nil {
		r.fail(t, err)
		return
	}
	verdict, op, err := r.look(ctx, place, call)
	switch {
	case ctx.Err() != nil && (err != nil || verdict == driver.Undecided):
		return // interrupted: the intent stays and is looked up again
	case err != nil:
		r.fail(t, err)
		return
	}
	for _, s := range t.slots {
		s.see(call.Key)
	}
	if verdict != driver.Undecided {
		r.verdict(ctx, t, call, verdict, op, cause)
		return
	}
	wait := r.polling(t.slots[0], t.slots[0].active(), "lookup/"+call.Key).pace.NextBackOff()
	if r.beyond(wait) {
		r.undecided(t, call.Key, wait)
		return
	}
	r.pause(ctx, wait)
}

// undecided leaves a call that cannot be decided yet to a later invocation.
func (r *run) undecided(t *task, key string, wait time.Duration) {
	for _, s := range t.slots {
		s.active().LookedUp(key)
		s.dirty = true
	}
	r.later(t, r.Now().Add(wait))
}

// found is what a lookup found.
type found struct {
	verdict driver.Verdict
	op      driver.Operation
}

// look looks once, again while the platform does not answer.
func (r *run) look(ctx context.Context, place *stages.Target, call driver.Call) (driver.Verdict, driver.Operation, error) {
	reading, done := r.outlive(ctx, answerTime)
	defer done()
	f, err := retryReads(reading, r.Engine, func(ctx context.Context) (found, error) {
		v, op, err := place.Lookup(ctx, call)
		return found{v, op}, err
	})
	return f.verdict, f.op, err
}

// verdict acts on what Lookup found out.
func (r *run) verdict(ctx context.Context, t *task, call driver.Call, v driver.Verdict, op driver.Operation, cause error) {
	switch v {
	case driver.Found:
		r.Observer.Progress(t.slots[0].name(), "it had taken effect")
		r.answered(t, call, op)
	case driver.Absent:
		r.absent(ctx, t, call, cause)
	default:
		for _, s := range t.slots {
			r.askAbout(s, t, call, op, cause)
		}
	}
}

// absent takes a call back that provably had no effect, and has it sent again.
func (r *run) absent(ctx context.Context, t *task, call driver.Call, cause error) {
	if ctx.Err() != nil {
		return // the intent stays: the next invocation looks again
	}
	why := "looked up, and it had not taken effect"
	if cause != nil {
		why += fmt.Sprintf(" (%v)", cause)
	}
	r.again(ctx, t, call.Key, why, cause)
}

// askAbout stops at a target where something else stands than the call could
// have made of it.
func (r *run) askAbout(s *slot, t *task, call driver.Call, op driver.Operation, cause error) {
	stands := op.Results[s.name()]
	message := "what stands on the target is neither what stood before nor what this effect makes"
	if len(stands.Errors) > 0 {
		message += ": " + stands.Errors[0].String()
	}
	if cause != nil {
		message += fmt.Sprintf(" (%v)", cause)
	}
	s.active().Ask(&s.record, s.dueOf(t), call.Key, stands.After, message, r.Now())
	s.dirty = true
}
