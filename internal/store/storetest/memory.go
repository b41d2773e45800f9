package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"sync"

	"sluice/internal/store"
)

// Memory is a store for tests: it keeps records in memory, counts what is
// asked of it and fails on demand. It swaps and is atomic, and passes [Run].
// Handles on one place come from [Memory.Another].
type Memory struct {
	// OnLoad and OnCommit, where set, run before the call does anything; an
	// error is returned as it is. Set them before the store is used.
	OnLoad   func(keys []store.Key) error
	OnCommit func(entries []store.Entry) error
	// AfterCommit runs once everything is saved; an error makes the commit an
	// unanswered one: saved, but the caller does not learn it.
	AfterCommit func(entries []store.Entry) error
	// Name, Weak and Unverified change the facts: the store's name, no Swap
	// and no Atomic, no Identity.
	Name       string
	Weak       bool
	Unverified bool

	place  *place
	places store.Places
}

type place struct {
	mu      sync.Mutex
	records map[store.Key]store.Stored
	history []store.Entry
	commits int
	loads   int
	saves   int
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{Name: "memory", place: &place{records: map[store.Key]store.Stored{}}}
}

// Another is another run's handle on the same records, without hooks.
func (m *Memory) Another() *Memory {
	return &Memory{Name: m.Name, Weak: m.Weak, Unverified: m.Unverified, place: m.place}
}

// Commits counts the commits that saved something.
func (m *Memory) Commits() int { m.place.mu.Lock(); defer m.place.mu.Unlock(); return m.place.commits }

// Loads counts the calls of Load.
func (m *Memory) Loads() int { m.place.mu.Lock(); defer m.place.mu.Unlock(); return m.place.loads }

// History is everything that was ever saved, oldest first.
func (m *Memory) History() []store.Entry {
	m.place.mu.Lock()
	defer m.place.mu.Unlock()
	return slices.Clone(m.place.history)
}

// Set puts a record behind the store's back, as another run would: with the
// next generation and a new version.
func (m *Memory) Set(k store.Key, data []byte) {
	m.place.mu.Lock()
	defer m.place.mu.Unlock()
	m.place.save(store.Entry{Key: k, Generation: m.place.records[k].Generation + 1, Data: data})
}

// Facts say Swap and Atomic unless Weak, Identity unless Unverified.
func (m *Memory) Facts() store.Facts {
	return store.Facts{Name: m.Name, Swap: !m.Weak, Atomic: !m.Weak, Identity: !m.Unverified}
}

// Load returns copies of the records.
func (m *Memory) Load(ctx context.Context, keys ...store.Key) ([]store.Entry, error) {
	if err := store.CheckKeys(keys); err != nil {
		return nil, err
	}
	if err := store.Cancelled(ctx, "read"); err != nil {
		return nil, err
	}
	if m.OnLoad != nil {
		if err := m.OnLoad(keys); err != nil {
			return nil, err
		}
	}
	m.place.mu.Lock()
	defer m.place.mu.Unlock()
	m.place.loads++
	entries := make([]store.Entry, len(keys))
	for i, k := range keys {
		entries[i] = m.place.records[k].Entry
		entries[i].Key = k
		entries[i].Data = bytes.Clone(entries[i].Data)
	}
	return entries, nil
}

// List returns the keys of one kind.
func (m *Memory) List(ctx context.Context, pipeline, kind string) ([]store.Key, error) {
	if err := store.Cancelled(ctx, "list"); err != nil {
		return nil, err
	}
	if err := store.CheckList(pipeline, kind); err != nil {
		return nil, err
	}
	m.place.mu.Lock()
	defer m.place.mu.Unlock()
	var keys []store.Key
	for k := range m.place.records {
		if k.Pipeline == pipeline && k.Kind == kind {
			keys = append(keys, k)
		}
	}
	store.SortKeys(keys)
	return keys, nil
}

// Commit saves all entries or none.
func (m *Memory) Commit(ctx context.Context, entries ...store.Entry) ([]store.Entry, error) {
	if err := store.CheckCommit(entries); err != nil || len(entries) == 0 {
		return nil, err
	}
	if err := store.Cancelled(ctx, "write"); err != nil {
		return nil, err
	}
	if m.OnCommit != nil {
		if err := m.OnCommit(entries); err != nil {
			return nil, err
		}
	}
	saved, err := m.place.commit(entries)
	if err != nil {
		return nil, err
	}
	for _, e := range saved {
		if e.Data == nil {
			m.places.Drop(e.Key)
			continue
		}
		m.places.Add(e.Key, store.Saved{Location: "memory:" + e.Key.String(), Digest: store.Sum(e.Data)})
	}
	if m.AfterCommit != nil {
		if err := m.AfterCommit(saved); err != nil {
			return nil, err
		}
	}
	return saved, nil
}

// Where lists this handle's commits.
func (m *Memory) Where() []store.Saved { return m.places.List() }

func (p *place) commit(entries []store.Entry) ([]store.Entry, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	current := make([]store.Stored, len(entries))
	for i, e := range entries {
		current[i] = p.records[e.Key]
	}
	if err := store.Compare(current, entries); err != nil {
		return nil, err
	}
	p.commits++
	saved := make([]store.Entry, len(entries))
	for i, e := range entries {
		saved[i] = p.save(e)
	}
	return saved, nil
}

// save keeps a compact copy, as every other store does, and returns the entry
// as the caller gave it.
func (p *place) save(e store.Entry) store.Entry {
	p.saves++
	if e.Data == nil {
		e.Version = ""
		delete(p.records, e.Key)
		p.history = append(p.history, e)
		return e
	}
	e.Version = strconv.Itoa(p.saves)
	kept := e
	var data bytes.Buffer
	if err := json.Compact(&data, e.Data); err == nil {
		kept.Data = data.Bytes()
	}
	p.records[e.Key] = store.Stored{Entry: kept, By: "another run in this test"}
	p.history = append(p.history, kept)
	return e
}
