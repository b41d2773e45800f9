package executor

import (
	"fmt"
	"slices"

	"sluice/rollout"
	"sluice/stages/driver"
)

// joinKey is what the targets of one call have in common: the same effect of the
// same release from the same source, asked for as the same, in one wave of one
// promotion.
type joinKey struct {
	platform, as, promotion, source, release, phase string
	kind                                            driver.Kind
	wave                                            int
}

// joinKey is a row's; false where its effect is a call of its own.
func (q *queue) joinKey(m *machine, r *row) (joinKey, bool) {
	e := r.active()
	if e == nil || r.due.Action != rollout.ActionEffect || r.due.Asked {
		return joinKey{}, false
	}
	return q.joinKeyOf(m, r, e, r.due.Kind)
}

func (q *queue) joinKeyOf(m *machine, r *row, e *rollout.Execution, kind driver.Kind) (joinKey, bool) {
	if e.Spec.Source == nil || m.facts(r).BatchSize() == 1 {
		return joinKey{}, false
	}
	return joinKey{
		platform: r.record.Platform, as: m.platform.AskedAs(e.Spec.Target), promotion: e.Spec.Promotion, source: e.Spec.Source.Name, release: e.Spec.Release.ID,
		phase: r.due.Phase, kind: kind, wave: r.due.Wave,
	}, true
}

// early are rows whose effect can be joined, while others that it can be joined
// with still run their checks before it.
type early struct {
	checking int
	rows     []*row
}

// holdBack keeps a row's effect until those that can join it have run their
// checks before it.
func (q *queue) holdBack(r *row, key joinKey) bool {
	key.kind = ""
	e := q.early[key]
	if e == nil || e.checking == 0 {
		return false
	}
	e.rows = append(e.rows, r)
	return true
}

// checksBefore notes that a row runs its checks before an effect that can be
// joined; by is 1 when they begin and -1 when they are over.
func (q *queue) checksBefore(m *machine, r *row, by int) {
	e := r.active()
	if e == nil || r.due.Job != rollout.JobPredeploy {
		return
	}
	key, joins := m.queue.joinKeyOf(m, r, e, "")
	if !joins {
		return
	}
	if m.queue.early[key] == nil {
		m.queue.early[key] = &early{}
	}
	waits := m.queue.early[key]
	if waits.checking += by; waits.checking > 0 {
		return
	}
	for _, held := range waits.rows {
		m.rows.touch(held)
	}
	waits.rows = nil
}

// joining is the lane of rows that can share a call.
func (q *queue) joining(key joinKey) *lane {
	if q.joins[key] == nil {
		q.joins[key] = &lane{}
	}
	return q.joins[key]
}

// joined is lead and those that share its call, in the file's order. Under halt
// and rollback no more targets begin than places are free, in a call either.
func (q *queue) joined(m *machine, lead *row) []*row {
	halts := m.rows.groupOf(lead).halts()
	m.places.occupy(lead, true)
	rows := []*row{lead}
	key, joins := m.queue.joinKey(m, lead)
	if !joins {
		return rows
	}
	l, most := m.queue.joining(key), m.facts(lead).BatchSize()
	lead.state = busy // its own entry is void
	for r := l.peek(); r != nil && len(rows) < most; r = l.peek() {
		if halts && !r.begun && m.places.free() == 0 {
			break
		}
		l.pop()
		if r.due = m.next(r); r.due.Action != rollout.ActionEffect {
			r.state = thinking
			m.rows.touch(r)
			continue
		}
		r.state = busy
		m.places.occupy(r, halts)
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b *row) int { return a.at - b.at })
	return rows
}

// assemble puts a call and its operation together from the records of its
// targets: each holds its own change and its own result.
func assemble(rows []*row, key string) (driver.Call, driver.Operation, error) {
	var call driver.Call
	op := driver.Operation{Results: map[string]driver.Result{}}
	for i, r := range rows {
		step, ok := r.open()
		if !ok || step.Call.Key != key {
			return call, op, fmt.Errorf("the record of %s lists no effect %s under way", r.name, key)
		}
		if i == 0 {
			call = step.Call
			call.Changes = nil
			if step.Operation != nil {
				results := op.Results
				op = *step.Operation
				op.Results = results
			}
		}
		call.Changes = append(call.Changes, step.Call.Changes...)
		if step.Operation != nil {
			op.Results[r.name] = step.Operation.Results[r.name]
		}
	}
	op.Call = call
	return call, op, nil
}

// share notes in the promotion who is in a call of several targets. Calls of
// which every member's answer is durable prove nothing any more.
func (g *group) share(all *rows, key string, rows []*row) {
	for _, c := range slices.Clone(g.Promotion.Calls) {
		if all.answered(c) {
			g.Promotion.EndCall(c.Key)
		}
	}
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.name
	}
	g.Promotion.AddCall(key, names)
}

// answered reports whether all members of a call are rows here whose records, as
// they are durable, hold an answer.
func (all *rows) answered(c rollout.CallMembers) bool {
	return !slices.ContainsFunc(c.Members, func(name string) bool {
		r, ok := all.byName[name]
		if !ok || r.dirty || r.saving > 0 {
			return true
		}
		step, open := r.open()
		return open && step.Call.Key == c.Key
	})
}
