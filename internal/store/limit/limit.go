// Package limit puts limits around a store: every operation ends by a deadline,
// and a panic within it is an error. Both hold whatever a server answers.
package limit

import (
	"context"

	"sluice/internal/guard"
	"sluice/internal/store"
)

// Deadline gives an operation its time: a context that ends by then, and what
// frees it. saving tells a commit from what only reads.
type Deadline func(ctx context.Context, saving bool) (context.Context, context.CancelFunc)

// New returns s within limits. Errors are those of s, and [*guard.Mistake]: what
// was to be saved may then have been saved or not.
func New(s store.Store, deadline Deadline) store.Store { return &limited{Store: s, deadline: deadline} }

type limited struct {
	store.Store
	deadline Deadline
}

// Load implements [store.Store].
func (l *limited) Load(ctx context.Context, keys ...store.Key) (entries []store.Entry, err error) {
	ctx, done := l.deadline(ctx, false)
	defer done()
	err = guard.Do("read state", func() (err error) {
		entries, err = l.Store.Load(ctx, keys...)
		return err
	})
	return entries, err
}

// List implements [store.Store].
func (l *limited) List(ctx context.Context, pipeline string) (keys []store.Key, err error) {
	ctx, done := l.deadline(ctx, false)
	defer done()
	err = guard.Do("list state", func() (err error) {
		keys, err = l.Store.List(ctx, pipeline)
		return err
	})
	return keys, err
}

// Commit implements [store.Store].
func (l *limited) Commit(ctx context.Context, entries ...store.Entry) (saved []store.Entry, err error) {
	ctx, done := l.deadline(ctx, true)
	defer done()
	err = guard.Do("save state", func() (err error) {
		saved, err = l.Store.Commit(ctx, entries...)
		return err
	})
	return saved, err
}
