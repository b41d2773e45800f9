package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"sluice/internal/store"
)

// entry names an entry of a kind of the suite's pipeline.
func entry(kind, name string) store.Key {
	return store.Key{Pipeline: "storefront", Kind: kind, Target: name}
}

// testKindsApart saves one name in every kind: none is another's.
func testKindsApart(t *testing.T, h Harness) {
	var saved []store.Entry
	for i, kind := range store.Kinds() {
		for j, k := range store.Kinds()[i:] {
			if e := load1(t, h.Open(t), entry(k, "web")); e.Version != "" {
				t.Fatalf("%s was never written, but has version %q after %d kinds (%d)", e.Key, e.Version, i, j)
			}
		}
		saved = append(saved, put(t, h.Open(t), entry(kind, "web"), record(i)))
	}
	for _, e := range saved {
		holds(t, h, e)
	}
	// A kind's name is also a target's, and an entry's.
	for i, k := range []store.Key{key("run"), key("history"), entry(store.KindRun, "run"), entry(store.KindRun, "web-json")} {
		holds(t, h, put(t, h.Open(t), k, record(10+i)))
	}
	for _, bad := range []string{"target", "runs", "Run", "..", "run/x", "."} {
		_, err := h.Open(t).Load(t.Context(), entry(bad, "web"))
		unreadable(t, err, "read")
		_, err = h.Open(t).Commit(t.Context(), store.Entry{Key: entry(bad, "web"), Generation: 1, Data: record(1)})
		unreadable(t, err, "write")
		_, err = h.Open(t).List(t.Context(), "storefront", bad)
		unreadable(t, err, "list")
	}
}

// testListOfOneKind: a list has the asked kind alone, sorted.
func testListOfOneKind(t *testing.T, h Harness) {
	for _, kind := range store.Kinds() {
		for _, name := range []string{"web", "web-2", "api"} {
			put(t, h.Open(t), entry(kind, name), record(1))
		}
	}
	put(t, h.Open(t), entry(store.KindRun, "7-x"), record(1))
	gone := put(t, h.Open(t), entry(store.KindRun, "gone"), record(1))
	removes(t, h.Open(t), gone)
	for _, kind := range store.Kinds() {
		want := []store.Key{entry(kind, "api"), entry(kind, "web"), entry(kind, "web-2")}
		if kind == store.KindRun {
			want = slices.Insert(want, 0, entry(kind, "7-x"))
		}
		if keys, err := there(t, h, kind); err != nil || !slices.Equal(keys, want) {
			t.Errorf("the list of kind %q is %v, want %v (%v)", kind, keys, want, err)
		}
	}
}

// there are the entries of a kind that a list has, without those that were removed.
func there(t *testing.T, h Harness, kind string) ([]store.Key, error) {
	t.Helper()
	keys, err := h.Open(t).List(t.Context(), "storefront", kind)
	return slices.DeleteFunc(keys, func(k store.Key) bool { return load1(t, h.Open(t), k).Version == "" }), err
}

// removes removes an entry as it was saved.
func removes(t *testing.T, s store.Store, e store.Entry) store.Entry {
	t.Helper()
	saved, err := s.Commit(t.Context(), next(e, nil))
	if err != nil {
		t.Fatalf("remove %s: %v", e.Key, err)
	}
	if len(saved) != 1 || saved[0].Key != e.Key || saved[0].Version != "" {
		t.Fatalf("removing %s saved %+v", e.Key, saved)
	}
	return saved[0]
}

// isGone is what loads of an entry that is not there, by this handle and another.
func isGone(t *testing.T, h Harness, s store.Store, k store.Key) store.Entry {
	t.Helper()
	var e store.Entry
	for _, s := range []store.Store{s, h.Open(t)} {
		if e = load1(t, s, k); e.Version != "" || len(e.Data) != 0 {
			t.Fatalf("%s was removed, and loads as %+v", k, e)
		}
	}
	return e
}

func testRemoval(t *testing.T, h Harness) {
	for _, kind := range store.Kinds() {
		s := h.Open(t)
		stays := put(t, s, entry(kind, "api"), record(1))
		saved := put(t, s, entry(kind, "web"), record(1))
		before := h.Writes()
		removes(t, s, saved)
		if h.Writes() == before {
			t.Error("a removal is no modification")
		}
		isGone(t, h, s, saved.Key)
		holds(t, h, stays)
		if places := s.Where(); len(places) != 1 || places[0].Digest == "" {
			t.Errorf("where lists %+v, want the one entry that is there", places)
		}
		// By another handle, which loaded it.
		other := h.Open(t)
		removes(t, other, load1(t, other, stays.Key))
		isGone(t, h, s, stays.Key)
	}
	if _, err := h.Open(t).Commit(t.Context(), store.Entry{Key: key("never"), Generation: 1}); err == nil {
		t.Error("what was never written was removed")
	}
}

func testStaleRemoval(t *testing.T, h Harness) {
	mine := h.Open(t)
	stale := put(t, mine, key("web"), record(1))
	if !mine.Facts().Swap {
		t.Skip("the store cannot compare and swap")
	}
	current := put(t, h.Open(t), key("web"), record(2))
	before := h.Writes()
	for name, s := range map[string]store.Store{"the handle that saved": mine, "another": h.Open(t)} {
		e := next(next(stale, nil), nil) // above theirs: only the version can tell
		saved, err := s.Commit(t.Context(), e)
		conflicts(t, err, key("web"))
		if len(saved) != 0 {
			t.Errorf("%s: a lost race saved %v", name, saved)
		}
	}
	low := next(current, nil)
	low.Generation = 1
	if _, err := h.Open(t).Commit(t.Context(), low); err == nil {
		t.Error("a removal of generation 1 replaced generation 2")
	}
	holds(t, h, current)
	if n := h.Writes() - before; n != 0 {
		t.Errorf("%d writes", n)
	}
}

