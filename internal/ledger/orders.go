package ledger

import (
	"context"
	"maps"
	"slices"

	"sluice/internal/store"
)

// Orders reads what others saved beside the lease of the targets that this run
// holds. The next save of such a target takes it over; the caller does so with
// [Theirs.Into]. One store call. Errors as for [Ledger.Load]; [*HeldError] where
// a target is another's now.
func (l *Ledger) Orders(ctx context.Context) ([]Theirs, error) {
	l.mu.Lock()
	var keys []store.Key
	known := map[store.Key]stored{}
	for _, t := range slices.Sorted(maps.Keys(l.held)) {
		k := l.key(Target(t))
		if l.queue.has(k) {
			continue // what is being saved of it finds out by itself
		}
		keys, known[k] = append(keys, k), l.known[k]
	}
	l.mu.Unlock()
	entries, err := l.access.read(ctx, keys)
	if err != nil {
		return nil, err
	}
	var out []Theirs
	var errs []error
	for _, e := range entries {
		if e.Version == known[e.Key].version {
			continue
		}
		switch t, ok, err := l.find(e, known[e.Key]); {
		case err != nil:
			errs = append(errs, err)
		case ok:
			out = append(out, t)
		default:
			errs = append(errs, l.otherwise(e, known[e.Key]))
		}
	}
	return out, Join(errs...)
}

// otherwise is the error of a record that this run held and that another run has
// changed; nil where this process did meanwhile.
func (b *book) otherwise(e store.Entry, known stored) error {
	if b.at(e.Key).version != known.version || b.ours(e) {
		return nil
	}
	if r, err := decodeRecord(e.Key, e.Data); err == nil && r.Lease != "" && r.Lease != b.config.Run.ID {
		return &HeldError{Targets: []string{e.Key.Target}, Run: b.runOf(r.Lease)}
	}
	return &store.ConflictError{Keys: []store.Key{e.Key}}
}

// made is what another job made of a promotion that this run is about to make.
func (b *book) made(e store.Entry) (Theirs, bool, error) {
	if e.Key.Kind != store.KindPromotion || e.Version == "" {
		return Theirs{}, false, nil
	}
	p, err := decodePromotion(e.Key, e.Data)
	if err != nil {
		return Theirs{}, false, err
	}
	t := Theirs{Key: of(e.Key), promotion: p, made: true}
	return t, b.takeOver(t, stored{}, stored{version: e.Version, generation: e.Generation, data: e.Data}), nil
}

// find takes over what others saved of an entry beside our lease. What it stood on
// before is what is known, or what this ledger saved without being told.
func (b *book) find(e store.Entry, known stored) (Theirs, bool, error) {
	if known.version == "" {
		return b.made(e)
	}
	if e.Version == "" {
		return Theirs{}, false, nil
	}
	now := stored{version: e.Version, generation: e.Generation, data: e.Data}
	for _, base := range append([]stored{known}, b.tried(e.Key, known)...) {
		t, ok, err := between(e.Key, base, now)
		if err != nil {
			return t, false, err
		}
		if ok {
			now.lease = t.record.Lease
			return t, b.takeOver(t, known, now), nil
		}
	}
	return Theirs{}, false, nil
}
