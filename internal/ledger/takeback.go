package ledger

import (
	"sluice/internal/store"
	"sluice/rollout"
)

// takeBack lets go of what a set took although all of it could not be saved, as
// it was before; the history says that it was taken. Only a store that cannot
// save all or none saves part of a set. What cannot be taken back stays this
// run's until [Ledger.Close], or until the lease ends.
func (g *group) takeBack() {
	if g.Facts().Atomic || len(g.gone) == 0 {
		return
	}
	stays := g.latest()
	var records, shared []*draft
	for _, s := range g.gone {
		for _, d := range s.drafts {
			if g.durable[d.key] != d || stays[d.key] != nil {
				continue
			}
			back, err := g.undone(d)
			switch {
			case err != nil || back == nil:
				continue
			case d.key.Kind == store.KindTarget:
				records = append(records, back)
			default:
				shared = append(shared, back)
			}
			g.mu.Lock()
			g.stale[d.key] = true
			g.mu.Unlock()
		}
	}
	_ = g.write([][]*draft{records, shared}) // Close tries again
}

// undone is an entry as it was before a set that failed took it; nil where the
// set took nothing there.
func (g *group) undone(d *draft) (*draft, error) {
	before := g.before[d.key]
	if before.version == "" {
		return &draft{key: d.key, remove: true}, nil // it was new
	}
	if d.key.Kind != store.KindTarget || d.lease != g.config.Run.ID || before.lease == d.lease {
		return nil, nil
	}
	saved, err := decodeRecord(d.key, d.data)
	if err != nil {
		return nil, err
	}
	r, err := decodeRecord(d.key, before.data)
	if err != nil {
		return nil, err
	}
	r.Lease, r.Blocks, r.Orders, r.Events = "", saved.Blocks, saved.Orders, saved.Events
	r.AddEvent(rollout.Event{
		Type: "promotion.withdrawn", Time: g.began.UTC(), Actor: g.config.Run.Actor,
		Message: "it could not be saved for every target, and nothing was done",
	})
	back := &draft{key: d.key, seen: d.seen, generation: d.generation}
	back.data, err = encode(d.key, r, g.config.Redact)
	return back, err
}
