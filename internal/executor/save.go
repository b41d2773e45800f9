package executor

import (
	"errors"
	"slices"
	"time"

	"sluice/internal/ledger"
	"sluice/rollout"
)

// saves are what differs from what was handed over to be saved. What something
// waits for goes at once, and everything else with it; a result alone rides with
// the next save, at the latest a second later.
type saves struct {
	rows    []*row
	groups  []*group
	waits   []*wanted
	under   map[*set]bool // under way
	flushAt time.Time
}

// lazily is how long a result may ride.
const lazily = time.Second

// set is what is saved together, or not at all.
type set struct {
	payload []ledger.Row
	rows    []*row
	groups  []*group
	waits   []*wanted
	events  map[*row][]rollout.Event
	deeds   map[*row][]rollout.Deed
	over    []rollout.Deed // promotions that have ended
	moved   map[*row]rollout.Moved
}

// wanted is something that goes on once all it stands on is durable.
type wanted struct {
	rows  []*row
	group *group // whose entry it stands on too; nil where it has none
	whole bool   // the rows and the group's entry are one set
	left  int    // sets that are still under way
	err   error
	then  func(m *machine, err error)
}

// dirty notes that a row differs from what was handed over.
func (s *saves) dirty(m *machine, r *row) {
	if r.dirty || r.gone {
		return
	}
	r.dirty = true
	s.rows = append(s.rows, r)
	s.flushBy(m.now.Add(lazily))
}

// dirtyGroup is dirty for a promotion's entry.
func (s *saves) dirtyGroup(m *machine, g *group) {
	if g.dirty || g.gone {
		return
	}
	g.dirty = true
	s.groups = append(s.groups, g)
	s.flushBy(m.now.Add(lazily))
}

func (s *saves) flushBy(at time.Time) { s.flushAt = sooner(s.flushAt, at) }

// want has then called once rows, and their promotion's entry as it is now, are
// durable, or cannot be.
func (s *saves) want(w *wanted) { s.waits = append(s.waits, w) }

// over reports whether everything is saved.
func (s *saves) over() bool {
	return len(s.rows) == 0 && len(s.groups) == 0 && len(s.waits) == 0 && len(s.under) == 0
}

// collect makes sets of what is to be saved now.
func (s *saves) collect(m *machine) []*set {
	if !s.goes(m) {
		return nil
	}
	b := builder{machine: m, rows: map[*row]*set{}, groups: map[*group]*set{}}
	for _, w := range s.waits {
		if w.whole {
			b.together(w)
		}
	}
	for _, g := range s.groups {
		b.group(g)
	}
	for _, r := range s.rows {
		b.row(r)
	}
	for _, w := range s.waits {
		b.attach(w)
	}
	waits := s.waits
	s.rows = slices.DeleteFunc(s.rows, func(r *row) bool { return r.adopting == "" || !r.dirty })
	s.groups, s.waits, s.flushAt = nil, nil, time.Time{}
	for _, w := range waits {
		if w.left == 0 {
			w.then(m, w.err) // nothing of it was left to be saved
		}
	}
	return b.sets
}

// goes reports whether what differs is to be saved now: something waits for it,
// nothing is under way that would bring more, or it has waited long enough.
func (s *saves) goes(m *machine) bool {
	quiet := m.places.requests == 0 && m.places.checks == 0 && len(m.orders.before.asking) == 0
	return len(s.waits) > 0 || quiet || m.ended != nil || !s.flushAt.IsZero() && !m.now.Before(s.flushAt)
}

// builder makes sets.
type builder struct {
	machine *machine
	sets    []*set
	rows    map[*row]*set
	groups  map[*group]*set
}

func (b *builder) set() *set {
	x := &set{events: map[*row][]rollout.Event{}, deeds: map[*row][]rollout.Deed{}, moved: map[*row]rollout.Moved{}}
	b.sets = append(b.sets, x)
	b.machine.saves.under[x] = true
	return x
}

