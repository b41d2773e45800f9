package executor

import (
	"slices"
	"time"

	"sluice/internal/ledger"
	"sluice/rollout"
	"sluice/stages/driver"
)

// askOrders is how often it is looked whether somebody ordered anything while
// the invocation goes on; before an effect the save of its intent tells, or
// [askBefore].
const askOrders = 30 * time.Second

// orders is what others want of targets that this run holds.
type orders struct {
	at       time.Time
	asking   bool
	before   askBefore
	reaching int             // members that are being taken
	reached  map[string]bool // so that none is taken twice at once
}

// readOrders has orders read every so often.
func (o *orders) read(m *machine) {
	if m.ended != nil || m.rows.going == 0 {
		m.orders.at = time.Time{}
		return
	}
	if m.orders.at.IsZero() {
		m.orders.at = m.now.Add(askOrders)
	}
	if m.orders.asking || m.now.Before(m.orders.at) {
		return
	}
	m.orders.asking, m.orders.at = true, m.now.Add(askOrders)
	m.do(ordersTask{})
}

// askBefore reads orders before the intents of calls are saved, where the store does
// not tell of them then: it cannot swap, and an intent would be written over what
// others saved. One read serves all calls that were prepared when it began.
type askBefore struct {
	waiting []intending
	asking  []intending
}

// intending is a call that is prepared and not intended yet.
type intending struct {
	c *call
	p driver.Prepared
}

func (q *askBefore) add(m *machine, c *call, p driver.Prepared) {
	q.waiting = append(q.waiting, intending{c, p})
	q.next(m)
}

func (q *askBefore) next(m *machine) {
	if len(q.asking) > 0 || len(q.waiting) == 0 {
		return
	}
	q.asking, q.waiting = q.waiting, nil
	m.do(ordersTask{before: true})
}

// read goes on with the calls that waited for what was read.
func (q *askBefore) read(m *machine, in ordered) {
	asked := q.asking
	q.asking = nil
	if in.e == nil {
		m.orders.theirs(m, in.theirs)
	}
	for _, one := range asked {
		switch c := one.c; {
		case c.void:
		case in.e != nil:
			for _, r := range c.rows {
				r.fail(in.e)
			}
			c.free(m)
		case c.outdated(m):
			c.free(m)
		default:
			c.intend(m, one.p)
		}
	}
	q.next(m)
}

// ordered is the input that orders were read. What could not be read is read
// again: before an effect the save tells.
type ordered struct {
	theirs []ledger.Theirs
	before bool // for calls that wait for it
	e      error
}

func (in ordered) step(m *machine) {
	if in.before {
		m.orders.before.read(m, in)
		return
	}
	m.orders.asking = false
	if in.e != nil {
		m.say(Notice{Kind: NoticeWarning, Text: "orders of others could not be read: " + in.e.Error(), Err: in.e})
		return
	}
	m.orders.theirs(m, in.theirs)
}

// theirs takes over what others saved beside the lease. It counts before any
// further effect.
func (o *orders) theirs(m *machine, list []ledger.Theirs) {
	for _, t := range list {
		if r, ok := m.rows.byName[t.Key.Name]; ok && t.Key == ledger.Target(t.Key.Name) {
			had := len(r.record.Orders)
			r.takeOver(t)
			r.stale = true
			m.rows.touch(r)
			m.orders.say(m, r, had)
		}
		if g, ok := m.rows.groups[t.Key.Name]; ok && t.Key == ledger.Promotion(t.Key.Name) {
			t.IntoPromotion(g.Promotion)
			m.rows.learned(g)
			m.orders.haltedElsewhere(m, g)
		}
	}
}

// takeOver takes over into a row's record what others saved. Their events come before
// those that were handed over and not saved then, which are told once all the same.
func (r *row) takeOver(t ledger.Theirs) {
	before := len(r.record.Events)
	t.Into(r.record)
	if r.shown > r.durable {
		r.shown += int64(len(r.record.Events) - before)
	}
}

// sayOrders tells of orders that are new.
func (o *orders) say(m *machine, r *row, had int) {
	for _, o := range r.record.Orders[min(had, len(r.record.Orders)):] {
		m.say(Notice{Target: r.name, Kind: NoticeOrder, Order: &o})
	}
}

// learned has the rows of a promotion looked at again whose entry others changed.
func (all *rows) learned(g *group) {
	g.version++
	all.stir(g)
	for _, r := range g.rows {
		all.touch(r)
	}
}

