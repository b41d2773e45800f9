package ledger

import (
	"context"
	"errors"
	"slices"

	"sluice/internal/store"
	"sluice/rollout"
)

// resolve looks what a conflict is about. What others saved beside our lease, the
// index, a history and an earlier save of ours are taken over, to be committed
// again; the sets that another run was first at leave the group. The error is
// what ends all that is left.
func (g *group) resolve(err error) error {
	var conflict *store.ConflictError
	if !errors.As(err, &conflict) || store.IsUnreadable(err) || len(conflict.Keys) == 0 {
		return err
	}
	found, readErr := g.access.reread(g.suspects(conflict.Keys))
	if readErr != nil {
		return readErr
	}
	drafts := g.latest()
	var lost []store.Entry
	for _, e := range found {
		d := drafts[e.Key]
		if d == nil {
			d = g.helpers[e.Key]
		}
		isLost, err := g.judge(e, d)
		if err != nil {
			return err
		}
		if isLost {
			lost = append(lost, e)
		}
	}
	g.leave(lost, conflict)
	return nil
}

// suspects are the entries to look at: those that a conflict names, and this
// run's own, which tells whether its lease was broken.
func (g *group) suspects(named []store.Key) []store.Key {
	own := g.key(Run(g.config.Run.ID))
	keys := append(slices.DeleteFunc(slices.Clone(named), func(k store.Key) bool { return k == own }), own)
	return slices.Compact(keys)
}

// judge takes over what can be of an entry as it is stored now, and reports
// whether another run was first at it. d is what was to be saved of it.
func (g *group) judge(e store.Entry, d *draft) (lost bool, err error) {
	known := g.at(e.Key)
	switch {
	case d != nil && matches(d.entry(""), e):
		g.keep(d, e) // saved, though the store took it for a lost race
		return false, nil
	case e.Version == known.version:
		return false, nil // as it was, or found by another call of this process
	case e.Key == g.key(Run(g.config.Run.ID)):
		g.judgeOwn(e)
		return false, nil
	case e.Key.Kind == store.KindIndex, e.Key.Kind == store.KindHistory, g.ours(e):
		return false, g.learn(e)
	case e.Key.Kind == store.KindRun:
		return g.judgeBroken(e)
	case d == nil || d.remove:
		return true, nil
	}
	t, ok, err := g.find(e, known)
	if ok {
		g.told[e.Key] = append(g.told[e.Key], t)
	}
	return !ok, err
}

