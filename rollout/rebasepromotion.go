package rollout

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// RebasePromotion takes over into mine what other jobs saved of the promotion:
// a halt, skips, what was unchanged, calls, checks, and how far waves are. base is
// what mine was last saved as, theirs what is stored now. Where both changed the
// same thing mine stays, except that the earlier halt counts. It reports false,
// and changes nothing, where theirs differs in anything else but the generation.
func RebasePromotion(mine *Promotion, base, theirs Promotion) bool {
	call := func(c CallMembers) string { return c.Key }
	check := func(c StageCheck) string {
		return fmt.Sprint(c.Wave, "/", c.Phase, "/", c.Job, "/", c.Index, "/", c.Run)
	}
	if !samePromotionBut(base, theirs) || clash(mine.Calls, base.Calls, theirs.Calls, call) ||
		clash(mine.Checks, base.Checks, theirs.Checks, check) {
		return false
	}
	self := func(s string) string { return s }
	mine.Halted = mergeHalt(mine.Halted, base.Halted, theirs.Halted)
	mine.Skips = mergeValues(mine.Skips, base.Skips, theirs.Skips, func(s Skip) string { return s.Target })
	mine.Unchanged = mergeValues(mine.Unchanged, base.Unchanged, theirs.Unchanged, self)
	mine.Calls = mergeValues(mine.Calls, base.Calls, theirs.Calls, call)
	mine.Checks = mergeValues(mine.Checks, base.Checks, theirs.Checks, check)
	if n := len(mine.WaveEnds); len(theirs.WaveEnds) > n { // waves end one after the other, for good
		mine.WaveEnds = append(slices.Clip(mine.WaveEnds), theirs.WaveEnds[n:]...)
	}
	if mine.EndTime.Equal(base.EndTime) {
		mine.EndTime = theirs.EndTime
	}
	mine.Generation = theirs.Generation
	return true
}

// JoinPromotion makes mine the entry that another job has made of the same promotion
// at the same time, with what either knows of it: the jobs of a matrix begin
// together. It reports false, and changes nothing, where theirs is another promotion.
func JoinPromotion(mine *Promotion, theirs Promotion) bool {
	a, b := *mine, theirs
	for _, p := range []*Promotion{&a, &b} {
		p.Actor, p.Person, p.RunURL, p.Origin, p.Attempt, p.Commit, p.Reason, p.CreateTime = "", false, "", "", 0, "", "", time.Time{}
	}
	if !samePromotionBut(a, b) {
		return false
	}
	joined, base := theirs.Clone(), theirs
	base.Halted, base.Skips, base.Unchanged, base.Calls, base.Checks, base.WaveEnds, base.EndTime = nil, nil, nil, nil, nil, nil, time.Time{}
	joined.Halted, joined.Skips, joined.Unchanged, joined.Calls = mine.Halted, mine.Skips, mine.Unchanged, mine.Calls
	joined.Checks, joined.WaveEnds, joined.EndTime = mine.Checks, mine.WaveEnds, mine.EndTime
	if !RebasePromotion(&joined, base, theirs) {
		return false
	}
	*mine = joined
	return true
}

// samePromotionBut reports whether two promotions are the same but for what
// several jobs may save.
func samePromotionBut(a, b Promotion) bool {
	for _, p := range []*Promotion{&a, &b} {
		p.Halted, p.Skips, p.Unchanged, p.Calls, p.Checks, p.WaveEnds = nil, nil, nil, nil, nil, nil
		p.EndTime, p.Generation = time.Time{}, 0
	}
	x, errX := Encode(a)
	y, errY := Encode(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func mergeHalt(mine, base, theirs *Halt) *Halt {
	switch {
	case reflect.DeepEqual(mine, base):
		return theirs
	case mine == nil || theirs == nil || reflect.DeepEqual(theirs, base):
		return mine
	case theirs.At.Before(mine.At):
		return theirs
	default:
		return mine
	}
}

// clash reports whether both changed the same value, and not alike.
func clash[T any](mine, base, theirs []T, id func(T) string) bool {
	find := func(list []T, key string) any {
		if i := slices.IndexFunc(list, func(v T) bool { return id(v) == key }); i >= 0 {
			return list[i]
		}
		return nil
	}
	return slices.ContainsFunc(slices.Concat(mine, base), func(v T) bool {
		m, b, t := find(mine, id(v)), find(base, id(v)), find(theirs, id(v))
		return !reflect.DeepEqual(m, b) && !reflect.DeepEqual(t, b) && !reflect.DeepEqual(m, t)
	})
}

// mergeValues makes what was added, changed and taken away between base and
// theirs in mine too, except where mine changed the same one.
func mergeValues[T any](mine, base, theirs []T, id func(T) string) []T {
	merged := merge(mine, base, theirs, id)
	for i, v := range merged {
		same := func(x T) bool { return id(x) == id(v) }
		was, is := slices.IndexFunc(base, same), slices.IndexFunc(theirs, same)
		if was >= 0 && is >= 0 && reflect.DeepEqual(v, base[was]) {
			merged[i] = theirs[is]
		}
	}
	return merged
}
