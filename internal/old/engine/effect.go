package engine

import (
	"context"

	"sluice/internal/old/rollout"
	"sluice/stages/driver"
)

// effect prepares, saves and sends one effect for the targets of a task.
func (r *run) effect(ctx context.Context, t *task) {
	prepared, err := r.prepare(ctx, t)
	if ctx.Err() != nil {
		return // interrupted: nothing was intended
	}
	if err != nil {
		r.notPrepared(t, err)
		return
	}
	if !r.heed(t, prepared) {
		return
	}
	r.unchanged(t, prepared)
	t.slots = remaining(t, prepared)
	if len(t.slots) == 0 {
		return
	}
	call := prepared.Call
	call.Intended = r.Now().UTC()
	for _, s := range t.slots {
		s.remember(prepared.Runs[s.name()].ID)
		s.active().Intend(&s.record, s.dueOf(t), call, prepared.Before[s.name()], prepared.After[s.name()], r.Now())
		s.dirty = true
	}
	if err := r.commit(ctx, t.slots...); err != nil {
		r.unsaved(ctx, t, call.Key, err)
		return
	}
	r.send(ctx, t, call)
}

// remember says what runs before the rollout's first effect. What was known
// when a rollout was queued may have changed since.
func (s *slot) remember(runs string) {
	x := s.active()
	if x.Spec.Command == CommandRollback || rollout.OutcomeOf(&s.record, x).Effect {
		return
	}
	if runs == "" && s.record.Release != nil {
		runs = s.record.Release.ID
	}
	if runs != "" {
		x.Previous = runs
	}
}

// unsaved takes an intent back that is not in the state of every target: the
// call is not sent. Targets that nobody else changed go on without the others.
func (r *run) unsaved(ctx context.Context, t *task, key string, cause error) {
	for _, s := range t.slots {
		if ctx.Err() == nil && !lost(cause) {
			s.stop(cause) // the store is in trouble: nothing more is begun
		}
	}
	if lost(cause) {
		blame(t.slots, cause)
	}
	for _, s := range t.slots {
		r.withdraw(s, key, "the intent could not be saved for every target of the call")
	}
}

// withdraw records that an effect was provably never sent.
func (r *run) withdraw(s *slot, key, why string) {
	if x := s.active(); x != nil {
		x.Withdraw(&s.record, key, why, r.Now())
		s.dirty = true
	}
}

// dueOf is the task's due with the slot's own rollout.
func (s *slot) dueOf(t *task) rollout.Due {
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
