package ledger

import (
	"context"
	"time"

	"sluice/internal/store"
)

// queue is what waits to be saved. One commit is under way at most; what comes
// meanwhile is saved together by the next one.
type queue struct {
	sets     []*set
	busy     bool               // a commit is under way
	underWay map[store.Key]bool // what is in it
	closed   bool               // nothing more is accepted
	dead     error              // a commit outlasted the time for saving: nothing is begun any more
}

func (q *queue) add(s *set) { q.sets = append(q.sets, s) }

// has reports whether something of a key is still to be saved.
func (q *queue) has(k store.Key) bool {
	if q.underWay[k] {
		return true
	}
	for _, s := range q.sets {
		for _, d := range s.drafts {
			if d.key == k {
				return true
			}
		}
	}
	return false
}

// submit queues a set of the ledger's own.
func (l *Ledger) submit(s *set) <-chan Saved {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue.add(s)
	l.work()
	return s.done
}

// work has what is queued saved, unless somebody does already. It is called
// under the lock.
func (l *Ledger) work() {
	if l.queue.busy || len(l.queue.sets) == 0 {
		return
	}
	l.queue.busy = true
	go func() {
		for sets := l.next(); len(sets) > 0; sets = l.next() {
			began := l.config.Work.Now()
			l.save(sets)
			l.gather(len(sets), l.config.Work.Now().Sub(began))
		}
	}()
}

// gatherShare is which part of a commit's time the next one waits for more, and
// gatherMost the longest it does.
const (
	gatherShare = 8
	gatherMost  = 250 * time.Millisecond
)

// gather lets those of so many sets who were just told come back with what they
// save next, before the first of them has a commit of its own. Without it groups
// would take turns, and each target would cost up to twice the commits. Nobody
// waits where one save follows another, or after an interruption.
func (l *Ledger) gather(told int, took time.Duration) {
	l.mu.Lock()
	several := told+len(l.queue.sets) > 1 && !l.queue.closed
	l.mu.Unlock()
	if several {
		_ = l.config.Work.Sleep(l.ctx, min(took/gatherShare, gatherMost)) // its end is no news here
	}
}

// next takes all that is queued.
func (l *Ledger) next() []*set {
	l.mu.Lock()
	defer l.mu.Unlock()
	sets := l.queue.sets
	l.queue.sets, l.queue.busy, l.queue.underWay = nil, len(sets) > 0, map[store.Key]bool{}
	for _, s := range sets {
		for _, d := range s.drafts {
			l.queue.underWay[d.key] = true
		}
	}
	return sets
}

// patience is how long a store that was told to stop may take to say what it
// did.
const patience = 250 * time.Millisecond

// within calls the store with a context that ends with the grace for saving. A
// store that does not come back then is left alone, and nothing more is begun:
// an interrupted invocation ends in time whatever the store does.
func within[T any](l *Ledger, call func(context.Context) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	l.mu.Lock()
	dead := l.queue.dead
	l.mu.Unlock()
	if dead != nil {
		var none T
		return none, dead
	}
	ctx, done := l.config.Work.Saving(l.ctx)
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
	late, stop := l.config.Work.After(patience)
	defer stop()
	select {
	case r := <-back:
		return r.value, r.err
	case <-late:
		var none T
		return none, l.giveUp(ctx)
	}
}

// giveUp ends all saving.
func (l *Ledger) giveUp(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue.dead = &store.UnreadableError{
		Op: "write", Err: context.Cause(ctx),
		Remedy: "the store did not answer in time; the next run finds out what was saved",
	}
	return l.queue.dead
}