// judgeOwn looks at this run's own entry, which is not as it was saved.
func (g *group) judgeOwn(e store.Entry) {
	if !g.ours(e) {
		g.lose(&LostError{})
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.know(e.Key, stored{version: e.Version, generation: e.Generation, data: e.Data})
	g.lease.kept(g.began, e.Version != "", g.queue.closed)
}

// judgeBroken looks at the entry of a run whose lease was to be broken: another
// run may have done so, or it was alive and renewed it.
func (g *group) judgeBroken(e store.Entry) (lost bool, err error) {
	if err := g.learn(e); err != nil || e.Version == "" {
		return false, err
	}
	run, err := decodeRun(e.Key, e.Data)
	if err != nil || !run.Holds(g.config.Work.Now()) {
		return false, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.broken, run.ID)
	g.fates.forget(run.ID)
	return true, nil
}

// leave ends the sets that lost entries belong to.
func (g *group) leave(lost []store.Entry, cause *store.ConflictError) {
	if len(lost) == 0 {
		return
	}
	g.forget(lost)
	holders := g.whoHolds(lost)
	errs := map[*set][]error{}
	for _, e := range lost {
		for _, s := range g.sets {
			if targets := g.touches(s, e.Key); len(targets) > 0 {
				errs[s] = append(errs[s], lostTo(e, targets, holders[e.Key], cause))
			}
		}
	}
	g.sets = slices.DeleteFunc(g.sets, func(s *set) bool {
		if errs[s] == nil {
			return false
		}
		s.err = Join(errs[s]...)
		g.gone = append(g.gone, s)
		return true
	})
}

// forget lets go, in memory, of what another run has: it must be loaded again
// before it is saved.
func (g *group) forget(lost []store.Entry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, e := range lost {
		if g.stale[e.Key] = true; e.Key.Kind == store.KindTarget {
			delete(g.held, e.Key.Target)
		}
	}
}

// touches are the names of a set's entries that need an entry: itself, or the
// records that are held by a run.
func (g *group) touches(s *set, k store.Key) []string {
	var names []string
	for _, d := range s.drafts {
		if d.key == k || k.Kind == store.KindRun && g.at(d.key).lease == k.Target {
			names = append(names, d.key.Target)
		}
	}
	return names
}

func lostTo(e store.Entry, targets []string, holder *rollout.Run, cause *store.ConflictError) error {
	if holder != nil {
		return &HeldError{Targets: targets, Run: *holder}
	}
	return &store.ConflictError{Keys: []store.Key{e.Key}, Who: cause.Who}
}

// whoHolds are the runs that hold lost entries now, as far as the state tells.
func (g *group) whoHolds(lost []store.Entry) map[store.Key]*rollout.Run {
	holders := map[store.Key]*rollout.Run{}
	var keys []store.Key
	for _, e := range lost {
		run := g.holderIn(e)
		if run.ID == "" {
			continue
		}
		holders[e.Key] = &run
		if k := g.key(Run(run.ID)); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	found, err := within(g.access, func(ctx context.Context) ([]store.Entry, error) { return g.access.read(ctx, keys) })
	runs := map[string]*rollout.Run{}
	for _, e := range found {
		if r, decodeErr := decodeRun(e.Key, e.Data); err == nil && decodeErr == nil && e.Version != "" {
			runs[e.Key.Target] = &r
		}
	}
	for k, run := range holders {
		if known := runs[run.ID]; known != nil {
			holders[k] = known
		}
	}
	return holders
}

// holderIn is the run that holds a lost entry, by that entry alone: its own entry is
// gone where it let go meanwhile. What the run made says more of it than its id.
func (g *group) holderIn(e store.Entry) rollout.Run {
	if e.Key.Kind == store.KindRun {
		return rollout.Run{ID: e.Key.Target}
	}
	if e.Key.Kind != store.KindTarget || e.Version == "" {
		return rollout.Run{}
	}
	r, err := decodeRecord(e.Key, e.Data)
	if err != nil || r.Lease == g.config.Run.ID {
		return rollout.Run{}
	}
	run := rollout.Run{ID: r.Lease}
	if x, ok := r.Newest(); ok {
		run.Actor, run.RunURL = x.Spec.Creator, x.Spec.RunURL
	}
	return run
}

// leaveLost ends the sets that would take something although this run's lease
// is lost. Where the store cannot tell whether another run has a record now, all
// end once another run has taken any.
func (g *group) leaveLost() {
	lost := g.lostError()
	if lost == nil {
		return
	}
	blind := !g.Facts().Swap && lost.Err == nil
	g.sets = slices.DeleteFunc(g.sets, func(s *set) bool {
		takes := blind && len(s.drafts) > 0 || slices.ContainsFunc(s.drafts, func(d *draft) bool {
			return !d.beside && d.lease == g.config.Run.ID && g.at(d.key).lease != d.lease
		})
		if takes {
			s.err = lost
			g.gone = append(g.gone, s)
		}
		return takes
	})
}

// theirsOf is what others saved of a set's entries.
func (g *group) theirsOf(s *set) []Theirs {
	var out []Theirs
	seen := map[store.Key]bool{}
	for _, d := range s.drafts {
		if !seen[d.key] {
			seen[d.key] = true
			out = append(out, g.told[d.key]...)
		}
	}
	return out
}
