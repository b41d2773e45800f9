package ledger

import (
	"context"
	"errors"
	"time"

	"sluice/internal/store"
	"sluice/internal/work"
)

// keeper keeps the lease while the run holds anything.
type keeper struct{ *Ledger }

// renewals renews the lease while the run holds anything, and says so when it
// is lost. over is closed when it does so no longer.
func (l keeper) renewals(over chan struct{}) {
	defer close(over)
	var failed error // why the last renewal failed
	for {
		wait, ok := l.nextRenewal(failed)
		if !ok {
			return
		}
		passed, stop := l.config.Work.After(wait)
		select {
		case <-passed:
			failed = l.renew(failed)
			l.config.Work.Ends()
		case <-l.closing:
		case <-l.ctx.Done(): // nothing begins any more
		}
		stop()
	}
}

// nextRenewal is how long to wait for the next renewal; failed is why the last one
// was none. ok is false where there is nothing to renew any more.
func (l keeper) nextRenewal(failed error) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.lease.saved || l.lease.lost != nil || l.queue.closed || l.ctx.Err() != nil {
		l.lease.keeping = nil
		return 0, false
	}
	now := l.config.Work.Now()
	if failed != nil {
		return max(0, min(renewAgain, l.lease.left(now))), true
	}
	return max(0, renewEvery-work.Elapsed(l.lease.from, now)), true
}

// renew saves the run's entry anew, unless a commit did so meanwhile. When the
// lease has run out it is lost. failed is why the last renewal was none.
func (l keeper) renew(failed error) error {
	l.mu.Lock()
	now := l.config.Work.Now()
	left, fresh := l.lease.left(now), !l.lease.due(now)
	l.mu.Unlock()
	switch {
	case fresh:
		return nil
	case left <= 0 && failed != nil:
		l.lose(&LostError{Err: failed})
		return failed
	}
	if err := l.stillOurs(); err != nil {
		return err
	}
	s := newSet()
	s.renew = true
	done := l.submit(s)
	late, stop := l.config.Work.After(left)
	defer stop()
	select {
	case saved := <-done:
		return saved.Err
	case <-late:
		err := &store.UnreadableError{Op: "write", Err: errors.New("the store has not answered for as long as the lease lasted"), Remedy: "look at whether the store can be reached"}
		l.lose(&LostError{Err: err})
		return err
	}
}

// stillOurs looks whether another run has taken anything, where the store cannot
// tell by itself when something is saved.
func (l keeper) stillOurs() error {
	if l.Facts().Swap {
		return nil
	}
	own := l.key(Run(l.config.Run.ID))
	keys := []store.Key{own}
	l.mu.Lock()
	known := l.known[own]
	for t := range l.held {
		keys = append(keys, l.key(Target(t)))
	}
	l.mu.Unlock()
	found, err := within(l.access, func(ctx context.Context) ([]store.Entry, error) { return l.access.read(ctx, keys) })
	if err != nil {
		return err
	}
	for _, e := range found {
		if lost := l.takenAway(e, known); lost != nil {
			l.lose(lost)
			return lost
		}
	}
	return nil
}

// saving reports whether this run itself saves, or has saved, an entry anew since
// it was known to be so: that it is another one now proves nothing then, and the
// next renewal looks again.
func (l keeper) saving(k store.Key, was stored) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.queue.busy || l.known[k].version != was.version
}

// takenAway reports whether an entry that this run holds is another's now. own is
// what was known of the run's own before the entries were read.
func (l keeper) takenAway(e store.Entry, own stored) *LostError {
	if e.Key.Kind == store.KindRun {
		if e.Version == own.version || l.ours(e) || l.saving(e.Key, own) {
			return nil
		}
		return &LostError{}
	}
	r, err := decodeRecord(e.Key, e.Data)
	if e.Version == "" || err != nil || r.Lease == l.config.Run.ID || r.Lease == "" {
		return nil // ours, free, or to be found out where it is saved
	}
	return &LostError{By: describe(l.runOf(r.Lease))}
}
