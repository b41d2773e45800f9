package ledger

import (
	"fmt"
	"slices"
	"time"

	"sluice/internal/store"
)

// work has what is queued saved, unless somebody does already. It is called
// under the lock.
func (l *Ledger) work() {
	if l.queue.busy || len(l.queue.sets) == 0 {
		return
	}
	l.queue.busy = true
	go func() {
		for sets := l.next(); len(sets) > 0; sets = l.next() {
			began := l.config.Work.Now()
			l.save(sets)
			l.gather(len(sets), l.config.Work.Now().Sub(began))
		}
	}()
}

// gatherShare is which part of a commit's time the next one waits for more, and
// gatherMost the longest it does.
const (
	gatherShare = 8
	gatherMost  = 250 * time.Millisecond
)

// gather lets those of so many sets who were just told come back with what they
// save next, before the first of them has a commit of its own. Without it groups
// would take turns, and each target would cost up to twice the commits. Nobody
// waits where one save follows another, or after an interruption.
func (l *Ledger) gather(told int, took time.Duration) {
	l.mu.Lock()
	several := told+len(l.queue.sets) > 1 && !l.queue.closed
	l.mu.Unlock()
	if several {
		_ = l.config.Work.Sleep(l.ctx, min(took/gatherShare, gatherMost)) // its end is no news here
	}
}

// next takes all that is queued.
func (l *Ledger) next() []*set {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.queue.take()
}

// submit queues a set of the ledger's own.
func (l *Ledger) submit(s *set) <-chan Saved {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue.add(s)
	l.work()
	return s.done
}

// rounds is how often a group is committed again because others were faster:
// each round takes over what they saved, or ends a set.
const rounds = 20

// save saves sets together, and tells each what became of it.
func (l *Ledger) save(sets []*set) {
	g := newGroup(l, sets)
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
	back := newGroup(g.Ledger, nil)
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

// overtake takes theirs over into a draft; false where it cannot be.
func (t Theirs) overtake(d *draft) (ok bool, err error) {
	if d.remove {
		return false, nil
	}
	if d.key.Kind == store.KindPromotion {
		p, err := decodePromotion(d.key, d.data)
		if err != nil {
			return false, err
		}
		p.Generation = d.seen
		if !t.IntoPromotion(&p) {
			return false, nil
		}
		p.Generation = d.generation
		d.data, err = encode(d.key, p, nil)
		d.seen = t.generation()
		return true, err
	}
	r, err := decodeRecord(d.key, d.data)
	if err != nil {
		return false, err
	}
	r.Generation = d.seen
	t.Into(&r)
	r.Generation = d.generation
	d.data, err = encode(d.key, r, nil)
	d.seen = t.generation()
	return true, err
}
