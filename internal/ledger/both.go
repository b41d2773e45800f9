package ledger

import (
	"sluice/internal/store"
	"sluice/rollout"
)

// Both is one of two contents of an entry that runs saved side by side, in places
// that cannot swap: the jobs of a matrix share their promotion, each saying what it
// did; of a target's record blocks, orders and events are taken over from b, where
// these are all that it changed of base. Of anything else only one can stand.
func Both(k store.Key, a, b, base []byte) ([]byte, bool) {
	switch {
	case k.Kind == store.KindPromotion:
		return bothPromotions(k, a, b)
	case k.Kind == store.KindTarget && base != nil:
		return rebased(k, a, b, base)
	default:
		return nil, false
	}
}

func rebased(k store.Key, a, b, base []byte) ([]byte, bool) {
	mine, err := decodeRecord(k, a)
	if err != nil {
		return nil, false
	}
	theirs, err := decodeRecord(k, b)
	if err != nil {
		return nil, false
	}
	was, err := decodeRecord(k, base)
	if err != nil {
		return nil, false
	}
	generation := max(mine.Generation, theirs.Generation)
	if !rollout.Rebase(&mine, was, theirs) {
		return nil, false
	}
	mine.Generation = generation
	data, err := encode(k, mine, nil)
	return data, err == nil
}

func bothPromotions(k store.Key, a, b []byte) ([]byte, bool) {
	mine, err := decodePromotion(k, a)
	if err != nil {
		return nil, false
	}
	theirs, err := decodePromotion(k, b)
	if err != nil || !rollout.JoinPromotion(&mine, theirs) {
		return nil, false
	}
	mine.Generation = max(mine.Generation, theirs.Generation)
	data, err := encode(k, mine, nil)
	return data, err == nil
}
