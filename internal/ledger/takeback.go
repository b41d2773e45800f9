package ledger

import (
	"sluice/internal/store"
	"sluice/rollout"
)

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
