package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"sluice/internal/old/rollout"
	"sluice/stages"
	"sluice/stages/driver"
)

// poll is the pace at which this invocation follows one operation.
type poll struct {
	pace   *backoff.ExponentialBackOff
	hint   time.Duration
	lost   int  // reads in a row that failed
	polled bool // at least once, or about to be
}

// defaultBackoff fills what neither the target nor the platform says.
var defaultBackoff = driver.Backoff{Initial: 500 * time.Millisecond, Max: 30 * time.Second, Factor: 2}

// pace builds the polling pace of a target: its own, else the platform's.
func (r *run) pace(s *slot, x *rollout.Execution) *backoff.ExponentialBackOff {
	facts, _ := r.Stages.Facts(s.record.Platform)
	own := driver.Backoff{Initial: x.Spec.Poll.Initial.Std(), Max: x.Spec.Poll.Max.Std(), Factor: x.Spec.Poll.Factor}
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = first(own.Initial, facts.Backoff.Initial, defaultBackoff.Initial)
	b.MaxInterval = first(own.Max, facts.Backoff.Max, defaultBackoff.Max)
	b.Multiplier = first(own.Factor, facts.Backoff.Factor, defaultBackoff.Factor)
	b.RandomizationFactor = facts.Backoff.Jitter
	b.Reset()
	return b
}

// first is the first value that is set.
func first[T time.Duration | float64](values ...T) T {
	for _, v := range values {
		if v > 0 {
			return v
		}
	}
	return 0
}

// polled is the slot's pace for the call under way.
func (r *run) polling(s *slot, x *rollout.Execution, key string) *poll {
	if s.polled[key] == nil {
		s.polled[key] = &poll{pace: r.pace(s, x)}
	}
	return s.polled[key]
}

// follow waits for the next poll of an operation and takes what it says.
func (r *run) follow(ctx context.Context, t *task) {
	op, call, err := assemble(t)
	if err != nil {
		r.fail(t, err)
		return
	}
	s := t.slots[0]
	p := r.polling(s, s.active(), call.Key)
	wait := r.untilPoll(s, p)
	if r.beyond(wait) {
		r.later(t, r.Now().Add(wait))
		return
	}
	r.pause(ctx, wait)
	if ctx.Err() != nil {
		return
	}
	place, err := r.place(call.Changes[0].Target)
	if err != nil {
		r.fail(t, err)
		return
	}
	reading, done := r.within(ctx)
	defer done()
	next, hint, err := place.Poll(reading, op)
	if err != nil {
		r.pollFailed(ctx, t, p, err)
		return
	}
	p.hint, p.lost = hint, 0
	for _, s := range t.slots {
		s.see(call.Key)
	}
	r.progressed(t, call.Key, op, next)
}

// untilPoll is how long to wait before the next poll. An operation that began
// a while ago, in another invocation, is polled at once.
func (r *run) untilPoll(s *slot, p *poll) time.Duration {
	wait := max(p.pace.NextBackOff(), p.hint)
	if p.polled {
		return wait
	}
	p.polled = true
	if step, ok := s.active().OpenStep(); ok {
		wait -= r.Now().Sub(step.Time)
	}
	return max(wait, 0)
}

// later leaves the operation to a later invocation.
func (r *run) later(t *task, at time.Time) {
	for _, s := range t.slots {
		s.err = &pendingError{waiting: rollout.Waiting{Kind: rollout.WaitOperation, Until: at.UTC(), Command: "sluice reconcile"}}
	}
}

// pendingError ends a unit's work without a failure: it waits for longer than
// this invocation may.
type pendingError struct{ waiting rollout.Waiting }

func (e *pendingError) Error() string { return "waits for " + string(e.waiting.Kind) }

func (r *run) fail(t *task, err error) {
	for _, s := range t.slots {
		s.err = err
	}
}

// pollAttempts is how many reads in a row may fail before the operation is
// left to a later invocation.
const pollAttempts = 5

// pollFailed decides about a poll that gave no answer. The operation goes on
// whatever happens to a read of it: only where the platform says that it is
// gone does it fail.
func (r *run) pollFailed(ctx context.Context, t *task, p *poll, err error) {
	p.lost++
	p.hint = retryAfter(err)
	switch {
	case ctx.Err() != nil:
	case stages.CodeOf(err) == driver.NotFound:
		for _, s := range t.slots {
			step, _ := s.active().OpenStep()
			s.active().FailEffectBecause(&s.record, s.dueOf(t), step.Call.Key, rollout.CauseOf(stages.CodeOf(err)), err.Error(), r.Now())
			s.dirty = true
		}
	case !mayPass(err) || p.lost >= pollAttempts:
		r.fail(t, err)
	default:
		r.Observer.Progress(t.slots[0].name(), fmt.Sprintf("the platform did not answer (%v)", err))
	}
}

// progressed takes a poll's answer. The records change, and are saved, only
// where something happened.
func (r *run) progressed(t *task, key string, before, op driver.Operation) {
	for _, s := range t.slots {
		was, is := before.Results[s.name()], op.Results[s.name()]
		if op.Progress != before.Progress || op.Status != before.Status {
			r.Observer.Progress(s.name(), progressText(op))
		}
		if !news(s, was, is) {
			r.warn(s, op)
			r.remember(s, key, op)
			continue
		}
		r.take(s, key, op)
	}
}

// remember keeps an operation's progress in memory; it is saved with the next
// change that matters.
func (r *run) remember(s *slot, key string, op driver.Operation) {
	step, ok := s.active().OpenStep()
	if !ok || step.Call.Key != key || step.Operation == nil {
		return
	}
	kept := *step.Operation
	kept.Status, kept.Progress, kept.Data = op.Status, op.Progress, op.Data
	step.Operation = &kept
}

// moved reports whether a platform's own rollout changed since it was mirrored.
func moved(x *rollout.Execution, result driver.Result) bool {
	return len(result.Rollout) > 0 && x.Differs(result.Rollout)
}

func progressText(op driver.Operation) string {
	text := string(op.Status)
	if op.Progress > 0 {
		text += fmt.Sprintf(" %d%%", op.Progress)
	}
	if op.ID != "" {
		text = op.ID + ": " + text
	}
	return text
}

// news reports whether a poll's result differs from the one before it in
// anything that is saved at once.
func news(s *slot, was, is driver.Result) bool {
	return was.Outcome != is.Outcome || was.Waiting != is.Waiting || moved(s.active(), is)
}

// platformWaits is what the platform was seen in this invocation to wait for a
// person to do.
func (s *slot) platformWaits() (rollout.Waiting, bool) {
	if s.unseen() {
		return rollout.Waiting{}, false
	}
	return s.awaits()
}
