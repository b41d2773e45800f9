// Package ledger keeps an invocation's records: it loads them once, takes the
// lease of what the invocation works on and renews it, and saves in groups what
// the invocation hands it. It alone knows the store.
//
// Whose a target is stands in two places: the target's record names a run, and
// the run's own entry says until when that holds. Breaking a lease is a swap of
// the run's entry, so one swap frees whatever the run held.
package ledger

import (
	"context"

	"sluice/internal/store"
)

// Ledger is an invocation's hold on the state of one pipeline. Make one with
// [Open]; it is safe for concurrent use. The records it hands out and is handed
// belong to the caller: it touches them in the calls they are passed to alone.
type Ledger struct {
	*book
	ctx     context.Context // the invocation's: nothing is renewed after its end
	access  *access
	fates   *fates
	closing chan struct{}
}

// Facts say what the store can do.
func (l *Ledger) Facts() store.Facts { return l.config.Store.Facts() }

// Where says where the last commits of this process went.
func (l *Ledger) Where() []store.Saved { return l.config.Store.Where() }

// Generation is the generation that an entry was last saved or loaded with.
func (l *Ledger) Generation(k Key) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known[l.key(k)].generation
}

// MayBegin reports whether an effect may begin: the lease is saved, not lost, and
// 60 s of it are left, by the monotonic clock as well as by the wall clock.
func (l *Ledger) MayBegin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lease.saved && l.lease.lost == nil && l.lease.left(l.config.Work.Now()) >= 0
}

// Lost is sent one error, a [*LostError], when the lease was lost.
func (l *Ledger) Lost() <-chan error { return l.lost }
