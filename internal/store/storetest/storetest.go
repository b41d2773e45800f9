// Package storetest is the one conformance suite that every store passes, and
// an in-memory store for the tests of those who use stores.
package storetest

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"sluice/internal/store"
)

// Harness is what a store's own test provides: a fresh, empty place to keep
// state, and the means to damage it.
type Harness struct {
	// Open returns another handle on the same place, as another run would
	// have it. It MUST NOT touch the place.
	Open func(t *testing.T) store.Store
	// Corrupt rewrites the stored bytes of a record behind the store's back.
	// Nil where nothing can.
	Corrupt func(t *testing.T, key store.Key, edit func([]byte) []byte)
	// Breaks are the ways in which the place can become unreadable, by name
	// (forbidden, server error, refused connection, …). Each breaks the place
	// until the returned function repairs it.
	Breaks map[string]func(t *testing.T) (repair func())
	// Writes counts the modifications that reached the place so far.
	Writes func() int
	// Requests counts what the place was asked so far. Nil where it is no service.
	Requests func() int
	// Loose says that the place compares, and then writes, in two steps: of those who
	// write at the same instant several may win. The store is held to all the rest.
	Loose bool
	// Crowd puts n things of others into the place, of the kind that the store
	// keeps. Nil where nobody else keeps anything there.
	Crowd func(n int)
}

// Run puts a store through the contract. newHarness is called once per case.
func Run(t *testing.T, newHarness func(t *testing.T) Harness) {
	t.Helper()
	cases := []struct {
		name string
		test func(*testing.T, Harness)
	}{
		{"Facts", testFacts},
		{"NeverWritten", testNeverWritten},
		{"RoundTrip", testRoundTrip},
		{"Content", testContent},
		{"OpenIsLazy", testOpenIsLazy},
		{"List", testList},
		{"Where", testWhere},
		{"SeveralInOneCommit", testSeveral},
		{"EmptyCommit", testEmptyCommit},
		{"StaleVersion", testStaleVersion},
		{"CreatedMeanwhile", testCreatedMeanwhile},
		{"GenerationsOnlyRise", testGenerations},
		{"AtomicRefusal", testAtomicRefusal},
		{"BadEntries", testBadEntries},
		{"BadNames", testBadNames},
		{"SizeLimit", testSizeLimit},
		{"Large", testLarge},
		{"Corrupt", testCorrupt},
		{"Unreadable", testUnreadable},
		{"CancelledBefore", testCancelledBefore},
		{"CancelledWithin", testCancelledWithin},
		{"KindsApart", testKindsApart},
		{"ListOfOneKind", testListOfOneKind},
		{"Removal", testRemoval},
		{"RemovalOfAnotherVersion", testStaleRemoval},
		{"RemovalAmongSaves", testRemovalAmongSaves},
		{"RemovedAndMadeAnew", testMadeAnew},
		{"WritersAndRemovers", testWritersAndRemovers},
		{"WritersOfOneRecord", testWritersOfOne},
		{"WritersOfManyRecords", testWritersOfMany},
		{"GroupCommit", testGroupCommit},
		{"ManyEntries", testManyEntries},
		{"Crowd", testCrowd},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.test(t, newHarness(t)) })
	}
}

// key names a record of the suite's pipeline.
func key(target string) store.Key { return store.Key{Pipeline: "storefront", Target: target} }

// record is some state whose content differs by n.
func record(n int) []byte { return fmt.Appendf(nil, `{"schema":"sluice.state/v1","n":%d}`, n) }

func load(t *testing.T, s store.Store, keys ...store.Key) []store.Entry {
	t.Helper()
	entries, err := s.Load(t.Context(), keys...)
	if err != nil {
		t.Fatalf("load %v: %v", keys, err)
	}
	if len(entries) != len(keys) {
		t.Fatalf("load of %d keys returned %d entries", len(keys), len(entries))
	}
	for i, e := range entries {
		if e.Key != keys[i] {
			t.Fatalf("entry %d is %s, want %s", i, e.Key, keys[i])
		}
	}
	return entries
}

func load1(t *testing.T, s store.Store, k store.Key) store.Entry {
	t.Helper()
	return load(t, s, k)[0]
}

// put saves data as the next generation of k.
func put(t *testing.T, s store.Store, k store.Key, data []byte) store.Entry {
	t.Helper()
	saved, err := s.Commit(t.Context(), next(load1(t, s, k), data))
	if err != nil {
		t.Fatalf("commit %s: %v", k, err)
	}
	if len(saved) != 1 {
		t.Fatalf("commit of one entry saved %d", len(saved))
	}
	return saved[0]
}

// next is e with new data and the generation after its own.
func next(e store.Entry, data []byte) store.Entry {
	e.Generation++
	e.Data = data
	return e
}

// holds checks that a fresh handle reads exactly e.
func holds(t *testing.T, h Harness, e store.Entry) {
	t.Helper()
	got := load1(t, h.Open(t), e.Key)
	if got.Generation != e.Generation || got.Version != e.Version || !bytes.Equal(got.Data, e.Data) {
		t.Fatalf("%s holds generation %d version %q %.80s, want generation %d version %q %.80s",
			e.Key, got.Generation, got.Version, got.Data, e.Generation, e.Version, e.Data)
	}
}

// conflicts checks that err is a lost race that names the keys.
func conflicts(t *testing.T, err error, keys ...store.Key) {
	t.Helper()
	if !store.IsConflict(err) || store.IsUnreadable(err) {
		t.Fatalf("error %v, want a conflict", err)
	}
	for _, k := range keys {
		if !bytes.Contains([]byte(err.Error()), []byte(k.String())) {
			t.Errorf("conflict %q does not name %s", err, k)
		}
	}
}

// unreadable checks that err is an UnreadableError with a remedy.
func unreadable(t *testing.T, err error, op string) {
	t.Helper()
	u, ok := asUnreadable(err)
	if !ok {
		t.Fatalf("error %v, want unreadable", err)
	}
	if u.Op != op {
		t.Errorf("error %q has op %q, want %q", err, u.Op, op)
	}
	if u.Remedy == "" {
		t.Errorf("error %q has no remedy", err)
	}
	if store.IsConflict(err) {
		t.Errorf("error %q is a conflict too", err)
	}
}

// cancelOn is a context that is cancelled when it is asked for the n-th time
// whether it is, so that a sweep over n reaches every point where a store looks.
type cancelOn struct {
	context.Context
	cancel context.CancelFunc
	left   chan struct{}
}

func newCancelOn(parent context.Context, n int) *cancelOn {
	ctx, cancel := context.WithCancel(parent)
	left := make(chan struct{}, n)
	for range n {
		left <- struct{}{}
	}
	return &cancelOn{ctx, cancel, left}
}

func (c *cancelOn) Err() error {
	select {
	case <-c.left:
	default:
		c.cancel()
	}
	return c.Context.Err()
}
