package ledger

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/internal/store"
	"sluice/rollout"
)

type (
	// ConflictError is the store's: another run saved first (exit 5).
	ConflictError = store.ConflictError
	// UnreadableError is the store's: it cannot be read or written (exit 6).
	UnreadableError = store.UnreadableError
)

// HeldError means that another run holds targets (exit 5).
type HeldError struct {
	Targets []string    // in the order asked about
	Run     rollout.Run // the holder; its ID alone where its entry cannot be told
	Why     error       // why nobody can tell whether the run is over; nil where that was not the question
}

// namedTargets is how many targets an error names.
const namedTargets = 5

// Error says who holds the targets.
func (e *HeldError) Error() string {
	names := e.Targets
	if n := len(names) - namedTargets; n > 0 {
		names = append(slices.Clone(names[:namedTargets]), fmt.Sprintf("%d more", n))
	}
	verb := " is held by "
	if len(e.Targets) > 1 {
		verb = " are held by "
	}
	text := strings.Join(names, ", ") + verb + describe(e.Run)
	if !e.Run.Until.IsZero() {
		text += "; its lease ends " + e.Run.Until.UTC().Format(time.RFC3339)
	}
	if e.Why != nil {
		text += "; whether that run is over cannot be told: " + e.Why.Error()
	}
	return text
}

// Unwrap gives why nobody can tell whether the run is over.
func (e *HeldError) Unwrap() error { return e.Why }

// describe names a run for people.
func describe(r rollout.Run) string {
	text := "run " + r.ID
	switch {
	case r.Name != "" && r.Attempt > 1:
		text = fmt.Sprintf("%s, attempt %d", r.Name, r.Attempt)
	case r.Name != "":
		text = r.Name
	case r.Host != "" && r.PID > 0:
		text = fmt.Sprintf("process %d on %s", r.PID, r.Host)
	}
	if r.Actor != "" {
		text += " (started by " + r.Actor + ")"
	}
	if !r.Started.IsZero() {
		text += " since " + r.Started.UTC().Format(time.RFC3339)
	}
	if r.RunURL != "" {
		text += ": " + r.RunURL
	}
	return text
}

// LostError means that this run's lease was taken (exit 5), or could not be
// renewed in time (exit 6 where the state could not be written). Nothing may begin
// any more; what happened may still be saved.
type LostError struct {
	By  string // what the state tells of who took it, "" where nobody did
	Err error  // why it could not be renewed, nil where it was taken
}

// Error says how the lease was lost.
func (e *LostError) Error() string {
	if e.Err != nil {
		return "this run's lease could not be renewed in time, so nothing more is begun: " + e.Err.Error()
	}
	text := "this run's lease was taken by another run, so nothing more is begun"
	if e.By != "" {
		text += ": " + e.By
	}
	return text
}

// Unwrap gives the cause.
func (e *LostError) Unwrap() error { return e.Err }

// errClosed is what a save after Close ends with.
var errClosed = errors.New("the ledger is closed: nothing is saved any more")

// IsUnreadable reports whether err means that state cannot be read or written
// (exit 6), whatever else it means.
func IsUnreadable(err error) bool { return store.IsUnreadable(err) }

// IsBusy reports whether err means that the store takes no more for now, and until
// when: nothing but time is needed, and the command is pending.
func IsBusy(err error) (until time.Time, ok bool) { return store.IsBusy(err) }

// IsConflict reports whether err means that another run was first (exit 5), and
// nothing worse.
func IsConflict(err error) bool { return severity(err) == conflict }

// The severities of errors, the worst first, as exit codes count (6 before 5).
const (
	unreadable = iota
	conflict
	other
)

func severity(err error) int {
	var held *HeldError
	var lost *LostError
	switch {
	case store.IsUnreadable(err):
		return unreadable
	case store.IsConflict(err), errors.As(err, &held), errors.As(err, &lost):
		return conflict
	default:
		return other
	}
}

// Join makes one error of several, the worst first: state that cannot be read or
// written, then lost races and leases, then the rest, each in their order, and what
// several say once. Nil where there is none.
func Join(errs ...error) error {
	told := map[string]bool{}
	errs = slices.DeleteFunc(slices.Clone(errs), func(err error) bool {
		if err == nil || told[err.Error()] {
			return true
		}
		told[err.Error()] = true
		return false
	})
	slices.SortStableFunc(errs, func(a, b error) int { return severity(a) - severity(b) })
	return errors.Join(errs...)
}
