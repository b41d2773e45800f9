package ledger

import (
	"context"
	"maps"
	"slices"
	"sort"
	"time"

	"sluice/internal/store"
	"sluice/rollout"
)

const (
	// sweptAfter is how long after a lease has ended its run's entry may be needed: by
	// whoever asks from when on an effect may be taken for absent.
	sweptAfter = time.Hour
	// namedWithin is how old a promotion's entry is at least that is taken away: so
	// long its step may be run again, and its targets may still be saved.
	namedWithin = 48 * time.Hour
	// sweepEvery is how many saves of one record there are between two looks for
	// entries that nobody needs: looking costs as much as a load.
	sweepEvery = 64
)

// sweeper finds what nobody needs any more.
type sweeper struct{ *Ledger }

// unneeded are the entries that nobody needs any more: of runs that ended long ago
// without giving their leases back, of promotions, and of what is over on targets
// that are gone. Only a run that broke a lease looks for runs, for where nothing dies
// there are none, and only one that saved a record for the sweepEvery-th time for the
// rest. What cannot be read now, the next one that looks finds.
func (l sweeper) unneeded() []store.Key {
	l.mu.Lock()
	over := l.queue.closed || l.ctx.Err() != nil
	runs, all := len(l.broken) > 0 && !over, l.sweeps && !over
	l.mu.Unlock()
	var keys []store.Key
	if runs || all {
		keys = append(keys, l.overdue()...)
	}
	if all {
		keys = append(append(keys, l.unnamed()...), l.historyOfNobody()...)
	}
	return keys
}

// entries are those of a kind.
func (l sweeper) entries(kind string) ([]store.Entry, error) {
	return within(l.access, func(ctx context.Context) ([]store.Entry, error) {
		keys, err := l.config.Store.List(ctx, l.config.Pipeline, kind)
		if err != nil {
			return nil, err
		}
		return l.access.read(ctx, keys)
	})
}

// overdue are the entries of runs whose leases ended long ago. A target that names
// one of them is free without it.
func (l sweeper) overdue() []store.Key {
	found, err := l.entries(store.KindRun)
	if err != nil {
		return nil
	}
	var keys []store.Key
	for _, e := range found {
		run, err := decodeRun(e.Key, e.Data)
		if e.Version == "" || err != nil || run.ID == l.config.Run.ID || l.config.Work.Now().Before(run.Until.Add(sweptAfter)) || l.learn(e) != nil {
			continue
		}
		keys = append(keys, e.Key)
	}
	return keys
}

// unnamed are the entries of promotions that no record of their members names, but
// for the newest: as many as a target's history keeps rollouts.
func (l sweeper) unnamed() []store.Key {
	if l.config.History == 0 {
		return nil
	}
	found, err := l.entries(store.KindPromotion)
	if err != nil || len(found) <= l.config.History {
		return nil
	}
	stored, old := map[string]store.Entry{}, []rollout.Promotion{}
	for _, e := range found {
		p, err := decodePromotion(e.Key, e.Data)
		if e.Version == "" || err != nil {
			continue
		}
		stored[p.ID], old = e, append(old, p)
	}
	sort.Slice(old, func(i, j int) bool { return old[i].CreateTime.After(old[j].CreateTime) })
	old = slices.DeleteFunc(old[min(l.config.History, len(old)):], func(p rollout.Promotion) bool {
		return l.config.Work.Now().Before(p.CreateTime.Add(namedWithin))
	})
	named, err := l.namedBy(old)
	if err != nil {
		return nil
	}
	var keys []store.Key
	for _, p := range old {
		if !named[p.ID] && l.learn(stored[p.ID]) == nil {
			keys = append(keys, stored[p.ID].Key)
		}
	}
	return keys
}

// namedBy are the promotions that records of the members of some name.
func (l sweeper) namedBy(promotions []rollout.Promotion) (map[string]bool, error) {
	members := map[store.Key]bool{}
	for _, p := range promotions {
		for _, t := range p.Members {
			members[l.key(Target(t))] = true
		}
	}
	found, err := within(l.access, func(ctx context.Context) ([]store.Entry, error) {
		return l.access.read(ctx, slices.Collect(maps.Keys(members)))
	})
	named := map[string]bool{}
	for _, e := range found {
		if e.Version == "" {
			continue
		}
		r, err := decodeRecord(e.Key, e.Data)
		if err != nil {
			return nil, err
		}
		for i := range r.Rollouts {
			named[r.Rollouts[i].Spec.Promotion] = true
		}
	}
	return named, err
}

// historyOfNobody are the entries of what is over on targets that the index does not
// name any more: they were renamed, and their history went with them.
func (l sweeper) historyOfNobody() []store.Key {
	if !l.indexed() {
		return nil
	}
	found, err := l.entries(store.KindHistory)
	if err != nil {
		return nil
	}
	listed, err := within(l.access, func(ctx context.Context) ([]store.Entry, error) {
		return l.access.read(ctx, []store.Key{l.key(index())})
	})
	if err != nil || listed[0].Version == "" {
		return nil
	}
	names, err := decodeIndex(listed[0].Key, listed[0].Data)
	if err != nil {
		return nil
	}
	var keys []store.Key
	for _, e := range found {
		if e.Version != "" && !names.Has(e.Key.Target) && l.learn(e) == nil {
			keys = append(keys, e.Key)
		}
	}
	return keys
}
