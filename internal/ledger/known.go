package ledger

import (
	"slices"

	"sluice/internal/store"
	"sluice/rollout"
)

// What is known of entries, asked for and taken over under the book's lock, which
// these methods take themselves.

// learn takes over what is stored under a key now.
func (b *book) learn(e store.Entry) error {
	s := stored{version: e.Version, generation: e.Generation, data: e.Data}
	if e.Key.Kind == store.KindTarget && len(e.Data) > 0 {
		r, err := decodeRecord(e.Key, e.Data)
		if err != nil {
			return err
		}
		s.lease = r.Lease
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.know(e.Key, s)
	return nil
}

// at is what is known to be stored under a key.
func (b *book) at(k store.Key) stored {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known[k]
}

// ours reports whether what is stored under a key is what this ledger wrote,
// though nobody said so.
func (b *book) ours(e store.Entry) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.unsure[e.Key], func(tried store.Entry) bool { return matches(tried, e) })
}

// matches reports whether what is stored is what was to be saved.
func matches(tried, now store.Entry) bool {
	if tried.Data == nil {
		return now.Version == ""
	}
	return now.Version != "" && tried.Generation == now.Generation && same(tried.Data, now.Data)
}

// tried is what may be stored of an entry by this ledger's own doing.
func (b *book) tried(k store.Key, known stored) []stored {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []stored
	for _, e := range b.unsure[k] {
		if e.Data != nil {
			list = append(list, stored{version: known.version, generation: e.Generation, data: e.Data})
		}
	}
	return list
}

// doubt remembers what may have been saved.
func (b *book) doubt(entries []store.Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range entries {
		b.unsure[e.Key] = append(b.unsure[e.Key], e)
	}
}

// takeOver makes what was found what is known, unless another call of this
// process was first: then it is found again.
func (b *book) takeOver(t Theirs, known, now stored) bool {
	k := b.key(t.Key)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known[k].version != known.version {
		return false
	}
	b.know(k, now)
	b.theirs[k] = append(b.theirs[k], t)
	return true
}

// kept reports whether an entry is read no more, because this run is changing
// it: what is queued of it was made from what is known.
func (b *book) kept(k store.Key) (stored, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known[k], k.Kind == store.KindTarget && b.held[k.Target] || b.queue.has(k)
}

// loaded takes over what is stored under a key, as s has it, in place of what was
// known when it was asked for: the caller forgets what it had of it. Where this
// process has saved it since, what is known now stays, and ok is false.
func (b *book) loaded(e store.Entry, before stored, s *State) (known stored, ok bool) {
	now := stored{version: e.Version, generation: e.Generation, data: e.Data}
	if r := s.Records[e.Key.Target]; e.Key.Kind == store.KindTarget && r != nil {
		now.lease = r.Lease
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if known = b.known[e.Key]; known.version != before.version || b.queue.has(e.Key) {
		return known, false
	}
	b.know(e.Key, now)
	delete(b.theirs, e.Key)
	delete(b.stale, e.Key)
	if e.Key.Kind == store.KindTarget {
		delete(b.moved, e.Key.Target)
	}
	return now, true
}

// named are the targets that a stored index names; it is decoded once a version.
func (b *book) named(known stored) (map[string]bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.names != nil && b.namesOf == known.version {
		return b.names, nil
	}
	names := map[string]bool{}
	if known.version != "" {
		i, err := decodeIndex(b.key(index()), known.data)
		if err != nil {
			return nil, err
		}
		for _, t := range i.Targets {
			names[t] = true
		}
	}
	b.names, b.namesOf = names, known.version
	return names, nil
}

func (b *book) brokenRun(id string) Taken {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.broken[id]
}

// runOf is what is known of a run.
func (b *book) runOf(id string) rollout.Run {
	k := b.key(Run(id))
	if known := b.at(k); known.version != "" {
		if r, err := decodeRun(k, known.data); err == nil {
			return r
		}
	}
	return rollout.Run{ID: id}
}

func (b *book) lostError() *LostError {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lease.lost
}

// lose notes that the lease is lost, once.
func (b *book) lose(err *LostError) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lease.lost == nil {
		b.lease.lost = err
		b.lost <- err
	}
}