// together makes one set of all that something stands on.
func (b *builder) together(w *wanted) {
	x := b.set()
	if w.group != nil && !w.group.gone {
		b.putGroup(x, w.group)
	}
	for _, r := range w.rows {
		b.put(x, r)
	}
}

func (b *builder) group(g *group) {
	if b.groups[g] == nil && g.dirty && !g.gone {
		b.putGroup(b.set(), g)
	}
}

func (b *builder) row(r *row) {
	if b.rows[r] == nil && r.dirty && !r.gone && r.adopting == "" {
		b.put(b.set(), r)
	}
}

func (b *builder) putGroup(x *set, g *group) {
	g.dirty, g.saving, b.groups[g] = false, x, x
	x.groups = append(x.groups, g)
	if end := g.Promotion.EndTime; b.machine.deeds && !end.IsZero() && !end.Equal(g.told) {
		g.told, x.over = end, append(x.over, g.Deed())
	}
	x.payload = append(x.payload, ledger.Row{Promotion: g.Promotion})
}

// put adds a row to a set: sealed, with what that moves to its history, until it
// is known to be there.
func (b *builder) put(x *set, r *row) {
	m := b.machine
	x.events[r] = newEvents(r)
	if m.deeds {
		x.deeds[r] = deedsOf(r.record, x.events[r])
	}
	moved := rollout.Seal(r.record, groupFor(m.rows.groupOf(r)), m.setting, r.durable, m.now)
	r.moved.Rollouts = append(r.moved.Rollouts, moved.Rollouts...)
	r.moved.Events = append(r.moved.Events, moved.Events...)
	x.moved[r] = r.moved
	r.dirty, r.leased = false, true
	r.saving++
	b.rows[r] = x
	x.rows = append(x.rows, r)
	x.payload = append(x.payload, ledger.Row{Record: r.record, Moved: r.moved})
}

// newEvents are the lines of a row's history that were not handed over yet.
func newEvents(r *row) []rollout.Event {
	i := slices.IndexFunc(r.record.Events, func(e rollout.Event) bool { return e.ID > r.shown })
	if i < 0 {
		return nil
	}
	return slices.Clone(r.record.Events[i:])
}

// handedOver notes up to where the histories of sets were handed over: the ledger may
// have taken over what others saved, whose events come before ours.
func handedOver(sets []*set) {
	for _, x := range sets {
		for _, r := range x.rows {
			if n := len(r.record.Events); n > 0 {
				r.shown = r.record.Events[n-1].ID
			}
		}
	}
}

// deedsOf is what events, which are new in a record, ended.
func deedsOf(record *rollout.Record, events []rollout.Event) []rollout.Deed {
	var deeds []rollout.Deed
	for _, e := range events {
		if d, ok := record.Deed(e); ok {
			deeds = append(deeds, d)
		}
	}
	return deeds
}

// attach has something wait for the sets that it stands on, those that are under
// way included.
func (b *builder) attach(w *wanted) {
	var on []*set
	add := func(x *set) {
		if x != nil && b.machine.saves.under[x] && !slices.Contains(on, x) {
			on = append(on, x)
		}
	}
	for _, r := range w.rows {
		add(b.rows[r])
		if r.gone {
			w.err = ledger.Join(w.err, r.err)
		}
	}
	if w.group != nil {
		add(w.group.saving)
		if w.group.gone {
			w.err = ledger.Join(w.err, errGone)
		}
	}
	w.left = len(on)
	for _, x := range on {
		x.waits = append(x.waits, w)
	}
}

var errGone = errors.New("another run changed the promotion's entry")

// saved is the input that a set is durable, or cannot be.
type saved struct {
	set *set
	ledger.Saved
}

