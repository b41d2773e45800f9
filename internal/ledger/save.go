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

// moving is what is on its way from a record to the target's history.
type moving struct {
	gone  int // so many are there already
	moved []rollout.Moved
}

// Save saves a set of rows, all or none. The rows are encoded in the call: the
// caller may change them at once. What others saved beside our lease is taken
// over into the rows in the call too, where it is known already. What comes while
// a commit is under way is saved together by the next one. The channel is sent
// one value.
func (l *Ledger) Save(rows ...Row) <-chan Saved { return l.SaveSets(rows)[0] }

// SaveSets is [Ledger.Save] for several sets at once, which go into one commit.
func (l *Ledger) SaveSets(sets ...[]Row) []<-chan Saved {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]<-chan Saved, len(sets))
	for i, rows := range sets {
		s := newSet()
		out[i] = s.done
		if l.queue.closed {
			s.done <- Saved{Err: errClosed}
			continue
		}
		if err := l.draft(s, rows); err != nil {
			s.done <- Saved{Err: err}
			continue
		}
		l.queue.add(s)
	}
	l.work()
	return out
}

// draft makes drafts of rows.
func (b *book) draft(s *set, rows []Row) error {
	for _, row := range rows {
		d, err := b.draftOf(row)
		if err != nil {
			return err
		}
		s.drafts = append(s.drafts, d)
	}
	return nil
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
