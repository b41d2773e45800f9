package ledger

import (
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
