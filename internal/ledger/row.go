package ledger

import (
	"sluice/internal/store"
	"sluice/rollout"
)

// Row is one entry to be saved: one of its fields is set, Moved beside Record.
type Row struct {
	Record *rollout.Record
	// Moved is what [rollout.Seal] took out of the record: it is added to the
	// target's history together with this save, or with the next one that succeeds.
	Moved     rollout.Moved
	Promotion *rollout.Promotion
	// Remove takes an entry away that was loaded: a target that was renamed, a
	// promotion that nothing names any more.
	Remove Key
}

// key is that of the row's entry.
func (r Row) key() Key {
	switch {
	case r.Record != nil:
		return Target(r.Record.Target)
	case r.Promotion != nil:
		return Promotion(r.Promotion.ID)
	default:
		return r.Remove
	}
}

// Saved is what became of a set.
type Saved struct {
	// Err is nil once all of the set is durable. [*HeldError], [*LostError] and
	// [*ConflictError]: another run was first (exit 5). [*UnreadableError]: it could
	// not be written, or nobody knows whether it was (exit 6); the invocation's end.
	// No effect of the set may go out then. Where another run was first the records
	// must be loaded again before anything else is done with them.
	Err error
	// Theirs is what others saved beside our lease: it was taken over into what is
	// durable. The caller takes it over with [Theirs.Into], and looks at it before
	// the target's next effect. It counts beside an error too.
	Theirs []Theirs
}

// set is what is saved all or none.
type set struct {
	drafts []*draft
	renew  bool // it is there for the lease alone
	done   chan Saved
	err    error
}

func newSet() *set { return &set{done: make(chan Saved, 1)} }

// draft is an entry as it is to be stored, made when the caller handed it over.
type draft struct {
	key        store.Key
	remove     bool
	data       []byte // with the generation below
	generation int64
	seen       int64  // what others saved up to this generation is in data
	lease      string // a record's, once it is saved
	beside     bool   // it changes only what may be changed beside another run's lease
	moved      []rollout.Moved
	upTo       int // how much of what moves to the history is in moved
}

// at gives a draft another generation.
func (d *draft) at(generation int64) error {
	if d.generation == generation {
		return nil
	}
	d.generation = generation
	if d.remove {
		return nil
	}
	var err error
	d.data, err = withGeneration(d.key, d.data, generation)
	return err
}

func (d *draft) entry(version string) store.Entry {
	e := store.Entry{Key: d.key, Generation: d.generation, Version: version}
	if !d.remove {
		e.Data = d.data
	}
	return e
}

// moving is what is on its way from a record to the target's history.
type moving struct {
	gone  int // so many are there already
	moved []rollout.Moved
}
