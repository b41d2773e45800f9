package ledger

import (
	"context"
	"maps"
	"slices"

	"sluice/internal/store"
	"sluice/rollout"
)

// Theirs is what somebody else saved of an entry since we did, beside our lease.
type Theirs struct {
	Key Key // of a target's record, or of a promotion entry

	recordBase, record       rollout.Record
	promotionBase, promotion rollout.Promotion
	// made says that another job made the same promotion's entry at the same time:
	// there is no base.
	made bool
}

// Record is the target's record as it was stored then; nil for a promotion.
func (t Theirs) Record() *rollout.Record {
	if t.Key.Kind != store.KindTarget {
		return nil
	}
	r := t.record.Clone()
	return &r
}

// generation is that of what was found.
func (t Theirs) generation() int64 { return max(t.record.Generation, t.promotion.Generation) }

// Into takes over into the caller's record what others saved beside its lease.
// It changes nothing where that was done.
func (t Theirs) Into(r *rollout.Record) {
	if t.Key == Target(r.Target) && r.Generation < t.generation() {
		rollout.Rebase(r, t.recordBase, t.record) // it was seen to be possible when theirs was found
	}
}

// IntoPromotion is Into for a promotion entry. It reports false, and changes
// nothing, where the caller has meanwhile changed the same in another way: then
// another run was first, and the entry must be loaded again.
func (t Theirs) IntoPromotion(p *rollout.Promotion) bool {
	if t.Key != Promotion(p.ID) || p.Generation >= t.generation() {
		return true
	}
	if t.made {
		return rollout.JoinPromotion(p, t.promotion)
	}
	return rollout.RebasePromotion(p, t.promotionBase, t.promotion)
}

// made is what another job made of a promotion that this run is about to make.
func (l *Ledger) made(e store.Entry) (Theirs, bool, error) {
	if e.Key.Kind != store.KindPromotion || e.Version == "" {
		return Theirs{}, false, nil
	}
	p, err := decodePromotion(e.Key, e.Data)
	if err != nil {
		return Theirs{}, false, err
	}
	t := Theirs{Key: of(e.Key), promotion: p, made: true}
	return t, l.takeOver(t, stored{}, stored{version: e.Version, generation: e.Generation, data: e.Data}), nil
}

// between is what was saved between two stored versions of an entry; ok is false
// where it is more than may be saved beside a lease.
func between(k store.Key, base, now stored) (t Theirs, ok bool, err error) {
	t.Key = of(k)
	if k.Kind == store.KindPromotion {
		if t.promotionBase, err = decodePromotion(k, base.data); err != nil {
			return t, false, err
		}
		if t.promotion, err = decodePromotion(k, now.data); err != nil {
			return t, false, err
		}
		mine := t.promotionBase
		return t, rollout.RebasePromotion(&mine, t.promotionBase, t.promotion), nil
	}
	if t.recordBase, err = decodeRecord(k, base.data); err != nil {
		return t, false, err
	}
	if t.record, err = decodeRecord(k, now.data); err != nil {
		return t, false, err
	}
	mine := t.recordBase.Clone()
	return t, rollout.Rebase(&mine, t.recordBase, t.record), nil
}

// overtake takes theirs over into a draft; false where it cannot be.
func (t Theirs) overtake(d *draft) (ok bool, err error) {
	if d.remove {
		return false, nil
	}
	if d.key.Kind == store.KindPromotion {
		p, err := decodePromotion(d.key, d.data)
		if err != nil {
			return false, err
		}
		p.Generation = d.seen
		if !t.IntoPromotion(&p) {
			return false, nil
		}
		p.Generation = d.generation
		d.data, err = encode(d.key, p, nil)
		d.seen = t.generation()
		return true, err
	}
	r, err := decodeRecord(d.key, d.data)
	if err != nil {
		return false, err
	}
	r.Generation = d.seen
	t.Into(&r)
	r.Generation = d.generation
	d.data, err = encode(d.key, r, nil)
	d.seen = t.generation()
	return true, err
}

// find takes over what others saved of an entry beside our lease. What it stood on
// before is what is known, or what this ledger saved without being told.
func (l *Ledger) find(e store.Entry, known stored) (Theirs, bool, error) {
	if known.version == "" {
		return l.made(e)
	}
	if e.Version == "" {
		return Theirs{}, false, nil
	}
	now := stored{version: e.Version, generation: e.Generation, data: e.Data}
	for _, base := range append([]stored{known}, l.tried(e.Key, known)...) {
		t, ok, err := between(e.Key, base, now)
		if err != nil {
			return t, false, err
		}
		if ok {
			now.lease = t.record.Lease
			return t, l.takeOver(t, known, now), nil
		}
	}
	return Theirs{}, false, nil
}

// tried is what may be stored of an entry by this ledger's own doing.
func (l *Ledger) tried(k store.Key, known stored) []stored {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []stored
	for _, e := range l.unsure[k] {
		if e.Data != nil {
			list = append(list, stored{version: known.version, generation: e.Generation, data: e.Data})
		}
	}
	return list
}

// takeOver makes what was found what is known, unless another call of this
// process was first: then it is found again.
func (l *Ledger) takeOver(t Theirs, known, now stored) bool {
	k := l.key(t.Key)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known[k].version != known.version {
		return false
	}
	l.know(k, now)
	l.theirs[k] = append(l.theirs[k], t)
	return true
}

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
	entries, err := l.read(ctx, keys)
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
func (l *Ledger) otherwise(e store.Entry, known stored) error {
	if l.at(e.Key).version != known.version || l.ours(e) {
		return nil
	}
	if r, err := decodeRecord(e.Key, e.Data); err == nil && r.Lease != "" && r.Lease != l.config.Run.ID {
		return &HeldError{Targets: []string{e.Key.Target}, Run: l.runOf(r.Lease)}
	}
	return &store.ConflictError{Keys: []store.Key{e.Key}}
}

// runOf is what is known of a run.
func (l *Ledger) runOf(id string) rollout.Run {
	k := l.key(Run(id))
	if known := l.at(k); known.version != "" {
		if r, err := decodeRun(k, known.data); err == nil {
			return r
		}
	}
	return rollout.Run{ID: id}
}
