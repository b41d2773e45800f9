package ledger

import (
	"time"

	"sluice/internal/work"
)

const (
	// leaseTime is how long a lease lasts after it was taken or renewed.
	leaseTime = 15 * time.Minute
	// renewEvery is how often it is renewed while the run holds anything.
	renewEvery = 5 * time.Minute
	// renewAgain is how soon it is tried again after it could not be renewed.
	renewAgain = 30 * time.Second
	// leaseReserve is what must be left of a lease for anything to begin. It is
	// also how far apart the clocks of two machines may be, and what a new holder
	// waits for after the old lease's end before it concludes that an effect is
	// absent.
	leaseReserve = time.Minute
)

// lease is this run's own.
type lease struct {
	saved   bool      // the run's entry is stored
	from    time.Time // when the commit that last saved it began, with its monotonic reading
	started time.Time
	lost    *LostError
	keeping chan struct{} // closed when nobody renews any more; nil when nobody does
	keep    func(over chan struct{})
}

// due reports whether a commit that is made anyway renews the lease too.
func (l *lease) due(now time.Time) bool {
	return !l.saved || work.Elapsed(l.from, now) >= renewEvery-leaseReserve
}

// left is how much of the lease there is until nothing may begin any more.
func (l *lease) left(now time.Time) time.Duration {
	return leaseTime - leaseReserve - work.Elapsed(l.from, now)
}

// kept takes over that the run's entry was saved by a commit that began at a
// time, or taken away. From then on it is renewed, unless the ledger is closed.
func (l *lease) kept(began time.Time, there, closed bool) {
	l.saved, l.from = there, began
	if there && l.keeping == nil && !closed {
		l.keeping = make(chan struct{})
		go l.keep(l.keeping)
	}
}
