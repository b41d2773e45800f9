package ledger

import (
	"sluice/internal/store"
	"sluice/rollout"
)

// takeBack lets go of what a set took although all of it could not be saved, as
// it was before; the history says that it was taken. Only a store that cannot
// save all or none saves part of a set. A promotion entry stays: other jobs may
// name it. What cannot be taken back stays this run's until [Ledger.Close], or
// until the lease ends.
func (g *group) takeBack() {
	if g.Facts().Atomic || len(g.gone) == 0 {
		return
	}
	stays := g.latest()
	back := g.newGroup(nil)
	for _, s := range g.gone {
		for _, d := range s.drafts {
			if g.durable[d.key] != d || stays[d.key] != nil || !g.took(d) {
				continue
			}
			undone, err := g.undone(d)
			if err != nil {
				continue // it could not be read: it is not written over
			}
			one := newSet()
			one.drafts = []*draft{undone}
			back.sets = append(back.sets, one)
			g.mu.Lock()
			g.stale[d.key] = true
			g.mu.Unlock()
		}
	}
	_ = back.commit() // Close tries again
}

// took reports whether a draft of a record made it this run's.
func (g *group) took(d *draft) bool {
	own := g.config.Run.ID
	return d.key.Kind == store.KindTarget && !d.remove && d.lease == own && g.before[d.key].lease != own
}

// undone is a record as it was before a set that failed took it: one that was new
// has no rollouts then.
func (g *group) undone(d *draft) (*draft, error) {
	saved, err := decodeRecord(d.key, d.data)
	if err != nil {
		return nil, err
	}
	was := saved
	was.Rollouts, was.Past, was.Release, was.Events = []rollout.Execution{}, nil, nil, []rollout.Event{}
	if before := g.before[d.key]; before.version != "" {
		if was, err = decodeRecord(d.key, before.data); err != nil {
			return nil, err
		}
	}
	known := g.at(d.key)
	back := &draft{key: d.key, seen: known.generation, generation: known.generation + 1}
	r := saved.Undone(was, rollout.Actor{Login: g.config.Run.Actor}, g.began)
	r.Generation = back.generation
	back.data, err = encode(d.key, r, g.config.Redact)
	return back, err
}
