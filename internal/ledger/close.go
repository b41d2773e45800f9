package ledger

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"sluice/internal/store"
)

// Close saves what is queued, lets go of what this run holds, and takes its
// entry away. No save begins after it; a second call does nothing. Where the
// invocation was interrupted it ends within the grace for saving. An error means
// that a lease ends by itself: [*UnreadableError] where it could not be written.
func (l *Ledger) Close() error {
	sets, closed := l.lastSets(l.overdue())
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
// one set for each target that is still held, one for the entries that nobody
// needs any more, and an empty one with which this run's own entry goes.
func (l *Ledger) lastSets(overdue []store.Key) (sets []*set, closed bool) {
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
	swept := newSet() // whether they go, nobody waits to hear
	for _, k := range overdue {
		swept.drafts = append(swept.drafts, &draft{key: k, remove: true, generation: l.nextGeneration(k)})
	}
	own := newSet()
	l.queue.add(swept)
	l.queue.add(own)
	l.work()
	return append(sets, own), false
}

// sweptAfter is how long after a lease has ended its run's entry may be needed: by
// whoever asks from when on an effect may be taken for absent.
const sweptAfter = time.Hour

// overdue are the entries of runs that ended long ago without giving their leases
// back. Only a run that broke a lease looks for them: where nothing dies there are
// none. A target that names one of them is free without it.
func (l *Ledger) overdue() []store.Key {
	l.mu.Lock()
	look := len(l.broken) > 0 && !l.queue.closed && l.ctx.Err() == nil
	l.mu.Unlock()
	if !look {
		return nil
	}
	found, err := within(l, func(ctx context.Context) ([]store.Entry, error) {
		keys, err := l.config.Store.List(ctx, l.config.Pipeline, store.KindRun)
		if err != nil {
			return nil, err
		}
		return l.read(ctx, keys)
	})
	if err != nil {
		return nil // the next one that breaks a lease looks again
	}
	var keys []store.Key
	for _, e := range found {
		run, err := decodeRun(e.Key, e.Data)
		if e.Version == "" || err != nil || run.ID == l.config.Run.ID || l.config.Work.Now().Before(run.Until.Add(sweptAfter)) || l.learn(e) != nil {
			continue
		}
		keys = append(keys, e.Key)
	}
	return keys
}

// letGo is a set that frees a target, whatever else is stored of it.
func (l *Ledger) letGo(target string) (*set, error) {
	k := l.key(Target(target))
	known := l.known[k]
	r, err := decodeRecord(k, known.data)
	if err != nil {
		return nil, err
	}
	r.Lease, r.Generation = "", known.generation+1
	s, d := newSet(), &draft{key: k, seen: known.generation, generation: r.Generation}
	s.drafts = []*draft{d}
	d.data, err = encode(k, r, l.config.Redact)
	return s, err
}
