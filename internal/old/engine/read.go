package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"sluice/stages"
	"sluice/stages/driver"
)

// readAttempts is how often a read is tried before its target is left for a
// later invocation.
const readAttempts = 4

// readPatience is how long a read is waited for however small the budget is.
const readPatience = 10 * time.Second

// readGrace is how long reads may still be under way when the wait budget is
// used up. With what is saved after that, an invocation ends within 30 s of its
// budget, whatever is answered.
const readGrace = 20 * time.Second

// within is ctx that ends when reads must: a grace after the wait budget, which
// does not count the time that checks took.
func (e *Engine) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, e.deadline().Add(e.checking.sum()+readGrace).Sub(e.Now()))
}

// saveLeft is how long a save has at least.
const saveLeft = 5 * time.Second

// ofStore is the time that an operation of the store has.
func (e *Engine) ofStore(ctx context.Context, saving bool) (context.Context, context.CancelFunc) {
	if left := e.deadline().Add(e.checking.sum() + readGrace).Sub(e.Now()); saving && left < saveLeft {
		return context.WithTimeout(ctx, saveLeft)
	}
	return e.within(ctx)
}

// stopwatch sums up time. It is safe for concurrent use.
type stopwatch struct{ total atomic.Int64 }

func (w *stopwatch) add(d time.Duration) { w.total.Add(int64(d)) }
func (w *stopwatch) sum() time.Duration  { return time.Duration(w.total.Load()) }

// retryReads repeats a read while the platform may still answer and the
// invocation has time. Effects never go through here.
func retryReads[T any](ctx context.Context, e *Engine, read func(context.Context) (T, error)) (T, error) {
	ctx, done := e.within(ctx)
	defer done()
	pace := &patient{ExponentialBackOff: quick(), engine: e}
	return backoff.Retry(ctx, func() (T, error) {
		v, err := read(ctx)
		if err == nil {
			return v, nil
		}
		if !mayPass(err) {
			return v, backoff.Permanent(err)
		}
		pace.hint = retryAfter(err)
		return v, err
	}, backoff.WithMaxTries(readAttempts), backoff.WithBackOff(pace), backoff.WithMaxElapsedTime(0))
}

// mayPass reports whether the same request may be answered well a little later.
func mayPass(err error) bool {
	switch stages.CodeOf(err) {
	case driver.Retryable, driver.Lost, driver.Unknown:
		return true
	default:
		return false
	}
}

// patient waits as long as the platform asks for, but not beyond the
// invocation's budget.
type patient struct {
	*backoff.ExponentialBackOff
	engine *Engine
	hint   time.Duration
}

// NextBackOff is the next wait, or [backoff.Stop].
func (p *patient) NextBackOff() time.Duration {
	wait := max(p.ExponentialBackOff.NextBackOff(), p.hint)
	if wait > readPatience && p.engine.beyond(wait) {
		return backoff.Stop
	}
	return wait
}

// quick is the pace of repeated requests that had no effect.
func quick() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = 250*time.Millisecond, 10*time.Second, 2
	return b
}

// retryAfter is the platform's word on when to ask again; 0 without one.
func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*stages.Error](err); ok {
		return e.RetryAfter
	}
	return 0
}
