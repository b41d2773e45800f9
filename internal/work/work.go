package work

import (
	"context"
	"sync"
	"time"
)

// Work is the clock and the limits of one invocation, and its interruption. Make
// one with [Begin]; it is safe for concurrent use.
type Work struct {
	Clock
	Limits

	mu      sync.Mutex
	cut     time.Time       // when the invocation was interrupted
	answers context.Context // ends when requests under way are no longer waited for
	saves   context.Context // ends when nothing more is saved
	end     func()
}

// Begin starts an invocation's time. ctx is the invocation's own: its end is the
// interruption from which the graces run. The zero Clock is [System]. The caller
// calls End once the invocation is over.
func Begin(ctx context.Context, clock Clock, limits Limits) *Work {
	clock = clock.Filled()
	w := &Work{Clock: clock, Limits: limits.filled(clock.Now())}
	lasting := context.WithoutCancel(ctx)
	answers, endAnswers := context.WithCancelCause(lasting)
	saves, endSaves := context.WithCancelCause(lasting)
	w.answers, w.saves = answers, saves
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		w.interrupted()
		w.graceThen(over, w.Answers, func() { endAnswers(context.Cause(ctx)) })
		w.graceThen(over, w.Saves, func() { endSaves(context.Cause(ctx)) })
	})
	w.end = sync.OnceFunc(func() {
		stop()
		close(over)
		endAnswers(nil)
		endSaves(nil)
	})
	return w
}

func (w *Work) interrupted() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = w.Now()
}

// graceThen calls then once grace has passed since the interruption, unless the
// invocation is over before.
func (w *Work) graceThen(over <-chan struct{}, grace time.Duration, then func()) {
	at, _ := w.Interrupted()
	passed, stop := w.After(grace - w.Now().Sub(at))
	defer stop()
	select {
	case <-over:
	case <-passed:
		then()
	}
}

// Interrupted is when the invocation was told to stop.
func (w *Work) Interrupted() (at time.Time, yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut, !w.cut.IsZero()
}

// Answering is a context for a request that may still be answered after an
// interruption: it carries ctx's values and ends Answers after the invocation was
// interrupted, not with ctx. The caller calls the function when it has its answer.
func (w *Work) Answering(ctx context.Context) (context.Context, context.CancelFunc) {
	return outlive(ctx, w.answers)
}

// Saving is a context for saving what happened: it carries ctx's values and ends
// Saves after the invocation was interrupted, not with ctx. The caller calls the
// function when it has saved.
func (w *Work) Saving(ctx context.Context) (context.Context, context.CancelFunc) {
	return outlive(ctx, w.saves)
}

// outlive is ctx with another end.
func outlive(ctx, until context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(until, func() { cancel(context.Cause(until)) })
	return longer, func() {
		stop()
		cancel(nil)
	}
}

// End lets go of what Begin started. What was made by Answering and Saving has
// ended then too.
func (w *Work) End() { w.end() }
