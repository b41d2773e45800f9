package engine

import (
	"context"
	"fmt"
	"slices"

	"sluice/internal/old/rollout"
	"sluice/stages"
	"sluice/stages/driver"
)

// send begins the effect, once, and records the answer.
func (r *run) send(ctx context.Context, t *task, call driver.Call) {
	place, err := r.place(call.Changes[0].Target)
	if err != nil {
		r.refusedByPlatform(t, call.Key, err)
		return
	}
	r.begins.count(t)
	op, err := r.begin(ctx, place, call)
	switch {
	case err == nil:
		r.begins.forget(t)
		r.answered(t, call, op)
	case stages.NotSent(err):
		for _, s := range t.slots {
			r.withdraw(s, call.Key, "interrupted before it was sent")
		}
	default:
		r.noAnswer(ctx, t, call, err)
	}
}

// begin sends the call, once. Once ctx has ended nothing is sent any more, and
// what was sent before that may still be answered for a while.
func (r *run) begin(ctx context.Context, place *stages.Target, call driver.Call) (driver.Operation, error) {
	longer, done := r.outlive(ctx, answerTime)
	defer done()
	sending, stop := r.within(longer)
	defer stop()
	return place.Begin(stages.WithStop(sending, ctx.Done()), call)
}

// noAnswer decides about an effect whose sending ended in an error.
func (r *run) noAnswer(ctx context.Context, t *task, call driver.Call, err error) {
	switch stages.CodeOf(err) {
	case driver.Lost, driver.Unknown:
		r.Observer.Progress(t.slots[0].name(), fmt.Sprintf("no clear answer (%v); looking it up", err))
		r.lookup(ctx, t, call, err)
	case driver.Retryable:
		r.again(ctx, t, call.Key, err.Error(), err)
	default:
		r.refusedByPlatform(t, call.Key, err)
	}
}

func (r *run) refusedByPlatform(t *task, key string, err error) {
	for _, s := range t.slots {
		s.active().FailEffectBecause(&s.record, s.dueOf(t), key, rollout.CauseOf(stages.CodeOf(err)), err.Error(), r.Now())
		s.dirty = true
	}
}

// answered records what the platform answered.
func (r *run) answered(t *task, call driver.Call, op driver.Operation) {
	for _, s := range t.slots {
		r.take(s, call.Key, op)
	}
}

// take puts an operation's progress into the slot's record. What the platform
// was seen to wait for is looked at anew after a command to it.
func (r *run) take(s *slot, key string, op driver.Operation) {
	x := s.active()
	if x == nil {
		return
	}
	before := x.Rollout.State
	x.Begun(&s.record, key, op, r.Now())
	s.dirty = true
	r.show(s, op)
	if after := x.Rollout.State; after != before && x.Spec.Remote {
		r.Observer.Progress(s.name(), fmt.Sprintf("rollout %s is %s", x.Rollout.Name, after))
	}
	if step, open := x.OpenStep(); open && step.Call.Key != key {
		delete(s.polled, step.Call.Key)
		delete(s.seen, step.Call.Key)
	}
}

// show passes on what the platform says beside the result.
func (r *run) show(s *slot, op driver.Operation) {
	r.warn(s, op)
	if result, ok := op.Results[s.name()]; ok && result.Log != "" {
		r.Observer.Log(s.name(), "output of "+s.record.Platform, result.Log)
	}
}

// warn passes on an operation's warnings, each once.
func (r *run) warn(s *slot, op driver.Operation) {
	for _, w := range op.Warnings {
		if slices.Contains(s.warned, w.String()) {
			continue
		}
		s.warned = append(s.warned, w.String())
		r.Observer.Warn(s.name(), w.String())
	}
}
