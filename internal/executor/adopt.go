package executor

import (
	"context"
	"maps"
	"slices"

	"sluice/internal/ledger"
	"sluice/rollout"
)

// A rollout may be of a promotion that this invocation does not know: it was over
// when the state was loaded and is retried, or an order made it. Whoever ordered
// has saved the promotion's entry, or nobody has and it is made here. Until it is
// known the row is neither worked on nor saved, for a record must not name what is
// not there.

// adopt has the promotion of a row's rollout read that is not known here.
func (all *rows) adopt(m *machine, r *row) {
	if r.adopting != "" || r.err != nil {
		return
	}
	for i := range r.record.Rollouts {
		e := &r.record.Rollouts[i]
		g := m.rows.groups[e.Spec.Promotion]
		switch {
		case e.Over() || g != nil && slices.Contains(r.groups, g):
		case g != nil:
			m.rows.admit(m, g, r)
		default:
			r.adopting = e.Spec.Promotion
			m.orders.reaching++
			m.do(adoptTask{r, r.adopting, m.rows.names()})
			return
		}
	}
}

// admit makes a row one of a promotion's.
func (all *rows) admit(m *machine, g *group, r *row) {
	if !slices.Contains(g.Promotion.Members, r.name) {
		g.Promotion.Members = append(g.Promotion.Members, r.name)
		m.saves.dirtyGroup(m, g)
		m.rows.regroup(g)
	}
	m.rows.enter(g, r)
	g.Changed(r.name)
	m.rows.stir(g)
}

// regroup counts a promotion's members anew; checks that run here go on running.
func (all *rows) regroup(g *group) {
	checks := g.Promotion.Checks
	g.Group = rollout.NewGroup(g.Promotion, all.members(g.Promotion))
	g.Promotion.Checks = checks
	for _, name := range g.Promotion.Members {
		other := all.byName[name]
		g.Goes(name, other != nil && other.state != resting)
	}
}

// names are all targets whose records are here.
func (all *rows) names() []string {
	return slices.AppendSeq(slices.Collect(maps.Keys(all.byName)), maps.Keys(all.others))
}

type adoptTask struct {
	r    *row
	id   string
	here []string
}

func (t adoptTask) do(ctx context.Context, s *shell) input {
	state := &ledger.State{
		Promotions: map[string]*rollout.Promotion{}, Records: map[string]*rollout.Record{}, Runs: map[string]*rollout.Run{},
	}
	for _, name := range t.here {
		state.Records[name] = &rollout.Record{Target: name} // it is here: it is not loaded again
	}
	err := s.Ledger.LoadPromotions(ctx, state, t.id)
	if err == nil {
		err = s.Ledger.LoadMembers(ctx, state)
	}
	for _, name := range t.here {
		delete(state.Records, name)
	}
	return adopted{t.r, t.id, state, err}
}

// adopted is the input that a promotion's entry was read, with the members that
// are not here.
type adopted struct {
	r     *row
	id    string
	state *ledger.State
	e     error
}

func (in adopted) step(m *machine) {
	m.orders.reaching--
	r := in.r
	r.adopting = ""
	m.rows.touch(r)
	m.saves.flushBy(m.now)
	if in.e != nil || m.ended != nil {
		r.fail(in.e)
		r.gone, r.dirty = true, false // the order stands in the state, and is carried out later
		return
	}
	for name, record := range in.state.Records {
		if m.rows.byName[name] == nil && m.rows.others[name] == nil {
			m.rows.others[name] = record
		}
	}
	g := m.rows.groups[in.id]
	if g == nil {
		p := in.state.Promotions[in.id]
		g = &group{}
		if p == nil {
			p = madeFor(r, in.id)
			m.saves.dirtyGroup(m, g)
		}
		g.Group, g.told = rollout.NewGroup(p, m.rows.members(p)), p.EndTime
		m.rows.groups[in.id] = g
		m.rows.regroup(g)
	}
	m.rows.admit(m, g, r)
}

// madeFor is the entry of a promotion that an order made of one rollout.
func madeFor(r *row, id string) *rollout.Promotion {
	p := &rollout.Promotion{Schema: rollout.Schema, Pipeline: r.record.Pipeline, ID: id, Stage: r.record.Stage}
	for _, e := range r.record.Rollouts {
		if e.Spec.Promotion == id {
			p.Command, p.Actor, p.Person, p.RunURL, p.Reason = e.Spec.Command, e.Spec.Creator, e.Spec.Person, e.Spec.RunURL, e.Spec.Reason
			p.CreateTime = e.Rollout.CreateTime
		}
	}
	return p
}
