package artifact

import (
	"cmp"
	"maps"
	"slices"

	"sluice/internal/store"
)

// shelf is what this process knows of a pipeline's state: the snapshots that no
// other which was read goes on from, and what they come to together.
type shelf struct {
	heads   []*snapshot
	known   map[string]bool // the ids of those that were read, and that they go on from
	entries map[store.Key][]*item
}

func newShelf() *shelf { return &shelf{known: map[string]bool{}} }

// knows reports whether nothing more can be learnt of a save: it was read, or what
// was read goes on from it.
func (s *shelf) knows(id string) bool { return s.known[id] }

// add takes over snapshots that were read or saved.
func (s *shelf) add(join store.Join, more ...*snapshot) {
	for _, n := range more {
		s.known[n.id] = true
		for _, a := range n.Ancestors {
			s.known[a.ID] = true
		}
	}
	all := append(slices.Clone(s.heads), more...)
	s.heads = slices.DeleteFunc(slices.Clone(all), func(h *snapshot) bool {
		return slices.ContainsFunc(all, func(other *snapshot) bool { return other != h && other.id != h.id && other.descends(h.self()) })
	})
	slices.SortFunc(s.heads, func(a, b *snapshot) int { return cmp.Or(cmp.Compare(b.Serial, a.Serial), cmp.Compare(a.id, b.id)) })
	s.heads = slices.CompactFunc(s.heads, func(a, b *snapshot) bool { return a.id == b.id })
	s.entries = merge(s.heads, join)
}

// merge is what heads come to together. Of an entry that several have: an equal
// origin is one save; one that another head goes on from is older, or was removed
// there; else runs saved it that did not know of each other.
func merge(heads []*snapshot, join store.Join) map[store.Key][]*item {
	found := map[store.Key][]*item{}
	in := map[*item]*snapshot{}
	for _, h := range heads {
		for _, i := range h.Entries {
			if stands(i, h, heads) && !slices.ContainsFunc(found[i.Key], func(have *item) bool { return have.Version == i.Version }) {
				found[i.Key] = append(found[i.Key], i)
				in[i] = h
			}
		}
	}
	for k, versions := range found {
		if len(versions) > 1 {
			found[k] = joined(versions, in, join)
		}
	}
	return found
}

// stands reports whether no other head goes on from an entry of h with another, or
// without it.
func stands(i *item, h *snapshot, heads []*snapshot) bool {
	for _, other := range heads {
		if other == h || !other.descends(i.Origin) {
			continue
		}
		if !slices.ContainsFunc(other.Entries, func(o *item) bool { return o.Key == i.Key && o.Version == i.Version }) {
			return false
		}
	}
	return true
}

// joined makes one of versions that hold what may be said side by side. Those that
// do not stay what they are. In says which head has each. Those that say no more than
// that are joined to one that may say more.
func joined(versions []*item, in map[*item]*snapshot, join store.Join) []*item {
	if join == nil {
		return versions
	}
	slices.SortFunc(versions, func(a, b *item) int {
		return cmp.Or(cmp.Compare(min(len(a.Bases), 1), min(len(b.Bases), 1)), cmp.Compare(a.Version, b.Version))
	})
	first := versions[0]
	data, version, generation := first.Data, first.Version, first.Generation
	for at, v := range versions[1:] {
		both, ok := join(first.Key, data, v.Data, common(v, versions[:at+1], in))
		if !ok {
			return versions
		}
		data, version = both, store.Sum([]byte(version+v.Version))
		generation = max(generation, v.Generation)
	}
	one := &item{Run: first.Run, Stored: store.Stored{
		Entry: store.Entry{Key: first.Key, Generation: generation, Data: data, Version: version}, By: first.By,
	}}
	return []*item{one}
}

// common is the newest of the versions that one was made of on which all the others
// stand too; nil where there is none.
func common(v *item, others []*item, in map[*item]*snapshot) []byte {
	for _, b := range slices.Backward(v.Bases) {
		if !slices.ContainsFunc(others, func(o *item) bool { return !in[o].descends(b.Origin) }) {
			return b.stored.Data
		}
	}
	return nil
}

// keys are the entries that there are, in their order.
func (s *shelf) keys() []store.Key {
	return slices.SortedFunc(maps.Keys(s.entries), func(a, b store.Key) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Target, b.Target))
	})
}

// pins are the matrices that the heads name, the newest of them.
func (s *shelf) pins() []pin {
	newest := map[int64]pin{}
	for _, h := range s.heads {
		for _, p := range h.Pins {
			if p.At.After(newest[p.Run].At) {
				newest[p.Run] = p
			}
		}
	}
	pins := slices.SortedFunc(maps.Values(newest), func(a, b pin) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Run, a.Run)) })
	return pins[:min(len(pins), maxPins)]
}
