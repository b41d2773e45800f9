package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sluice/internal/store"
)

// group is what one commit saves together.
type group struct {
	*Ledger
	sets    []*set // still to be saved
	gone    []*set // those that another run was first at
	began   time.Time
	before  map[store.Key]stored // what was stored before
	durable map[store.Key]*draft // what of the group is stored now
	helpers map[store.Key]*draft // what the ledger itself adds, as it was last tried
	told    map[store.Key][]Theirs
}

func newGroup(l *Ledger, sets []*set) *group {
	return &group{
		Ledger: l, sets: sets,
		before: map[store.Key]stored{}, durable: map[store.Key]*draft{},
		helpers: map[store.Key]*draft{}, told: map[store.Key][]Theirs{},
	}
}

// latest are the newest drafts of what is left: each holds what the earlier ones
// of its entry hold.
func (g *group) latest() map[store.Key]*draft {
	latest := map[store.Key]*draft{}
	for _, s := range g.sets {
		for _, d := range s.drafts {
			latest[d.key] = d
		}
	}
	return latest
}

// drafts are the newest drafts in the order in which their entries came.
func (g *group) drafts() []*draft {
	latest, seen := g.latest(), map[store.Key]bool{}
	var list []*draft
	for _, s := range g.sets {
		for _, d := range s.drafts {
			if !seen[d.key] {
				seen[d.key] = true
				list = append(list, latest[d.key])
			}
		}
	}
	return list
}

// put commits drafts and takes over what is durable then.
func (g *group) put(drafts []*draft) error {
	entries, byKey := make([]store.Entry, len(drafts)), map[store.Key]*draft{}
	for i, d := range drafts {
		known := g.at(d.key)
		if _, ok := g.before[d.key]; !ok {
			g.before[d.key] = known
		}
		if err := d.at(known.generation + 1); err != nil {
			return err
		}
		entries[i], byKey[d.key] = d.entry(known.version), d
	}
	saved, err := g.send(entries)
	for _, e := range saved {
		if d := byKey[e.Key]; d != nil {
			g.keep(d, e)
		}
	}
	return err
}

// since is what others saved after a draft was made.
func (g *group) since(d *draft) []Theirs {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(g.theirs[d.key]), func(t Theirs) bool { return t.generation() <= d.seen })
}

// keep takes over that a draft is durable, as e. A store may have saved it with a
// higher generation, where it was removed before.
func (g *group) keep(d *draft, e store.Entry) {
	g.durable[d.key] = d
	g.mu.Lock()
	defer g.mu.Unlock()
	now := stored{version: e.Version, generation: max(e.Generation, d.generation), data: d.data, lease: d.lease}
	if d.key.Kind == store.KindTarget && now.generation/sweepEvery > g.known[d.key].generation/sweepEvery {
		g.sweeps = true
	}
	if d.remove {
		now.data = nil
	}
	g.know(d.key, now)
	switch {
	case d.key == g.key(Run(g.config.Run.ID)):
		g.lease.kept(g.began, !d.remove, g.queue.closed)
	case d.key.Kind == store.KindHistory:
		g.arrived(d.key.Target, d.upTo)
	}
}

// send is one call of the store's Commit. Where it fails for another reason than
// a lost race, what is stored is read back before anybody is told: the answer
// alone may have been lost.
func (g *group) send(entries []store.Entry) ([]store.Entry, error) {
	saved, err := within(g.access, func(ctx context.Context) ([]store.Entry, error) {
		return g.config.Store.Commit(ctx, entries...)
	})
	if err == nil && len(saved) != len(entries) {
		err = &store.UnreadableError{Op: "write", Err: fmt.Errorf("%d of %d entries were saved", len(saved), len(entries)), Remedy: "this is a mistake in sluice: report it"}
	}
	if err == nil || (store.IsConflict(err) && !store.IsUnreadable(err)) {
		return saved, err
	}
	return g.readBack(entries, saved, err)
}

// readBack finds out which entries were saved although Commit failed. What
// cannot be found out now is remembered: a later conflict may be with ourselves.
func (g *group) readBack(entries, saved []store.Entry, cause error) ([]store.Entry, error) {
	done := map[store.Key]bool{}
	for _, e := range saved {
		done[e.Key] = true
	}
	open := slices.DeleteFunc(slices.Clone(entries), func(e store.Entry) bool { return done[e.Key] })
	keys := make([]store.Key, len(open))
	for i, e := range open {
		keys[i] = e.Key
	}
	g.doubt(open)
	found, err := g.access.reread(keys)
	if err != nil {
		return saved, cause
	}
	for i, now := range found {
		if matches(open[i], now) {
			saved = append(saved, now)
		}
	}
	if len(saved) == len(entries) {
		return saved, nil
	}
	return saved, cause
}
