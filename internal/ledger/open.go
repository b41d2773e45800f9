package ledger

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"sluice/internal/store"
	"sluice/rollout"
)

// Close saves what is queued, lets go of what this run holds, and takes its
// entry away. No save begins after it; a second call does nothing. Where the
// invocation was interrupted it ends within the grace for saving. An error means
// that a lease ends by itself: [*UnreadableError] where it could not be written.
func (l *Ledger) Close() error {
	sets, closed := l.lastSets(sweeper{l}.unneeded())
	if closed {
		return nil
	}
	var errs []error
	for _, s := range sets {
		if err := (<-s.done).Err; err != nil && !IsConflict(err) { // another's now: that is let go
			errs = append(errs, err)
		}
	}
	close(l.closing)
	l.mu.Lock()
	keeping := l.lease.keeping
	l.mu.Unlock()
	if keeping != nil {
		<-keeping
	}
	if err := Join(errs...); err != nil {
		return fmt.Errorf("a lease could not be given back, and ends by itself: %w", err)
	}
	return nil
}

// lastSets accepts no more saves, waits for those that are queued, and queues
// one set for each target that is still held, one for each entry that nobody needs
// any more, and an empty one with which this run's own entry goes.
func (l *Ledger) lastSets(unneeded []store.Key) (sets []*set, closed bool) {
	l.mu.Lock()
	if closed = l.queue.closed; closed {
		l.mu.Unlock()
		return nil, true
	}
	l.queue.closed = true
	l.mu.Unlock()
	<-l.submit(newSet()) // all that was queued before is over then
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, target := range slices.Sorted(maps.Keys(l.held)) {
		if s, err := l.letGo(target); err == nil {
			sets = append(sets, s)
			l.queue.add(s)
		}
	}
	for _, k := range unneeded { // whether they go, nobody waits to hear
		swept := newSet()
		swept.drafts = []*draft{{key: k, remove: true, generation: l.nextGeneration(k)}}
		l.queue.add(swept)
	}
	own := newSet()
	l.queue.add(own)
	l.work()
	return append(sets, own), false
}

// Open returns a ledger. It reads nothing, and makes no connection. ctx is the
// invocation's.
func Open(ctx context.Context, c Config) *Ledger {
	c.Run.Schema, c.Run.Pipeline = rollout.Schema, c.Pipeline
	l := &Ledger{
		book: newBook(c), ctx: ctx, access: &access{config: c, ctx: ctx},
		fates: &fates{config: c, asked: map[string]answer{}}, closing: make(chan struct{}),
	}
	l.lease.keep = keeper{l}.renewals
	return l
}
