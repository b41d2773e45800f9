package ledger

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sluice/internal/store"
)

// access is the way to the store.
type access struct {
	config Config
	ctx    context.Context // the invocation's: nothing is read after its end; saving has its grace

	mu   sync.Mutex
	dead error // a commit outlasted the time for saving: nothing is begun any more
}

// patience is how long a store that was told to stop may take to say what it
// did.
const patience = 250 * time.Millisecond

// within calls the store with a context that ends with the grace for saving. A
// store that does not come back then is left alone, and nothing more is begun:
// an interrupted invocation ends in time whatever the store does.
func within[T any](a *access, call func(context.Context) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	a.mu.Lock()
	dead := a.dead
	a.mu.Unlock()
	if dead != nil {
		var none T
		return none, dead
	}
	ctx, done := a.config.Work.Saving(a.ctx)
	back := make(chan result, 1)
	go func() {
		defer done()
		value, err := call(ctx)
		back <- result{value, err}
	}()
	select {
	case r := <-back:
		return r.value, r.err
	case <-ctx.Done():
	}
	late, stop := a.config.Work.After(patience)
	defer stop()
	select {
	case r := <-back:
		return r.value, r.err
	case <-late:
		var none T
		return none, a.giveUp(ctx)
	}
}

// giveUp ends all saving.
func (a *access) giveUp(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dead = &store.UnreadableError{
		Op: "write", Err: context.Cause(ctx),
		Remedy: "the store did not answer in time; the next run finds out what was saved",
	}
	return a.dead
}

// read is the one way to the store's Load; nothing is asked where nothing is
// wanted.
func (a *access) read(ctx context.Context, keys []store.Key) ([]store.Entry, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	entries, err := a.config.Store.Load(ctx, keys...)
	if err == nil && len(entries) != len(keys) {
		err = &store.UnreadableError{Op: "read", Err: fmt.Errorf("%d entries were asked for and %d came", len(keys), len(entries)), Remedy: "this is a mistake in sluice: report it"}
	}
	return entries, err
}

// reread reads entries within the grace for saving, a few times.
func (a *access) reread(keys []store.Key) (found []store.Entry, err error) {
	for _, pause := range readBackPauses() {
		found, err = within(a, func(ctx context.Context) ([]store.Entry, error) {
			if err := a.config.Work.Sleep(ctx, pause); err != nil {
				return nil, err
			}
			return a.read(ctx, keys)
		})
		if err == nil {
			return found, nil
		}
	}
	return nil, err
}

// The pauses before what is stored is read back after a lost answer.
func readBackPauses() []time.Duration { return []time.Duration{0, time.Second, 3 * time.Second} }
