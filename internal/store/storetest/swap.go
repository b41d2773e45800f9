package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"sluice/internal/store"
)

func testStaleVersion(t *testing.T, h Harness) {
	mine, theirs := h.Open(t), h.Open(t)
	stale := put(t, mine, key("web"), record(1))
	if !mine.Facts().Swap {
		t.Skip("the store cannot compare and swap")
	}
	current := put(t, theirs, key("web"), record(2))
	saved, err := mine.Commit(t.Context(), next(next(stale, nil), record(9)))
	conflicts(t, err, key("web"))
	if len(saved) != 0 {
		t.Errorf("a lost race saved %v", saved)
	}
	holds(t, h, current)
}

func testCreatedMeanwhile(t *testing.T, h Harness) {
	mine, theirs := h.Open(t), h.Open(t)
	empty := load1(t, mine, key("web"))
	current := put(t, theirs, key("web"), record(1))
	if !mine.Facts().Swap {
		t.Skip("the store cannot compare and swap")
	}
	empty.Generation = 4 // above theirs: only the version can tell
	_, err := mine.Commit(t.Context(), next(empty, record(2)))
	conflicts(t, err, key("web"))
	holds(t, h, current)
}

func testGenerations(t *testing.T, h Harness) {
	s := h.Open(t)
	put(t, s, key("web"), record(1))
	current := put(t, s, key("web"), record(2))
	for _, generation := range []int64{2, 1, 0, -1} {
		e := current
		e.Generation, e.Data = generation, record(9)
		if _, err := s.Commit(t.Context(), e); err == nil {
			t.Fatalf("generation %d replaced generation 2", generation)
		}
		holds(t, h, current)
	}
	e := current
	e.Generation = 40
	saved, err := s.Commit(t.Context(), e)
	if err != nil {
		t.Fatalf("generation 40 after 2, as a migration has it: %v", err)
	}
	holds(t, h, saved[0])
}

// testAtomicRefusal commits one current and one stale entry: neither may be
// saved, in every store that swaps, because both are compared first.
func testAtomicRefusal(t *testing.T, h Harness) {
	s := h.Open(t)
	if !s.Facts().Swap {
		t.Skip("the store cannot compare and swap")
	}
	web := put(t, s, key("web"), record(1))
	stale := put(t, s, key("api"), record(1))
	api := put(t, h.Open(t), key("api"), record(2))
	saved, err := s.Commit(t.Context(), next(web, record(9)), next(stale, record(9)))
	conflicts(t, err, key("api"))
	if s.Facts().Atomic && len(saved) != 0 {
		t.Errorf("an atomic store saved %v of a commit that failed", saved)
	}
	if len(saved) == 0 {
		holds(t, h, web)
	} else {
		holds(t, h, saved[0])
	}
	holds(t, h, api)
}

// counter is a record that every writer raises by one.
type counter struct {
	Count int          `json:"count"`
	Seen  map[int]bool `json:"seen"`
}

// testWritersOfOne has all writers raise one counter, each retrying until it
// won: a lost update would leave it too low. Nobody saves before all have
// loaded, so that in the first round all but one must lose.
func testWritersOfOne(t *testing.T, h Harness) {
	if !h.Open(t).Facts().Swap || h.Loose {
		t.Skip("the place cannot compare and swap in one step")
	}
	var loaded sync.WaitGroup
	loaded.Add(writers)
	atOnce(t, func(n int) error {
		return raise(t, h.Open(t), n, sync.OnceFunc(func() { loaded.Done(); loaded.Wait() }))
	})
	e := load1(t, h.Open(t), key("web"))
	var got counter
	if err := json.Unmarshal(e.Data, &got); err != nil {
		t.Fatal(err)
	}
	if got.Count != writers || len(got.Seen) != writers || e.Generation != writers {
		t.Errorf("after %d writers: count %d, %d writers seen, generation %d", writers, got.Count, len(got.Seen), e.Generation)
	}
}

func raise(t *testing.T, s store.Store, n int, barrier func()) error {
	defer barrier() // an error must not leave the others waiting
	for {
		entries, err := s.Load(t.Context(), key("web"))
		barrier()
		if err != nil {
			return err
		}
		now := counter{Seen: map[int]bool{}}
		if entries[0].Version != "" {
			if err := json.Unmarshal(entries[0].Data, &now); err != nil {
				return err
			}
		}
		now.Count++
		now.Seen[n] = true
		data, err := json.Marshal(now)
		if err != nil {
			return err
		}
		if _, err := amongMany(t, s, next(entries[0], data)); !store.IsConflict(err) {
			return err
		}
	}
}

// testWritersOfMany has every writer save a record of its own: nobody's record
// may be lost, whatever the store can do.
func testWritersOfMany(t *testing.T, h Harness) {
	target := func(n int) store.Key { return key(fmt.Sprintf("t-%d", n)) }
	atOnce(t, func(n int) error {
		s := h.Open(t)
		for {
			_, err := amongMany(t, s, store.Entry{Key: target(n), Generation: 1, Data: record(n)})
			if !store.IsConflict(err) {
				return err
			}
		}
	})
	keys := make([]store.Key, writers)
	for n := range keys {
		keys[n] = target(n)
	}
	for n, e := range load(t, h.Open(t), keys...) {
		if string(e.Data) != string(record(n)) {
			t.Errorf("%s holds %q", e.Key, e.Data)
		}
	}
}

// amongMany commits again as long as the store asks for nothing but time.
func amongMany(t *testing.T, s store.Store, e store.Entry) ([]store.Entry, error) {
	for {
		saved, err := s.Commit(t.Context(), e)
		if _, busy := store.IsBusy(err); !busy {
			return saved, err
		}
	}
}

func atOnce(t *testing.T, work func(n int) error) {
	t.Helper()
	errs := make([]error, writers)
	var all sync.WaitGroup
	for n := range writers {
		all.Go(func() { errs[n] = work(n) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
