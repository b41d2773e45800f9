// Package memory keeps state as long as the process: what is rehearsed.
package memory

import (
	"context"
	"strconv"
	"sync"

	"sluice/internal/store"
)

// Place is where state is kept. It swaps and is atomic. Make one with [New]; it is safe
// for concurrent use.
type Place struct {
	mu      sync.Mutex
	records map[store.Key]store.Stored
	saves   int
}

// New has nothing in it.
func New() *Place { return &Place{records: map[store.Key]store.Stored{}} }

// Open is one run's way to the place; by names the run.
func (p *Place) Open(by string) store.Store { return store.New(p, by) }

// Writes counts the changes so far.
func (p *Place) Writes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.saves
}

// Facts say Swap and Atomic. Who writes here is who rehearses.
func (p *Place) Facts() store.Facts { return store.Facts{Name: "memory", Swap: true, Atomic: true} }

// Read implements [store.Driver].
func (p *Place) Read(_ context.Context, keys []store.Key) ([]store.Stored, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := make([]store.Stored, len(keys))
	for i, k := range keys {
		found[i] = p.records[k]
		found[i].Key = k
	}
	return found, nil
}

// Swap implements [store.Driver].
func (p *Place) Swap(ctx context.Context, saves []store.Save) []store.Swapped {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil {
		return store.Failed(saves, store.Cancelled(ctx, "write"))
	}
	current, wanted := make([]store.Stored, len(saves)), make([]store.Entry, len(saves))
	for i, s := range saves {
		current[i], wanted[i] = p.records[s.Key], s.Entry
	}
	if err := store.Compare(current, wanted); err != nil {
		return store.Failed(saves, err)
	}
	out := make([]store.Swapped, len(saves))
	for i, s := range saves {
		out[i] = p.save(s)
	}
	return out
}

func (p *Place) save(s store.Save) store.Swapped {
	p.saves++
	if s.Removes() {
		delete(p.records, s.Key)
		return store.Swapped{}
	}
	kept, err := store.Decode(s.Key, s.Text)
	if err != nil {
		return store.Swapped{Err: err}
	}
	kept.Version = strconv.Itoa(p.saves)
	p.records[s.Key] = kept
	return store.Swapped{Version: kept.Version, Location: "memory:" + s.Key.String()}
}

// List implements [store.Driver].
func (p *Place) List(_ context.Context, pipeline, kind string) ([]store.Key, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var keys []store.Key
	for k := range p.records {
		if k.Pipeline == pipeline && k.Kind == kind {
			keys = append(keys, k)
		}
	}
	return keys, nil
}
