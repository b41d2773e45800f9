// Package limit puts limits around a store: every operation ends by a deadline,
// and a panic within it is an error. Both hold whatever a server answers.
package limit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluice/internal/guard"
	"sluice/internal/store"
	"sluice/internal/work"
)

// Deadline gives an operation its time: a context that ends by then, and what
// frees it. saving tells a commit from what only reads.
type Deadline func(ctx context.Context, saving bool) (context.Context, context.CancelFunc)

// Call is the most that one operation takes, all its requests, attempts and
// waits together. It is more than a short wait for a rate limit.
const Call = 2 * time.Minute

// Within gives each operation the same time.
func Within(d time.Duration) Deadline {
	return func(ctx context.Context, _ bool) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, d)
	}
}

// New returns s within limits, by a clock whose zero value is the machine's. Errors are those of s; [*guard.Mistake]; and a
// [*store.UnreadableError] where the deadline ended an operation that its caller
// had not given up. What was to be saved may then have been saved or not.
func New(s store.Store, clock work.Clock, deadline Deadline) store.Store {
	return &limited{Store: s, clock: clock.Filled(), deadline: deadline}
}

type limited struct {
	store.Store
	clock    work.Clock
	deadline Deadline
}

// Load implements [store.Store].
func (l *limited) Load(ctx context.Context, keys ...store.Key) (entries []store.Entry, err error) {
	err = l.do(ctx, "read", func(ctx context.Context) (err error) {
		entries, err = l.Store.Load(ctx, keys...)
		return err
	})
	return entries, err
}

// List implements [store.Store].
func (l *limited) List(ctx context.Context, pipeline, kind string) (keys []store.Key, err error) {
	err = l.do(ctx, "list", func(ctx context.Context) (err error) {
		keys, err = l.Store.List(ctx, pipeline, kind)
		return err
	})
	return keys, err
}

// Commit implements [store.Store].
func (l *limited) Commit(ctx context.Context, entries ...store.Entry) (saved []store.Entry, err error) {
	err = l.do(ctx, "write", func(ctx context.Context) (err error) {
		saved, err = l.Store.Commit(ctx, entries...)
		return err
	})
	return saved, err
}

// waited waits until a place that was busy takes more, where that is before end: a call
// that it refused had no effect.
func (l *limited) waited(ctx context.Context, err error, end time.Time) bool {
	until, busy := store.IsBusy(err)
	return busy && until.Before(end) && l.clock.Sleep(ctx, until.Sub(l.clock.Now())) == nil
}

// end is when the time of a call that begins now is over by the store's clock.
func (l *limited) end(within context.Context) time.Time {
	deadline, _ := within.Deadline() // every [Deadline] sets one
	return l.clock.Now().Add(time.Until(deadline))
}

// do makes one call, op as in [store.UnreadableError].
func (l *limited) do(ctx context.Context, op string, call func(context.Context) error) error {
	within, done := l.deadline(ctx, op == "write")
	defer done()
	began, end := time.Now(), l.end(within)
	err := guard.Do(op+" state", func() error { return call(within) })
	for l.waited(within, err, end) {
		err = guard.Do(op+" state", func() error { return call(within) })
	}
	late := errors.Is(within.Err(), context.DeadlineExceeded) && ctx.Err() == nil
	if _, busy := store.IsBusy(err); err == nil || !late || busy || store.IsConflict(err) || store.IsUnreadable(err) {
		return err
	}
	return &store.UnreadableError{
		Op: op, Err: fmt.Errorf("no whole answer within %s: %w", time.Since(began).Round(time.Second), err),
		Remedy: "run again later; what is stored is looked up first",
	}
}
