package storetest

import (
	"fmt"
	"testing"

	"sluice/internal/store"
)

const (
	// group is how many entries are committed together.
	group = 300
	// entriesOfAll is how many entries a place has; where each costs a write of its
	// own, a tenth of them shows the same.
	entriesOfAll = 10_000
	// crowd is how many things of others a place has.
	crowd = 50_000
)

// asked is how many requests the place got meanwhile; 0 where nothing counts them.
func (h Harness) asked(what func()) int {
	if h.Requests == nil {
		what()
		return 0
	}
	before := h.Requests()
	what()
	return h.Requests() - before
}

// fresh are n entries that were never written, over all kinds.
func fresh(n int) []store.Entry {
	kinds := store.Kinds()
	entries := make([]store.Entry, n)
	for i := range entries {
		entries[i] = store.Entry{Key: entry(kinds[i%len(kinds)], fmt.Sprintf("e-%d", i)), Generation: 1, Data: record(i)}
	}
	return entries
}

// commit commits and checks that all was saved, in the order asked.
func commit(t *testing.T, s store.Store, entries ...store.Entry) []store.Entry {
	t.Helper()
	saved, err := s.Commit(t.Context(), entries...)
	if err != nil || len(saved) != len(entries) {
		t.Fatalf("saved %d of %d: %v", len(saved), len(entries), err)
	}
	for i, e := range saved {
		if e.Key != entries[i].Key || e.Version == "" {
			t.Fatalf("saved entry %d is %+v, want %s", i, e, entries[i].Key)
		}
	}
	return saved
}

// loads checks that another handle reads all of them.
func loads(t *testing.T, s store.Store, saved []store.Entry) {
	t.Helper()
	keys := make([]store.Key, len(saved))
	for i, e := range saved {
		keys[i] = e.Key
	}
	for i, e := range load(t, s, keys...) {
		if e.Version != saved[i].Version || string(e.Data) != string(saved[i].Data) {
			t.Fatalf("%s reads %+v, want %+v", e.Key, e, saved[i])
		}
	}
}

// testGroupCommit saves what many targets have gathered. A store that likes such
// batches asks its place for no more than for one entry.
func testGroupCommit(t *testing.T, h Harness) {
	s := h.Open(t)
	web := put(t, s, key("web"), record(1))
	writes := h.Writes()
	one := h.asked(func() { web = commit(t, s, next(web, record(2)))[0] })
	writesOfOne := h.Writes() - writes
	var saved []store.Entry
	writes = h.Writes()
	many := h.asked(func() { saved = commit(t, s, fresh(group)...) })
	if s.Facts().Together && (many > one || h.Writes()-writes > writesOfOne) {
		t.Errorf("%d entries took %d requests and %d writes, one took %d and %d", group, many, h.Writes()-writes, one, writesOfOne)
	}
	loads(t, h.Open(t), append(saved, web))
	atOnce(t, func(n int) error { // each writer its own part, all in one process
		part := saved[n*group/writers : (n+1)*group/writers]
		entries := make([]store.Entry, len(part))
		for i, e := range part {
			entries[i] = next(e, record(1000+n))
		}
		done, err := s.Commit(t.Context(), entries...)
		copy(part, done)
		return err
	})
	loads(t, h.Open(t), append(saved, web))
}

// testManyEntries has a place with very many entries: loading all of them, and saving
// one, costs a store that keeps them together what few would cost.
func testManyEntries(t *testing.T, h Harness) {
	n := entriesOfAll
	if !h.Open(t).Facts().Together {
		n /= 10
	}
	saved := commit(t, h.Open(t), fresh(n)...)
	s := h.Open(t)
	few := h.asked(func() { loads(t, h.Open(t), saved[:2*len(store.Kinds())]) })
	if all := h.asked(func() { loads(t, s, saved) }); s.Facts().Together && all > few {
		t.Errorf("loading %d entries took %d requests, loading a few of them %d", n, all, few)
	}
	changed := commit(t, s, next(saved[n/2], record(-1)))[0]
	saved[n/2] = changed
	holds(t, h, changed)
	keys, err := h.Open(t).List(t.Context(), "storefront", store.KindRun)
	if err != nil || len(keys) != n/len(store.Kinds()) {
		t.Errorf("the list has %d of %d entries: %v", len(keys), n/len(store.Kinds()), err)
	}
}

// testCrowd has a place where others keep very much: what the store asks for does not
// grow with it, and nothing of theirs is taken for its own.
func testCrowd(t *testing.T, h Harness) {
	if h.Crowd == nil {
		t.Skip("nobody else keeps anything there")
	}
	web := put(t, h.Open(t), key("web"), record(1))
	look := func() {
		s := h.Open(t)
		loads(t, s, []store.Entry{web})
		if e := load1(t, s, key("api")); e.Version != "" {
			t.Errorf("%s was never written, but loads as %+v", e.Key, e)
		}
		if keys, err := s.List(t.Context(), "storefront", store.KindTarget); err != nil || len(keys) != 1 {
			t.Errorf("the list is %v: %v", keys, err)
		}
	}
	alone := h.asked(look)
	h.Crowd(crowd)
	if among := h.asked(look); among > alone {
		t.Errorf("among %d things of others it takes %d requests, alone %d", crowd, among, alone)
	}
	web = put(t, h.Open(t), key("web"), record(2))
	holds(t, h, web)
}