// haltedElsewhere reads the record of a target in another job whose failure
// halts: whether it still does is decided by what that says. Until then it does.
func (o *orders) haltedElsewhere(m *machine, g *group) {
	h := g.Promotion.Halted
	if h == nil || g.unsure {
		return
	}
	if _, ours := m.rows.byName[h.By]; ours {
		return
	}
	g.unsure = true
	m.orders.reaching++
	m.do(elsewhereTask{g, h.By})
}

// elsewhere is the input that a target's record in another job was read.
type elsewhere struct {
	g      *group
	target string
	state  *ledger.State
	e      error
}

func (in elsewhere) step(m *machine) {
	m.orders.reaching--
	if in.e != nil {
		return // it stays halted
	}
	in.g.unsure = false
	if fresh, have := in.state.Records[in.target], m.rows.others[in.target]; fresh != nil && have != nil {
		*have = *fresh
		in.g.Changed(in.target)
	}
	m.rows.learned(in.g)
}

// yield lets a target go for whoever ordered to go back.
func (r *row) yield(m *machine) {
	w := r.due.Waiting
	if w.Order != nil && r.active() != nil {
		r.fail(&OrderedError{Target: r.name, Order: *w.Order})
	}
	r.rest(m, w)
}

// reach takes a member that this run does not hold, because its promotion wants
// something of it: to go back, most of all. One that another run holds is left to
// that run.
func (o *orders) reach(m *machine, g *group, a rollout.Addressed) {
	record := m.rows.others[a.Target]
	if r, ok := m.rows.byName[a.Target]; ok {
		if r.gone || r.err != nil {
			return
		}
		record = r.record
	}
	if record == nil || m.orders.reached[a.Target] {
		return
	}
	m.orders.reached[a.Target] = true
	m.orders.reaching++
	trial := record.Clone()
	m.do(takeTask{g, a, &trial})
}

// taken is the input that a member was taken, or could not be.
type taken struct {
	g      *group
	a      rollout.Addressed
	record *rollout.Record // a copy with our lease
	from   []ledger.Taken
	e      error
}

func (in taken) step(m *machine) {
	m.orders.reaching--
	if in.e != nil || m.ended != nil {
		m.say(Notice{Target: in.a.Target, Kind: NoticeLeft, Err: in.e})
		return
	}
	delete(m.orders.reached, in.a.Target)
	r, ok := m.rows.byName[in.a.Target]
	if !ok {
		r = m.rows.add(m.rows.others[in.a.Target])
		for _, g := range m.rows.groups {
			if slices.Contains(g.Promotion.Members, r.name) {
				m.rows.enter(g, r)
			}
		}
	}
	*r.record, r.held = *in.record, true
	r.takenFrom(in.from)
	m.apply(r, in.a.Transition)
}

// takenFrom notes that another run held the row, which the state still says: letting
// go is saved.
func (r *row) takenFrom(list []ledger.Taken) {
	if slices.ContainsFunc(list, func(t ledger.Taken) bool { return t.Target == r.name }) {
		r.leased = true
	}
}

// reread reads a promotion's entry as it is stored, between a durable intent and
// its effect: a target in another job may have failed. One read serves all calls
// that were durable when it began.
type reread struct {
	waiting []*call
	asking  []*call
}

// others reports whether a failure in another job concerns the call, and the
// store can tell.
func (c *call) others(m *machine) bool {
	return c.group.halts() && m.swap && len(c.group.rows) < len(c.group.Promotion.Members)
}

func (q *reread) add(m *machine, c *call) {
	q.waiting = append(q.waiting, c)
	q.next(m, c.group)
}

func (q *reread) next(m *machine, g *group) {
	if len(q.asking) > 0 || len(q.waiting) == 0 {
		return
	}
	q.asking, q.waiting = q.waiting, nil
	m.do(rereadTask{g, g.Promotion.ID})
}

// readAgain is the input that a promotion's entry was read.
type readAgain struct {
	g     *group
	state *ledger.State
	e     error
}

func (in readAgain) step(m *machine) {
	g := in.g
	calls := g.reread.asking
	g.reread.asking = nil
	if in.e == nil {
		if p := in.state.Promotions[g.Promotion.ID]; p != nil && p.Halted != nil && g.Promotion.Halted == nil {
			g.Promotion.Halted = p.Halted
			m.rows.learned(g)
			m.orders.haltedElsewhere(m, g)
		}
	}
	for _, c := range calls {
		switch {
		case c.void:
		case in.e != nil:
			for _, r := range c.rows {
				r.fail(in.e)
			}
			c.withdraw(m, "not sent: whether another job's failure halts it could not be read")
		default:
			m.sends = append(m.sends, c)
		}
	}
	g.reread.next(m, g)
}
