package ledger

import (
	"context"
	"maps"
	"slices"

	"sluice/internal/store"
	"sluice/rollout"
)

// Load reads the records of targets, the promotions of their unfinished
// rollouts and the runs that hold them: one store call for the records and the
// index, one for the rest. What it returns takes the place of what was loaded
// before; what this run holds is as it was last saved. Errors:
// [*UnreadableError] where anything cannot be read, or is named by the index or
// by a record and is missing; the invocation's end.
func (l *Ledger) Load(ctx context.Context, targets ...string) (*State, error) {
	s := newState(l.config.Pipeline)
	var keys []store.Key
	if l.indexed() {
		keys = append(keys, l.key(index()))
	}
	for _, t := range targets {
		keys = append(keys, l.key(Target(t)))
	}
	if err := l.into(ctx, s, keys); err != nil {
		return nil, err
	}
	if err := l.listed(ctx, s); err != nil {
		return nil, err
	}
	for _, t := range targets {
		if s.Records[t] == nil && s.Index.Has(t) {
			return nil, missing(l.key(Target(t)), "the pipeline's index")
		}
	}
	return s, l.follow(ctx, s)
}

// indexed reports whether an index is kept. Where nothing can be swapped two runs
// would overwrite each other's, so that the store's own list is the index.
func (l *Ledger) indexed() bool { return l.Facts().Swap }

// listed fills the index of a state from the store's list, where none is kept.
func (l *Ledger) listed(ctx context.Context, s *State) error {
	if l.indexed() {
		return nil
	}
	keys, err := l.config.Store.List(ctx, l.config.Pipeline, store.KindTarget)
	for _, k := range keys {
		s.Index.Add(k.Target)
	}
	return err
}

// LoadMembers adds to s the members of its promotions that it lacks, with what
// belongs to them. Errors as for [Ledger.Load].
func (l *Ledger) LoadMembers(ctx context.Context, s *State) error {
	lacking := map[string]bool{}
	for _, p := range s.Promotions {
		for _, t := range p.Members {
			if s.Records[t] == nil {
				lacking[t] = true
			}
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	more, err := l.Load(ctx, slices.Sorted(maps.Keys(lacking))...)
	if err != nil {
		return err
	}
	s.add(more)
	return nil
}

// LoadPromotions adds promotions to s by id; one that was never saved is left
// out. Errors as for [Ledger.Load].
func (l *Ledger) LoadPromotions(ctx context.Context, s *State, ids ...string) error {
	var keys []store.Key
	for _, id := range ids {
		if s.Promotions[id] == nil {
			keys = append(keys, l.key(Promotion(id)))
		}
	}
	return l.into(ctx, s, keys)
}

// Histories reads what is over, by target; a target of which nothing is has
// none. Errors as for [Ledger.Load].
func (l *Ledger) Histories(ctx context.Context, targets ...string) (map[string]*rollout.History, error) {
	var keys []store.Key
	for _, t := range targets {
		keys = append(keys, l.key(history(t)))
	}
	entries, err := l.access.read(ctx, keys)
	if err != nil {
		return nil, err
	}
	out := map[string]*rollout.History{}
	for _, e := range entries {
		if e.Version == "" {
			continue
		}
		h, err := decodeHistory(e.Key, e.Data)
		if err != nil {
			return nil, err
		}
		out[e.Key.Target] = &h
	}
	return out, nil
}

// Fresh reads entries as they are stored now, for proofs: batch members,
// siblings, a halt. They are only to be looked at, never to be saved. One store
// call. Errors as for [Ledger.Load].
func (l *Ledger) Fresh(ctx context.Context, keys ...Key) (*State, error) {
	wanted := make([]store.Key, len(keys))
	for i, k := range keys {
		wanted[i] = l.key(k)
	}
	entries, err := l.access.read(ctx, wanted)
	if err != nil {
		return nil, err
	}
	s := newState(l.config.Pipeline)
	for _, e := range entries {
		if err := s.put(e); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// into loads keys, to be saved later, and puts what is stored into s.
func (l *Ledger) into(ctx context.Context, s *State, keys []store.Key) error {
	var asked []store.Key
	before := map[store.Key]stored{}
	for _, k := range keys {
		known, kept := l.kept(k)
		if !kept {
			asked, before[k] = append(asked, k), known
			continue
		}
		if err := s.put(known.entry(k)); err != nil {
			return err
		}
	}
	entries, err := l.access.read(ctx, asked)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := s.put(e); err != nil {
			if !l.config.Anew || !isUnreleased(err) {
				return err
			}
			delete(s.Records, e.Key.Target)
		}
		if known, ok := l.loaded(e, before[e.Key], s); !ok {
			if err := s.put(known.entry(e.Key)); err != nil {
				return err
			}
		}
	}
	return nil
}

// entry is what is known to be stored under a key.
func (s stored) entry(k store.Key) store.Entry {
	return store.Entry{Key: k, Version: s.version, Generation: s.generation, Data: s.data}
}

// follow loads the promotions and the runs that the records of s name.
func (l *Ledger) follow(ctx context.Context, s *State) error {
	var keys []store.Key
	named := map[store.Key]string{} // by which target
	want := func(k Key, target string) {
		key := l.key(k)
		if _, twice := named[key]; !twice {
			named[key] = target
			keys = append(keys, key)
		}
	}
	for _, target := range slices.Sorted(maps.Keys(s.Records)) {
		r := s.Records[target]
		for i := range r.Rollouts {
			if e := &r.Rollouts[i]; !e.Over() && e.Spec.Promotion != "" {
				want(Promotion(e.Spec.Promotion), target)
			}
		}
		if r.Lease != "" {
			want(Run(r.Lease), target)
		}
	}
	if err := l.into(ctx, s, keys); err != nil {
		return err
	}
	for _, k := range keys {
		if k.Kind == store.KindPromotion && s.Promotions[k.Target] == nil {
			return missing(l.key(of(k)), "the record of "+named[k])
		}
	}
	return nil
}
