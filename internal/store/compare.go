package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"sync"
)

// Compare reports as a [*ConflictError] which of the wanted entries may not
// replace what is stored now: somebody saved since they were loaded, or their
// generation does not rise. current is in the order of wanted.
func Compare(current []Stored, wanted []Entry) error {
	lost := &ConflictError{}
	for i, w := range wanted {
		c := current[i]
		if c.Version == w.Version && w.Generation > c.Generation {
			continue
		}
		lost.Keys = append(lost.Keys, w.Key)
		if c.By != "" {
			lost.Who = append(lost.Who, c.By)
		}
	}
	if len(lost.Keys) == 0 {
		return nil
	}
	return lost
}

// Cancelled is the error of an operation that ctx ended, nil while it has not.
// It is neither a conflict nor unreadable: the caller asked for it.
func Cancelled(ctx context.Context, op string) error {
	if ctx.Err() == nil {
		return nil
	}
	return fmt.Errorf("%s state: %w", op, context.Cause(ctx))
}

// Places remembers where commits went, for [Store.Where]. The zero value is
// ready; it is safe for concurrent use.
type Places struct {
	mu    sync.Mutex
	count int
	saved map[Key]placed
}

// placed is where an entry was saved, and as the how manieth.
type placed struct {
	Saved
	at int
}

// Add records that k was saved at s, last.
func (p *Places) Add(k Key, s Saved) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.saved == nil {
		p.saved = map[Key]placed{}
	}
	p.count++
	p.saved[k] = placed{s, p.count}
}

// Drop forgets k, which was removed.
func (p *Places) Drop(k Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.saved, k)
}

// List is what [Store.Where] returns.
func (p *Places) List() []Saved {
	p.mu.Lock()
	defer p.mu.Unlock()
	ordered := slices.Collect(maps.Values(p.saved))
	sort.Slice(ordered, func(i, j int) bool { return ordered[i].at < ordered[j].at })
	list := make([]Saved, len(ordered))
	for i, s := range ordered {
		list[i] = s.Saved
	}
	return list
}
