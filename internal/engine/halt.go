package engine

import (
	"context"

	"sluice/rollout"
)

// noteFailure keeps in mind that a target's rollout failed, for siblings that
// halt then; a rollout taken up again takes that back.
func (r *run) noteFailure(s *slot) {
	newest, ok := s.record.Newest()
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id := newest.Spec.Promotion
	if r.failures[id] == nil {
		r.failures[id] = map[string]bool{}
	}
	r.failures[id][s.name()] = newest.Rollout.State == rollout.StateFailed
}

// halted names a target of the same promotion whose failure halts s.
func (r *run) halted(s *slot) string {
	active, ok := s.record.Active()
	if !ok || active.Spec.OnFailure != "halt" {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, member := range active.Spec.Members {
		if member != s.name() && r.failures[active.Spec.Promotion][member] {
			return member
		}
	}
	return ""
}

// rollBackFailed rolls the targets of a promotion back where one of them
// failed and the stage says onFailure: rollback.
func (e *Engine) rollBackFailed(ctx context.Context, slots []*slot) error {
	if ctx.Err() != nil {
		return nil // never by a cancellation
	}
	failed := map[string]bool{}
	for _, s := range slots {
		if x, ok := s.record.Newest(); ok && x.Spec.OnFailure == "rollback" && x.Spec.Command != CommandRollback && x.Rollout.State == rollout.StateFailed {
			failed[x.Spec.Promotion] = true
		}
	}
	var back []*slot
	for _, s := range slots {
		x, ok := s.record.Newest()
		if !ok || !failed[x.Spec.Promotion] || s.err != nil || !x.Touched() || len(x.Baseline) == 0 {
			continue
		}
		e.Observer.Progress(s.name(), "rolling back: a target of the promotion failed and the stage says onFailure: rollback")
		spec := e.baseSpec(s.declared)
		spec.Approval, spec.Promotion, spec.Members = nil, x.Spec.Promotion, x.Spec.Members
		if _, err := rollout.Rollback(&s.record, x.Rollout.Name, spec, e.Now()); err != nil {
			return err
		}
		s.dirty = true
		back = append(back, s)
	}
	if len(back) == 0 {
		return nil
	}
	if err := e.acquire(ctx, back); err != nil {
		return err
	}
	if err := e.commit(ctx, back...); err != nil {
		return err
	}
	e.newRun(back).run(ctx, e.units(back))
	return nil
}
