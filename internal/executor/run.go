package executor

import (
	"context"
	"errors"
	"slices"

	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/rollout"
)

// Run carries plan out on the records of state, which must hold the targets of
// its moves where they were ever saved, their promotions, and the other members
// of those. fresh makes the record of a target that was never saved.
//
// It ends when every target is over, waits for longer than the invocation may
// wait, or can go no further; what it held is let go and saved by then. The
// result holds what came of every target also where its error is not nil. The
// end of ctx interrupts it: nothing begins any more, requests under way are
// answered and what happened is saved within the graces of Work.
//
// A promotion that another run holds any target of is not made: the error is a
// [ledger.HeldError] for each run, and nothing was changed. A command leaves such
// targets out.
func Run(ctx context.Context, c Config, state *ledger.State, fresh func(target string) rollout.Record, plan planner.Plan) Result {
	m := newMachine(c, state)
	s := &shell{Config: c, machine: m, inbox: make(chan input), over: make(chan struct{})}
	rows := open(m, state, fresh, plan)
	from, err := s.take(ctx, rows, plan.Promotion.ID != "")
	if err != nil {
		return results(m, plan, err)
	}
	if plan.LeavesHeld {
		leave(rows)
	}
	begin(m, state, plan, from)
	s.loop(ctx)
	return results(m, plan, nil)
}

func newMachine(c Config, state *ledger.State) *machine {
	return &machine{
		settings: settings{
			pipeline: c.Pipeline, run: c.Run, platform: c.Platform, setting: c.Setting, approval: c.Approval, limits: c.Work.Limits, swap: c.Ledger.Facts().Swap, deeds: c.Deeds,
		},
		now:    c.Work.Now(),
		rows:   newRows(state),
		queue:  queue{joins: map[joinKey]*lane{}, early: map[joinKey]*early{}},
		places: places{most: c.Work.Places},
		saves:  saves{under: map[*set]bool{}},
		paces:  paces{byKey: map[paceKey]*pace{}, cause: map[string]error{}},
		orders: orders{reached: map[string]bool{}},
	}
}

// Works is how many targets there is something to do for in a plan.
func Works(plan planner.Plan) int {
	n := 0
	for _, move := range plan.Moves {
		if works(move) {
			n++
		}
	}
	return n
}

// works reports whether there is something to do for a move.
func works(move planner.Move) bool {
	return !move.Unchanged && move.Pending == nil && len(move.Refused) == 0
}

// open makes rows of the moves that there is something to do for.
func open(m *machine, state *ledger.State, fresh func(string) rollout.Record, plan planner.Plan) []*row {
	for _, move := range plan.Moves {
		if !works(move) {
			continue
		}
		record := state.Records[move.Target]
		if record == nil {
			made := fresh(move.Target)
			record = &made
		}
		r := m.rows.add(record)
		r.first, r.readAt = move.First, move.ReadAt
	}
	return m.rows.list
}

// take takes the leases of rows: all or none for a new promotion, else those that
// nobody else holds.
func (s *shell) take(ctx context.Context, rows []*row, all bool) ([]ledger.Taken, error) {
	from, err := s.Ledger.Take(ctx, records(rows)...)
	if err == nil {
		for _, r := range rows {
			r.held = true
		}
		return from, nil
	}
	held := heldBy(err)
	if all || len(held) == 0 {
		return nil, err
	}
	var free []*row
	for _, r := range rows {
		if r.err = held[r.name]; r.err == nil {
			free = append(free, r)
		}
	}
	if len(free) == len(rows) {
		return nil, err
	}
	return s.take(ctx, free, false)
}

// leave leaves the rows that other runs hold to them.
func leave(rows []*row) {
	for _, r := range rows {
		if r.err != nil {
			r.err = &leftError{r.err}
		}
	}
}

// leftError ends the work on a row that another run holds, where that is no
// conflict: the run goes on with it.
type leftError struct{ held error }

func (e *leftError) Error() string { return e.held.Error() }

func records(rows []*row) []*rollout.Record {
	list := make([]*rollout.Record, len(rows))
	for i, r := range rows {
		list[i] = r.record
	}
	return list
}

// heldBy sorts the runs that hold targets by target.
func heldBy(err error) map[string]error {
	found := map[string]error{}
	for _, one := range split(err) {
		var held *ledger.HeldError
		if !errors.As(one, &held) {
			continue
		}
		for _, target := range held.Targets {
			found[target] = one
		}
	}
	return found
}

// split takes joined errors apart.
func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range joined.Unwrap() {
			all = append(all, split(one)...)
		}
		return all
	}
	return []error{err}
}