// testRemovalAmongSaves saves, creates and removes in one commit; and a removal
// that loses saves nothing where the store is atomic.
func testRemovalAmongSaves(t *testing.T, h Harness) {
	s := h.Open(t)
	web, run := put(t, s, key("web"), record(1)), put(t, s, entry(store.KindRun, "run-1"), record(1))
	saved, err := s.Commit(t.Context(), next(web, record(2)), next(run, nil), store.Entry{Key: entry(store.KindRun, "run-2"), Generation: 1, Data: record(3)})
	if err != nil || len(saved) != 3 {
		t.Fatalf("saved %d of 3: %v", len(saved), err)
	}
	holds(t, h, saved[0])
	isGone(t, h, s, run.Key)
	holds(t, h, saved[2])
	if !s.Facts().Swap {
		return
	}
	web, stale := saved[0], saved[2]
	current := put(t, h.Open(t), stale.Key, record(4))
	lost, err := s.Commit(t.Context(), next(web, record(5)), next(stale, nil))
	conflicts(t, err, stale.Key)
	if s.Facts().Atomic && len(lost) != 0 {
		t.Errorf("an atomic store saved %v of a commit that failed", lost)
	}
	if len(lost) == 0 {
		holds(t, h, web)
	}
	holds(t, h, current)
}

// testMadeAnew: what was removed can be written again, by the handle that removed
// it and by another, as often as wanted; what was loaded before stays stale.
func testMadeAnew(t *testing.T, h Harness) {
	s := h.Open(t)
	first := put(t, s, key("web"), record(1))
	old := first
	for n := range 3 {
		removed := removes(t, s, old)
		e := isGone(t, h, s, key("web"))
		if e.Generation != 0 && e.Generation != removed.Generation {
			t.Errorf("what was removed at generation %d loads with generation %d", removed.Generation, e.Generation)
		}
		if n == 1 {
			s = h.Open(t)
		}
		e = next(load1(t, s, key("web")), record(2+n))
		saved, err := s.Commit(t.Context(), e)
		if err != nil {
			t.Fatalf("it cannot be written again: %v", err)
		}
		holds(t, h, saved[0])
		old = saved[0]
	}
	if !s.Facts().Swap {
		return
	}
	_, err := h.Open(t).Commit(t.Context(), store.Entry{Key: key("web"), Generation: 100, Data: record(9), Version: first.Version})
	conflicts(t, err, key("web"))
	_, err = h.Open(t).Commit(t.Context(), store.Entry{Key: key("web"), Generation: 100, Version: first.Version})
	conflicts(t, err, key("web"))
	holds(t, h, old)
}

// testWritersAndRemovers has two at each entry at once, one who saves it and one
// who removes it: exactly one of them wins. Others beside them make and remove
// entries of their own, which leave nothing behind.
func testWritersAndRemovers(t *testing.T, h Harness) {
	if h.Loose {
		t.Skip("the place cannot compare and swap in one step")
	}
	swaps := h.Open(t).Facts().Swap
	run := func(n int) store.Key { return entry(store.KindRun, fmt.Sprintf("run-%d", n)) }
	before := make([]store.Entry, writers/4)
	for n := range before {
		before[n] = put(t, h.Open(t), run(n), record(1))
	}
	var mu sync.Mutex
	won := map[int][]string{}
	atOnce(t, func(n int) error {
		s := h.Open(t)
		switch {
		case n >= writers/2: // of its own
			k := entry(store.KindPromotion, fmt.Sprintf("p-%d", n))
			saved, err := commitOn(t, s, store.Entry{Key: k, Generation: 1, Data: record(n)})
			if err != nil {
				return err
			}
			_, err = commitOn(t, s, next(saved, nil))
			return err
		case !swaps:
			return nil
		}
		e, what := next(before[n/2], record(100)), "saved"
		if n%2 == 1 {
			e, what = next(before[n/2], nil), "removed"
		}
		_, err := amongMany(t, s, e)
		if store.IsConflict(err) {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		won[n/2] = append(won[n/2], what)
		return err
	})
	if keys, err := there(t, h, store.KindPromotion); err != nil || len(keys) != 0 {
		t.Errorf("left behind: %v, %v", keys, err)
	}
	for n := range before {
		if !swaps {
			break
		}
		e := load1(t, h.Open(t), run(n))
		if len(won[n]) != 1 || (won[n][0] == "removed") != (e.Version == "") {
			t.Errorf("%s: won %v, and it loads as %+v", run(n), won[n], e)
		}
	}
}

// commitOn commits an entry of this caller's own, as often as a store needs that
// cannot tell two commits apart.
func commitOn(t *testing.T, s store.Store, e store.Entry) (store.Entry, error) {
	for {
		saved, err := amongMany(t, s, e)
		if store.IsConflict(err) {
			continue
		}
		if err != nil {
			return e, err
		}
		return saved[0], nil
	}
}
