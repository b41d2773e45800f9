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

// rounds is how often a group is committed again because others were faster:
// each round takes over what they saved, or ends a set.
const rounds = 20

func (l *Ledger) newGroup(sets []*set) *group {
	return &group{
		Ledger: l, sets: sets,
		before: map[store.Key]stored{}, durable: map[store.Key]*draft{},
		helpers: map[store.Key]*draft{}, told: map[store.Key][]Theirs{},
	}
}

// save saves sets together, and tells each what became of it.
func (l *Ledger) save(sets []*set) {
	g := l.newGroup(sets)
	if err := g.commit(); err != nil {
		g.fail(err)
	}
	g.takeBack()
	l.mu.Lock()
	l.queue.underWay = nil // before anybody is told: they may load again at once
	l.mu.Unlock()
	for _, s := range append(g.sets, g.gone...) {
		s.done <- Saved{Err: s.err, Theirs: g.theirsOf(s)}
	}
}

// commit saves what is left of the group until all of it is durable. On a
// conflict the sets that lost leave it, and the rest is committed again.
func (g *group) commit() error {
	for range rounds {
		g.began = g.config.Work.Now()
		phases, err := g.phases()
		if err != nil {
			return err
		}
		if err = g.write(phases); err == nil {
			return nil
		}
		if err = g.resolve(err); err != nil {
			return err
		}
	}
	return &store.UnreadableError{Op: "write", Err: fmt.Errorf("others changed it %d times meanwhile", rounds), Remedy: "run again"}
}

// fail ends the sets that are not durable.
func (g *group) fail(err error) {
	latest := g.latest()
	g.sets = slices.DeleteFunc(g.sets, func(s *set) bool {
		whole := len(s.drafts) > 0
		for _, d := range s.drafts {
			whole = whole && g.durable[d.key] == latest[d.key]
		}
		if !whole {
			s.err = err
			g.gone = append(g.gone, s)
		}
		return !whole
	})
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

// phases are what is to be written, in the order in which it must become durable
// where the store cannot save all or none: whatever an entry names is there
// before it, and is taken away after it.
func (g *group) phases() ([][]*draft, error) {
	g.leaveLost()
	if err := g.catchUp(); err != nil {
		return nil, err
	}
	drafts := g.drafts()
	helpers, err := g.help(drafts)
	if err != nil {
		return nil, err
	}
	var first, second, third []*draft
	for _, d := range append(helpers, drafts...) {
		switch {
		case g.durable[d.key] == d:
		case d.remove || d.key.Kind == store.KindIndex:
			third = append(third, d)
		case d.key.Kind == store.KindTarget:
			second = append(second, d)
		default:
			first = append(first, d)
		}
	}
	if g.Facts().Atomic {
		return [][]*draft{slices.Concat(first, second, third)}, nil
	}
	return [][]*draft{first, second, third}, nil
}

// help is what the ledger itself has to save with drafts.
func (g *group) help(drafts []*draft) ([]*draft, error) {
	histories, err := g.histories(drafts)
	if err != nil {
		return nil, err
	}
	listed, err := g.indexWith(drafts)
	if err != nil {
		return nil, err
	}
	runs, err := g.runs(drafts)
	if err != nil {
		return nil, err
	}
	helpers := slices.Concat(runs, histories, listed)
	g.helpers = map[store.Key]*draft{}
	for _, d := range helpers {
		g.helpers[d.key] = d
	}
	return helpers, nil
}

// write writes phase by phase.
func (g *group) write(phases [][]*draft) error {
	for _, drafts := range phases {
		if len(drafts) == 0 {
			continue
		}
		if err := g.put(drafts); err != nil {
			return err
		}
	}
	return nil
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

func (d *draft) entry(version string) store.Entry {
	e := store.Entry{Key: d.key, Generation: d.generation, Version: version}
	if !d.remove {
		e.Data = d.data
	}
	return e
}

// catchUp takes over into the drafts what others saved since they were made; the
// sets of those that cannot leave the group.
func (g *group) catchUp() error {
	var lost []store.Entry
	for _, d := range g.drafts() {
		for _, t := range g.since(d) {
			ok, err := t.overtake(d)
			if err != nil {
				return err
			}
			if !ok {
				lost = append(lost, store.Entry{Key: d.key})
				break
			}
		}
	}
	g.leave(lost, &store.ConflictError{})
	return nil
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
		g.lease.kept(g.Ledger, g.began, !d.remove)
	case d.key.Kind == store.KindHistory:
		g.arrived(d.key.Target, d.upTo)
	}
}

// send is one call of the store's Commit. Where it fails for another reason than
// a lost race, what is stored is read back before anybody is told: the answer
// alone may have been lost.
func (g *group) send(entries []store.Entry) ([]store.Entry, error) {
	saved, err := within(g.Ledger, func(ctx context.Context) ([]store.Entry, error) {
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

// The pauses before what is stored is read back after a lost answer.
func readBackPauses() []time.Duration { return []time.Duration{0, time.Second, 3 * time.Second} }

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
	found, err := g.reread(keys)
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

// doubt remembers what may have been saved.
func (l *Ledger) doubt(entries []store.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range entries {
		l.unsure[e.Key] = append(l.unsure[e.Key], e)
	}
}

// reread reads entries within the grace for saving, a few times.
func (l *Ledger) reread(keys []store.Key) (found []store.Entry, err error) {
	for _, pause := range readBackPauses() {
		found, err = within(l, func(ctx context.Context) ([]store.Entry, error) {
			if err := l.config.Work.Sleep(ctx, pause); err != nil {
				return nil, err
			}
			return l.read(ctx, keys)
		})
		if err == nil {
			return found, nil
		}
	}
	return nil, err
}