// begin makes the plan's transitions; they are saved with the lease, the
// promotion's entry and the first intents.
func begin(m *machine, state *ledger.State, plan planner.Plan, from []ledger.Taken) {
	promotions := map[string]*rollout.Promotion{}
	for id, p := range state.Promotions {
		promotions[id] = p
	}
	for _, move := range plan.Moves {
		r, ok := m.rows.byName[move.Target]
		if !ok || !r.held {
			continue
		}
		r.takenFrom(from)
		for _, t := range move.Do {
			if !m.apply(r, t) {
				break
			}
		}
		r.begun = r.underWay()
	}
	id := plan.Promotion.ID
	shared := len(plan.Promotion.Members) > len(plan.Moves) // other jobs have to know what this one found
	made := id != "" && promotions[id] == nil && (len(m.rows.list) > 0 || shared)
	if made {
		entry := plan.Promotion
		promotions[id] = &entry
	}
	changed := made || found(promotions[id], plan.Promotion.Unchanged)
	m.rows.join(promotions)
	if changed {
		m.saves.dirtyGroup(m, m.rows.groups[id])
	}
	m.skip(plan.Skips)
	m.rows.touchAll()
	m.timers.add(m.limits.Deadline(), budgetEnd{})
}

// found adds to a promotion's entry the members of which the plan says that they
// run its release already, and reports whether it did not know them all.
func found(entry *rollout.Promotion, unchanged []string) bool {
	if entry == nil {
		return false
	}
	known := len(entry.Unchanged)
	for _, name := range unchanged {
		if !slices.Contains(entry.Unchanged, name) {
			entry.Unchanged = append(entry.Unchanged, name)
		}
	}
	return len(entry.Unchanged) > known
}

// skip leaves members out of their promotions.
func (m *machine) skip(skips []planner.Skipped) {
	for _, s := range skips {
		g := m.rows.groups[s.Promotion]
		if g == nil || g.Skip(s.Skip) != nil {
			continue // the planner tried it: the promotion has changed since, and is told as it is
		}
		m.saves.dirtyGroup(m, g)
		m.rows.stir(g)
	}
}

// budgetEnd looks at everything once more when the budget is over: what waits for
// room does not begin any more.
type budgetEnd struct{}

func (budgetEnd) woken(m *machine) { m.rows.touchAll() }

// result is what the invocation came to.
func results(m *machine, plan planner.Plan, err error) Result {
	out := Result{Promotions: map[string]*rollout.Promotion{}}
	planned := map[string]bool{}
	for _, move := range plan.Moves {
		planned[move.Target] = true
		if r, ok := m.rows.byName[move.Target]; ok {
			out.Rows = append(out.Rows, r.result())
			continue
		}
		one := RowResult{Target: move.Target, Record: m.rows.others[move.Target], Unchanged: move.Unchanged}
		if move.Pending != nil {
			one.Waiting = *move.Pending
		}
		if len(move.Refused) > 0 {
			one.Err = &planner.RefusedError{Refusals: move.Refused}
		}
		out.Rows = append(out.Rows, one)
	}
	for _, r := range m.rows.list {
		if !planned[r.name] {
			out.Rows = append(out.Rows, r.result())
		}
	}
	for id, g := range m.rows.groups {
		out.Promotions[id] = g.Promotion
	}
	out.Err = trouble(m, err)
	return out
}

func (r *row) result() RowResult {
	var unreached *unreachedError
	var left *leftError
	if errors.As(r.err, &left) {
		return RowResult{Target: r.name, Record: r.record, Left: left.held}
	}
	if errors.As(r.err, &unreached) {
		return RowResult{Target: r.name, Record: r.record, Waiting: rollout.Waiting{Kind: rollout.WaitPlatform, Message: r.err.Error()}}
	}
	return RowResult{Target: r.name, Record: r.record, Waiting: r.waiting, Err: r.err}
}

// trouble is what kept the invocation from doing its work, the worst first: an
// interruption, then state, then lost races. What a platform or a check said
// stands in the rows.
func trouble(m *machine, err error) error {
	if err != nil {
		return err
	}
	var all []error
	said := map[string]bool{} // one commit that failed is many rows' trouble
	for _, r := range m.rows.list {
		for _, one := range split(r.err) {
			if _, busy := ledger.IsBusy(one); (busy || ledger.IsUnreadable(one) || IsConflict(one)) && !said[one.Error()] {
				said[one.Error()] = true
				all = append(all, one)
			}
		}
	}
	rest := ledger.Join(all...)
	if m.ended == nil || IsConflict(m.ended) {
		return ledger.Join(m.ended, rest)
	}
	if rest == nil {
		return m.ended
	}
	return errors.Join(m.ended, rest)
}
