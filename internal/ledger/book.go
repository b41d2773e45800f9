package ledger

import (
	"errors"
	"sync"
	"time"

	"sluice/internal/store"
	"sluice/rollout"
)

// book is what a ledger knows of entries, and makes what it saves of it; with it are
// what waits to be saved, and the run's lease. The methods beside it here are called
// under its lock; those in known.go take it themselves.
type book struct {
	config Config
	lost   chan error // told once, when the lease is lost

	mu      sync.Mutex
	known   map[store.Key]stored        // entries as they were last read to be saved, or saved
	theirs  map[store.Key][]Theirs      // what others saved since, oldest first
	unsure  map[store.Key][]store.Entry // what may have been saved, though nobody said so
	moved   map[string]*moving          // by target: what is on its way to the history
	held    map[string]bool             // targets whose stored record is ours
	stale   map[store.Key]bool          // records that were taken back: the caller's are of no use any more
	broken  map[string]Taken            // by id: runs whose leases this run may break
	names   map[string]bool             // those that the index names, by the version below
	namesOf string
	sweeps  bool // a record was saved so often that it is time to look for what nobody needs
	queue   queue
	lease   lease
}

func newBook(c Config) *book {
	return &book{
		config: c, lost: make(chan error, 1),
		known: map[store.Key]stored{}, theirs: map[store.Key][]Theirs{}, unsure: map[store.Key][]store.Entry{},
		moved: map[string]*moving{}, held: map[string]bool{}, stale: map[store.Key]bool{}, broken: map[string]Taken{},
	}
}

func (b *book) key(k Key) store.Key {
	return k.in(b.config.Pipeline)
}

// know takes over what is stored under a key, where the record's lease is known.
func (b *book) know(k store.Key, s stored) {
	if len(s.data) == 0 {
		s = stored{generation: s.generation} // removed: what comes next is newer still
	}
	b.known[k] = s
	delete(b.unsure, k)
	if k.Kind != store.KindTarget {
		return
	}
	if s.lease == b.config.Run.ID {
		b.held[k.Target] = true
	} else {
		delete(b.held, k.Target)
	}
}

func (b *book) draftOf(row Row) (*draft, error) {
	if k := b.key(row.key()); b.stale[k] {
		return nil, &store.ConflictError{Keys: []store.Key{k}} // it must be loaded again
	}
	switch {
	case row.Record != nil:
		return b.draftRecord(row.Record, row.Moved)
	case row.Promotion != nil:
		return b.draftPromotion(row.Promotion)
	case row.Remove.Name != "":
		k := b.key(row.Remove)
		return &draft{key: k, remove: true, generation: b.nextGeneration(k)}, nil
	default:
		return nil, errors.New("a row with nothing to save: this is a mistake in sluice, report it")
	}
}

func (b *book) draftRecord(r *rollout.Record, moved rollout.Moved) (*draft, error) {
	k := b.key(Target(r.Target))
	known := b.known[k]
	if err := b.mayChange(k, known.lease); err != nil {
		return nil, err
	}
	for _, t := range b.theirs[k] {
		t.Into(r)
	}
	r.Generation, r.PipelineDigest = known.generation, b.config.Digest
	d := &draft{key: k, lease: r.Lease, seen: known.generation, generation: b.nextGeneration(k)}
	d.moved, d.upTo = b.move(r.Target, moved)
	saved := *r
	saved.Generation = d.generation
	var err error
	d.data, err = encode(k, saved, b.config.Redact)
	return d, err
}

func (b *book) draftPromotion(p *rollout.Promotion) (*draft, error) {
	k := b.key(Promotion(p.ID))
	for _, t := range b.theirs[k] {
		if !t.IntoPromotion(p) {
			return nil, &store.ConflictError{Keys: []store.Key{k}}
		}
	}
	p.Generation = b.known[k].generation
	d := &draft{key: k, seen: p.Generation, generation: b.nextGeneration(k)}
	saved := *p
	saved.Generation = d.generation
	var err error
	d.data, err = encode(k, saved, b.config.Redact)
	return d, err
}

// mayChange refuses to change a record that another run holds, unless that lease
// may be broken.
func (b *book) mayChange(k store.Key, lease string) error {
	if lease == "" || lease == b.config.Run.ID {
		return nil
	}
	if _, ok := b.broken[lease]; ok {
		return nil
	}
	return &HeldError{Targets: []string{k.Target}, Run: rollout.Run{ID: lease}}
}

// nextGeneration is what a save of k that begins now will most likely have: one
// more than what is stored once the commit under way has ended. Where that fails
// the draft is encoded again.
func (b *book) nextGeneration(k store.Key) int64 {
	next := b.known[k].generation + 1
	if b.queue.underWay[k] {
		next++
	}
	return next
}

// move adds to what is on its way to a target's history, and tells all of that.
func (b *book) move(target string, more rollout.Moved) ([]rollout.Moved, int) {
	m := b.moved[target]
	if m == nil {
		if more.Empty() {
			return nil, 0
		}
		m = &moving{}
		b.moved[target] = m
	}
	if !more.Empty() {
		m.moved = append(m.moved, more)
	}
	return m.moved[:len(m.moved):len(m.moved)], m.gone + len(m.moved)
}

// arrived takes away what is in the history now.
func (b *book) arrived(target string, upTo int) {
	m := b.moved[target]
	if m == nil || upTo <= m.gone {
		return
	}
	m.moved = m.moved[min(upTo-m.gone, len(m.moved)):]
	m.gone = upTo
}

// letGo is a set that frees a target, whatever else is stored of it.
func (b *book) letGo(target string) (*set, error) {
	k := b.key(Target(target))
	known := b.known[k]
	r, err := decodeRecord(k, known.data)
	if err != nil {
		return nil, err
	}
	r.Lease, r.Generation = "", known.generation+1
	s, d := newSet(), &draft{key: k, seen: known.generation, generation: r.Generation}
	s.drafts = []*draft{d}
	d.data, err = encode(k, r, b.config.Redact)
	return s, err
}

// breaks notes that a run's lease may be broken; one without an entry let go, or
// was swept away.
func (b *book) breaks(id string, run rollout.Run, there, dead bool) {
	if id == b.config.Run.ID {
		return
	}
	t := Taken{From: run, Fate: Over, AbsentAfter: run.Until.Add(leaseReserve)}
	switch {
	case !there:
		t = Taken{From: rollout.Run{ID: id}, Fate: Dead}
	case dead:
		t.Fate, t.AbsentAfter = Dead, time.Time{}
	}
	b.broken[id] = t
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
