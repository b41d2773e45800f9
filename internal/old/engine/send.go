package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice/internal/old/rollout"
	"sluice/stages"
	"sluice/stages/driver"
)

// send begins the effect, at most once unless provably nothing happened, and
// records the answer.
func (r *run) send(ctx context.Context, t *task, call driver.Call) {
	place, err := r.place(call.Changes[0].Target)
	if err != nil {
		r.refusedByPlatform(t, call.Key, err)
		return
	}
	op, err := r.begin(ctx, place, call, t)
	switch {
	case err == nil:
		r.answered(t, call, op)
	case errors.Is(err, errNotSent):
		for _, s := range t.slots {
			r.withdraw(s, call.Key, "interrupted before it was sent")
		}
	default:
		r.noAnswer(ctx, t, call, err)
	}
}

// errNotSent means that an effect was provably not sent, and will not be.
var errNotSent = errors.New("not sent")

// begin sends the call, again only while the platform provably did nothing.
// Once ctx has ended nothing is sent any more.
func (r *run) begin(ctx context.Context, place *stages.Target, call driver.Call, t *task) (driver.Operation, error) {
	sending, done := r.outlive(ctx, answerTime)
	defer done()
	pace := quick()
	for {
		if ctx.Err() != nil {
			return driver.Operation{}, errNotSent
		}
		op, err := place.Begin(sending, call)
		if err == nil || stages.CodeOf(err) != driver.Retryable {
			return op, err
		}
		wait := max(retryAfter(err), pace.NextBackOff())
		if r.beyond(wait) {
			return op, fmt.Errorf("given up: the next attempt would end after the wait budget of %s: %w", r.WaitBudget, err)
		}
		r.Observer.Progress(t.slots[0].name(), fmt.Sprintf("%v; again in %s", err, wait.Round(time.Millisecond)))
		r.pause(ctx, wait)
	}
}

// noAnswer decides about an effect whose sending ended in an error.
func (r *run) noAnswer(ctx context.Context, t *task, call driver.Call, err error) {
	switch stages.CodeOf(err) {
	case driver.Lost, driver.Unknown:
		r.Observer.Progress(t.slots[0].name(), fmt.Sprintf("no clear answer (%v); looking it up", err))
		r.lookup(ctx, t, call, err)
	case driver.Retryable:
		for _, s := range t.slots {
			r.withdraw(s, call.Key, err.Error())
			s.err = err
		}
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
