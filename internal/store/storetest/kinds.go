package storetest

import (
	"testing"

	"sluice/internal/store"
)

// everyKind is entries of one name and of every kind.
func everyKind() []store.Key {
	var keys []store.Key
	for _, kind := range []string{store.KindTarget, store.KindPromotion, store.KindRun, store.KindHistory, store.KindIndex} {
		keys = append(keys, store.Key{Pipeline: "storefront", Kind: kind, Target: "web"})
	}
	return keys
}

// testKinds: entries of one name are kept apart by their kinds, and a list holds
// the targets' records alone.
func testKinds(t *testing.T, h Harness) {
	s := h.Open(t)
	entries := make([]store.Entry, len(everyKind()))
	for i, k := range everyKind() {
		entries[i] = store.Entry{Key: k, Generation: 1, Data: record(i)}
	}
	if _, err := s.Commit(t.Context(), entries[1:]...); err != nil {
		t.Fatal(err)
	}
	if keys, err := h.Open(t).List(t.Context(), "storefront"); err != nil || len(keys) != 0 {
		t.Errorf("a list without a target's record: %v, %v", keys, err)
	}
	if e := load1(t, h.Open(t), everyKind()[0]); e.Version != "" {
		t.Errorf("another kind's entry is loaded as %s", e.Data)
	}
	if _, err := s.Commit(t.Context(), entries[0]); err != nil {
		t.Fatal(err)
	}
	for i, e := range load(t, h.Open(t), everyKind()...) {
		if string(e.Data) != string(record(i)) {
			t.Errorf("%s holds %s, want %s", e.Key, e.Data, record(i))
		}
	}
	if keys, err := h.Open(t).List(t.Context(), "storefront"); err != nil || len(keys) != 1 || keys[0] != everyKind()[0] {
		t.Errorf("the list is %v, %v", keys, err)
	}
}

// testRemoval: what is removed is as if it had never been written, together with
// what else is saved, and may be written again.
func testRemoval(t *testing.T, h Harness) {
	for _, k := range everyKind() {
		s := h.Open(t)
		put(t, s, k, record(1))
		gone := put(t, s, k, record(2))
		other := store.Key{Pipeline: "storefront", Target: "other-" + k.Kind + "x"}
		saved, err := s.Commit(t.Context(), store.Entry{Key: k, Generation: 3, Version: gone.Version}, store.Entry{Key: other, Generation: 1, Data: record(1)})
		if err != nil {
			t.Fatalf("remove %s: %v", k, err)
		}
		if saved[0].Version != "" || saved[1].Version == "" {
			t.Errorf("a commit that removes %s returned the versions %q and %q", k, saved[0].Version, saved[1].Version)
		}
		for _, handle := range []store.Store{s, h.Open(t)} {
			entries := load(t, handle, k, other)
			if entries[0].Version != "" || entries[0].Generation != 0 || len(entries[0].Data) != 0 {
				t.Errorf("%s was removed, and loads as %+v", k, entries[0])
			}
			if entries[1].Version == "" {
				t.Errorf("what was saved together with the removal of %s is not there", k)
			}
		}
		if keys, err := h.Open(t).List(t.Context(), "storefront"); err != nil || k.Kind == store.KindTarget && len(keys) != 1 {
			t.Errorf("after the removal of %s the list is %v, %v", k, keys, err)
		}
		again, err := h.Open(t).Commit(t.Context(), store.Entry{Key: k, Generation: 1, Data: record(9)})
		if err != nil {
			t.Fatalf("write %s again: %v", k, err)
		}
		holds(t, h, again[0])
	}
}

// testRemovalSwap: an entry is removed only as it was loaded.
func testRemovalSwap(t *testing.T, h Harness) {
	s := h.Open(t)
	if !s.Facts().Swap {
		t.Skip("the store cannot swap")
	}
	k := everyKind()[2]
	old := put(t, s, k, record(1))
	now := put(t, h.Open(t), k, record(2))
	if _, err := s.Commit(t.Context(), store.Entry{Key: k, Generation: 2, Version: old.Version}); !store.IsConflict(err) {
		t.Errorf("an entry that somebody changed was removed: %v", err)
	}
	holds(t, h, now)
}
