// Package store is the contract between the engine and the places where state
// is kept. A store moves bytes: what they mean is rollout's.
//
// The first rule of every store: unreadable is not empty. An entry whose
// Version is "" was proven never written; whatever cannot be proven is an
// [UnreadableError], and nothing is done on the platforms.
package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Key names one entry: a target's record, or what several targets share.
type Key struct {
	Pipeline string
	Kind     string // one of the kinds below
	Target   string // its name within the kind
}

// The kinds of entries; [Kinds] lists them. A store keeps them apart, and knows
// nothing else of them.
const (
	KindTarget    = "" // a target's record
	KindPromotion = "promotion"
	KindRun       = "run"
	KindHistory   = "history" // one a target
	KindIndex     = "index"   // one a pipeline
)

// String is the key as people read it.
func (k Key) String() string {
	if k.Kind == KindTarget {
		return k.Pipeline + "/" + k.Target
	}
	return k.Pipeline + "/" + k.Kind + "/" + k.Target
}

// Entry is one record as a store holds it.
type Entry struct {
	Key        Key
	Generation int64  // rises by one at every save; the store refuses to go back
	Data       []byte // the record, JSON; nil in a commit removes the entry
	Version    string // compare-and-swap token; "" means proven never written
}

// Facts say what a store can do.
type Facts struct {
	Name     string // as state.store names it: "file:.sluice/state"
	Swap     bool   // compares and swaps: two writers never both win
	Atomic   bool   // saves all entries of a commit or none
	Identity bool   // whoever can write here was authenticated (approvals of people count)
	// Together says which batches the store likes: a commit of many entries costs
	// what a commit of one does, so that it is worth gathering them. Without it each
	// entry is written by itself, side by side.
	Together bool
}

// Saved tells where a commit went, for the output `state`.
type Saved struct {
	Location string // a URL, path or artifact name
	Digest   string // sha256:… of what was saved
}

// Store keeps records. Implementations are safe for concurrent use and change
// nothing after ctx is cancelled.
//
// Errors: [*ConflictError] (somebody else saved first; exit 5), [*UnreadableError]
// (could not be read, written or trusted; exit 6) and [*BusyError] (nothing but time
// is needed: wait, or end as pending). A cancelled context's own error comes back as
// it is. Nothing is repeated by callers but what was busy: stores do that.
type Store interface {
	Facts() Facts
	// Load returns one entry per key, in the order of the keys.
	Load(ctx context.Context, keys ...Key) ([]Entry, error)
	// List returns the keys of a pipeline's entries of one kind, sorted by name.
	// Only what looks for orphans, or moves everything, needs it. One that was
	// removed may be among them: loading it tells.
	List(ctx context.Context, pipeline, kind string) ([]Key, error)
	// Commit replaces entries whose Version is still current and returns them
	// with their new Version once they are durable. Unless Facts.Atomic, some
	// may be saved although there is an error: saved lists those. An entry whose
	// Data is nil is removed: its new Version is "", as if it had never been
	// written. One that is written after its removal may be saved with a higher
	// Generation than asked for. Removing what is gone already may succeed.
	Commit(ctx context.Context, entries ...Entry) (saved []Entry, err error)
	// Where says where the last commits of this process went, newest last, at
	// most one per key.
	Where() []Saved
}

// ConflictError means that another run saved a record since it was loaded.
type ConflictError struct {
	Keys []Key
	Who  []string // the runs that saved, where the store knows them
}

// Error names the records and the winners.
func (e *ConflictError) Error() string {
	names := make([]string, len(e.Keys))
	for i, k := range e.Keys {
		names[i] = k.String()
	}
	text := "another run changed the state of " + strings.Join(names, ", ") + " meanwhile"
	if len(e.Who) > 0 {
		text += " (" + strings.Join(e.Who, "; ") + ")"
	}
	return text
}

// UnreadableError means that state could not be read, written or trusted. It
// is never treated as "no state".
type UnreadableError struct {
	Key    Key    // zero where it concerns the whole store
	Op     string // "read", "write" or "list"
	Remedy string
	Err    error
}

// Error says what failed and what to do.
func (e *UnreadableError) Error() string {
	what := "state"
	if e.Key != (Key{}) {
		what = "state of " + e.Key.String()
	}
	text := fmt.Sprintf("cannot %s %s: %v", e.Op, what, e.Err)
	if e.Remedy != "" {
		text += "; " + e.Remedy
	}
	return text
}

// Unwrap gives the cause.
func (e *UnreadableError) Unwrap() error { return e.Err }

// IsConflict reports whether err is a lost race.
func IsConflict(err error) bool {
	var c *ConflictError
	return errors.As(err, &c)
}

// IsUnreadable reports whether err means that state cannot be trusted.
func IsUnreadable(err error) bool {
	var u *UnreadableError
	return errors.As(err, &u)
}
