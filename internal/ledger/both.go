package ledger

import (
	"sluice/internal/store"
	"sluice/rollout"
)

// Both is one of two contents of an entry that runs saved side by side, in places
// that cannot swap: the jobs of a matrix share their promotion, each saying what it
// did. Of anything else only one can stand.
func Both(k store.Key, a, b []byte) ([]byte, bool) {
	if k.Kind != store.KindPromotion {
		return nil, false
	}
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
