package store

import (
	"errors"
	"fmt"
	"time"
)

// BusyError means that the place takes no more for now: a service's rate limit is
// used up, or what a store allows itself of it. What was asked had no effect, and
// will succeed later.
type BusyError struct {
	Op    string    // "read", "write" or "list"
	Until time.Time // when to try again
	Err   error     // what was used up
}

// Error says what is used up, and until when.
func (e *BusyError) Error() string {
	return fmt.Sprintf("cannot %s state before %s: %v; nothing is lost, run again then", e.Op, e.Until.UTC().Format(time.RFC3339), e.Err)
}

// Unwrap gives the cause.
func (e *BusyError) Unwrap() error { return e.Err }

// IsBusy reports whether err means that nothing but time is needed, and until when.
func IsBusy(err error) (until time.Time, ok bool) {
	busy, ok := errors.AsType[*BusyError](err)
	if !ok {
		return time.Time{}, false
	}
	return busy.Until, true
}

// LostError means that what is stored does not go on from what was stored before:
// somebody took it back or away. Only a person can tell from which of the two to go
// on. It is the cause of an [*UnreadableError].
type LostError struct {
	Place  string // "branch sluice-state"
	Now    string // what is there, "" for nothing
	Newest string // what Sluice saved last
}

// Error names both.
func (e *LostError) Error() string {
	now := "is gone"
	if e.Now != "" {
		now = "is at " + e.Now
	}
	return fmt.Sprintf("%s %s, which does not go on from %s, the newest state that was saved: somebody moved or deleted it", e.Place, now, e.Newest)
}
