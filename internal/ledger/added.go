package ledger

import (
	"context"
	"maps"
	"slices"

	"sluice/internal/store"
	"sluice/rollout"
)

// What the ledger adds to a group: the run's own entry, the runs whose leases
// are broken, the targets' histories, the pipeline's index.

// load reads the entries of keys that are not known yet.
func (g *group) load(keys []store.Key) error {
	g.mu.Lock()
	keys = slices.DeleteFunc(keys, func(k store.Key) bool { _, ok := g.known[k]; return ok })
	g.mu.Unlock()
	if len(keys) == 0 {
		return nil
	}
	found, err := within(g.access, func(ctx context.Context) ([]store.Entry, error) { return g.access.read(ctx, keys) })
	if err != nil {
		return err
	}
	for _, e := range found {
		if err := g.learn(e); err != nil {
			return err
		}
	}
	return nil
}

// histories are those to which drafts of records move something.
func (g *group) histories(drafts []*draft) ([]*draft, error) {
	var moving []*draft
	var keys []store.Key
	for _, d := range drafts {
		if d.key.Kind == store.KindTarget && !d.remove && g.moves(d) {
			moving, keys = append(moving, d), append(keys, g.key(history(d.key.Target)))
		}
	}
	if err := g.load(slices.Clone(keys)); err != nil {
		return nil, err
	}
	var out []*draft
	for i, d := range moving {
		h, err := g.historyWith(keys[i], d)
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, nil
}

// moves reports whether a draft has something for the history that is not there.
func (g *group) moves(d *draft) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.moved[d.key.Target]
	return m != nil && d.upTo > m.gone
}

func (g *group) historyWith(k store.Key, d *draft) (*draft, error) {
	known := g.at(k)
	h := rollout.NewHistory(g.config.Pipeline, d.key.Target)
	if known.version != "" {
		var err error
		if h, err = decodeHistory(k, known.data); err != nil {
			return nil, err
		}
	}
	for _, m := range d.moved {
		h.Add(m, g.config.History)
	}
	h.Generation = known.generation + 1
	data, err := encode(k, h, g.config.Redact)
	return &draft{key: k, data: data, generation: h.Generation, upTo: d.upTo}, err
}

// indexWith is the index where it has to change.
func (g *group) indexWith(drafts []*draft) ([]*draft, error) {
	var targets, removed []string
	for _, d := range drafts {
		switch {
		case d.key.Kind != store.KindTarget:
		case d.remove:
			removed = append(removed, d.key.Target)
		default:
			targets = append(targets, d.key.Target)
		}
	}
	if len(targets)+len(removed) == 0 || !g.indexed() {
		return nil, nil
	}
	k := g.key(index())
	if err := g.load([]store.Key{k}); err != nil {
		return nil, err
	}
	known := g.at(k)
	named, err := g.named(known)
	if err != nil {
		return nil, err
	}
	targets = slices.DeleteFunc(targets, func(t string) bool { return named[t] })
	removed = slices.DeleteFunc(removed, func(t string) bool { return !named[t] })
	if len(targets)+len(removed) == 0 {
		return nil, nil
	}
	i := rollout.NewIndex(g.config.Pipeline)
	if known.version != "" {
		if i, err = decodeIndex(k, known.data); err != nil {
			return nil, err
		}
	}
	i.Add(targets...)
	for _, t := range removed {
		i.Remove(t)
	}
	i.Generation = known.generation + 1
	data, err := encode(k, i, g.config.Redact)
	return []*draft{{key: k, data: data, generation: i.Generation}}, err
}

// runs are this run's own entry where it has to change, and those of the runs
// whose leases drafts take over.
func (g *group) runs(drafts []*draft) ([]*draft, error) {
	out, err := g.ended(drafts)
	if err != nil {
		return nil, err
	}
	own, err := g.own(drafts)
	if own != nil {
		out = append(out, own)
	}
	return out, err
}

// ended are the entries of the runs whose leases are broken, marked as ended:
// that is what breaks them.
func (g *group) ended(drafts []*draft) ([]*draft, error) {
	broken := map[string]Taken{}
	g.mu.Lock()
	for _, d := range drafts {
		from := g.known[d.key].lease
		if t, ok := g.broken[from]; ok && !d.beside && d.lease != from {
			broken[from] = t
		}
	}
	g.mu.Unlock()
	var out []*draft
	for _, id := range slices.Sorted(maps.Keys(broken)) {
		k := g.key(Run(id))
		known := g.at(k)
		if known.version == "" {
			continue // it let go, or was swept away
		}
		run, err := decodeRun(k, known.data)
		if err != nil {
			return nil, err
		}
		if run.Ended {
			continue
		}
		if run.Ended = true; broken[id].Fate == Dead {
			run.Until = g.began.Add(-leaseReserve).UTC() // nothing of it can be under way any more
		}
		run.Generation = known.generation + 1
		data, err := encode(k, run, g.config.Redact)
		if err != nil {
			return nil, err
		}
		out = append(out, &draft{key: k, data: data, generation: run.Generation})
	}
	return out, nil
}

// own is this run's own entry: written before what it holds, renewed when a
// commit is made anyway and it is nearly time, and taken away when nothing is
// held any more.
func (g *group) own(drafts []*draft) (*draft, error) {
	k := g.key(Run(g.config.Run.ID))
	g.mu.Lock()
	defer g.mu.Unlock()
	holds := g.holds(drafts)
	known := g.known[k]
	switch {
	case g.lease.lost != nil:
		return nil, nil // another's, or nobody's: it is swept away
	case !holds && !g.lease.saved:
		return nil, nil
	case !holds:
		return &draft{key: k, remove: true, generation: known.generation + 1}, nil
	case g.lease.saved && g.durable[k] != nil, !g.renews() && !g.lease.due(g.began):
		return nil, nil
	}
	run := g.config.Run
	if g.lease.started.IsZero() {
		g.lease.started = g.began.UTC()
	}
	run.Started, run.Until, run.Generation = g.lease.started, g.began.Add(leaseTime).UTC(), known.generation+1
	data, err := encode(k, run, g.config.Redact)
	return &draft{key: k, data: data, generation: run.Generation}, err
}

func (g *group) renews() bool {
	return slices.ContainsFunc(g.sets, func(s *set) bool { return s.renew })
}

// holds reports whether this run holds anything once drafts are saved, or will
// by what is queued.
func (g *group) holds(drafts []*draft) bool {
	held := maps.Clone(g.held)
	for _, d := range drafts {
		if d.key.Kind != store.KindTarget {
			continue
		}
		if !d.remove && d.lease == g.config.Run.ID {
			held[d.key.Target] = true
		} else {
			delete(held, d.key.Target)
		}
	}
	return len(held) > 0 || slices.ContainsFunc(g.queue.sets, func(s *set) bool {
		return slices.ContainsFunc(s.drafts, func(d *draft) bool { return d.lease == g.config.Run.ID })
	})
}
