package rollout

import (
	"bytes"
	"slices"
)

// Rebase takes over into mine what others saved beside its lease. base is what
// mine was last saved as, theirs what is stored now. It reports false, and
// changes nothing, where theirs differs in anything but blocks, orders, events
// and generation; else mine has theirs' generation and is to be saved again.
func Rebase(mine *Record, base, theirs Record) bool {
	if !sameBut(base, theirs) {
		return false
	}
	mine.Blocks = merge(mine.Blocks, base.Blocks, theirs.Blocks, func(b Block) string { return b.ID })
	mine.Orders = merge(mine.Orders, base.Orders, theirs.Orders, func(o Order) string { return o.ID })
	mergeEvents(mine, base.Events, theirs.Events)
	mine.Generation = theirs.Generation
	return true
}

// sameBut reports whether two records are the same but for what others may save
// beside a lease.
func sameBut(a, b Record) bool {
	for _, r := range []*Record{&a, &b} {
		r.Blocks, r.Orders, r.Events, r.Generation = nil, nil, []Event{}, 0
	}
	x, errX := Encode(a)
	y, errY := Encode(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// merge makes what was added and taken away between base and theirs in mine too.
func merge[T any](mine, base, theirs []T, id func(T) string) []T {
	has := func(list []T, key string) bool {
		return slices.ContainsFunc(list, func(v T) bool { return id(v) == key })
	}
	merged := slices.DeleteFunc(slices.Clone(mine), func(v T) bool { return has(base, id(v)) && !has(theirs, id(v)) })
	for _, v := range theirs {
		if !has(base, id(v)) && !has(merged, id(v)) {
			merged = append(merged, v)
		}
	}
	return merged
}

// mergeEvents puts what they added before what mine added since.
func mergeEvents(r *Record, base, theirs []Event) {
	last := int64(0)
	if n := len(base); n > 0 {
		last = base[n-1].ID
	}
	added := func(list []Event) []Event {
		i := slices.IndexFunc(list, func(e Event) bool { return e.ID > last })
		if i < 0 {
			return nil
		}
		return slices.Clone(list[i:])
	}
	mine := added(r.Events)
	r.Events = r.Events[:len(r.Events)-len(mine)]
	r.Events = append(r.Events, added(theirs)...)
	for _, e := range mine {
		r.AddEvent(e)
	}
}
