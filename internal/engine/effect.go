package engine

import (
	"context"

	"sluice/rollout"
	"sluice/stages/driver"
)

// effect prepares, saves and sends one effect for the targets of a task.
func (r *run) effect(ctx context.Context, t *task) {
	prepared, err := r.prepare(ctx, t)
	if err != nil {
		r.notPrepared(t, err)
		return
	}
	if !r.heed(t, prepared) {
		return
	}
	r.unchanged(t, prepared)
	t.slots = r.remaining(t, prepared)
	if len(t.slots) == 0 {
		return
	}
	call := prepared.Call
	call.Intended = r.Now().UTC()
	for _, s := range t.slots {
		x := s.execution(t.due)
		x.Intend(&s.record, r.dueOf(s, t), call, prepared.Before[s.name()], prepared.After[s.name()], r.Now())
		s.dirty = true
	}
	if err := r.commit(ctx, t.slots...); err != nil {
		r.withdrawSaved(ctx, t, call.Key, err)
		return
	}
	r.send(ctx, t, call)
}

// dueOf is the task's due with the slot's own rollout.
func (r *run) dueOf(s *slot, t *task) rollout.Due {
	due := t.due
	if active, ok := s.record.Active(); ok {
		due.Rollout = active.Rollout.Name
	}
	return due
}

// active is the slot's rollout at work.
func (s *slot) active() *rollout.Execution {
	e, ok := s.record.Active()
	if !ok {
		return nil
	}
	return e
}

// call builds the call of a task from its targets' plans.
func (r *run) call(t *task) driver.Call {
	call := driver.Call{Kind: t.due.Kind}
	for _, s := range t.slots {
		x := s.active()
		if call.Key == "" {
			call.Key = x.CallKey(t.due)
		}
		call.Changes = append(call.Changes, x.Change(t.due))
	}
	return call
}