func (in saved) step(m *machine) {
	x := in.set
	if !m.saves.under[x] {
		return
	}
	delete(m.saves.under, x)
	m.orders.theirs(m, in.Theirs)
	for _, r := range x.rows {
		r.saving--
		if in.Err == nil {
			m.saves.durable(m, x, r)
		} else {
			m.saves.notSaved(m, r, in.Err)
		}
	}
	for _, g := range x.groups {
		if g.saving == x {
			g.saving = nil
		}
		if in.Err != nil {
			m.saves.groupNotSaved(m, g, x, in.Err)
		}
	}
	if in.Err == nil {
		for _, d := range x.over {
			m.say(Notice{Kind: NoticeDeed, Deed: &d})
		}
	}
	for _, w := range x.waits {
		w.err = ledger.Join(w.err, in.Err)
		if w.left--; w.left == 0 {
			w.then(m, w.err)
		}
	}
}

// durable notes what a row no longer needs to hand over.
func (s *saves) durable(m *machine, x *set, r *row) {
	done := x.moved[r]
	r.moved.Rollouts = slices.DeleteFunc(slices.Clone(r.moved.Rollouts), func(e rollout.Execution) bool {
		return slices.ContainsFunc(done.Rollouts, func(d rollout.Execution) bool { return d.Rollout.Name == e.Rollout.Name })
	})
	r.moved.Events = slices.DeleteFunc(slices.Clone(r.moved.Events), func(e rollout.Event) bool {
		return slices.ContainsFunc(done.Events, func(d rollout.Event) bool { return d.ID == e.ID })
	})
	for _, e := range x.events[r] {
		r.durable = max(r.durable, e.ID)
		m.say(Notice{Target: r.name, Kind: NoticeEvent, Event: &e})
	}
	for _, d := range x.deeds[r] {
		m.say(Notice{Target: r.name, Kind: NoticeDeed, Deed: &d})
	}
	m.announce(r)
}

// notSaved stops a row that could not be saved. One that another run changed is
// left to it; any other is tried once more when it is left. A row that was only
// in a set with one that somebody changed goes on.
func (s *saves) notSaved(m *machine, r *row, err error) {
	m.rows.touch(r)
	if !about(err, r.name) {
		m.saves.dirty(m, r)
		return
	}
	r.fail(err)
	if IsConflict(err) {
		r.gone, r.held, r.dirty = true, false, false
		return
	}
	if r.unsaved++; r.unsaved <= 1 {
		m.saves.dirty(m, r)
	}
}

// groupNotSaved stops the rows of a promotion whose entry could not be saved.
func (s *saves) groupNotSaved(m *machine, g *group, x *set, err error) {
	if len(x.rows) > 0 && !aboutPromotion(err, g.Promotion.ID) {
		m.saves.dirtyGroup(m, g)
		return
	}
	if IsConflict(err) {
		g.gone = true
	} else if g.unsaved++; g.unsaved <= 1 {
		m.saves.dirtyGroup(m, g)
	}
	for _, r := range g.rows {
		if !r.over() {
			r.fail(err)
		}
		m.rows.touch(r)
	}
}

// over reports whether nothing is left to do on a row.
func (r *row) over() bool { return r.active() == nil }

// about reports whether a failed save was about a target: an error that names
// some is about those alone.
func about(err error, target string) bool {
	return names(err, ledger.Target(target))
}

func aboutPromotion(err error, id string) bool { return names(err, ledger.Promotion(id)) }

func names(err error, k ledger.Key) bool {
	var held *ledger.HeldError
	if errors.As(err, &held) && len(held.Targets) > 0 {
		return k == ledger.Target(k.Name) && slices.Contains(held.Targets, k.Name)
	}
	var conflict *ledger.ConflictError
	if !errors.As(err, &conflict) || len(conflict.Keys) == 0 {
		return true
	}
	for _, have := range conflict.Keys {
		if have.Kind == k.Kind && have.Target == k.Name {
			return true
		}
	}
	return false
}
