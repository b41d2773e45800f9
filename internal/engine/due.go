package engine

import (
	"sluice/rollout"
)

// task is one piece of a round: targets whose next step is the same.
type task struct {
	due   rollout.Due
	slots []*slot
}

// plan sorts what is due into tasks, and collects what is waited for.
func (r *run) plan(slots []*slot) ([]*task, []rollout.Waiting) {
	var tasks []*task
	var waits []rollout.Waiting
	for _, s := range slots {
		due := rollout.Next(&s.record, r.Now(), rollout.View{Halted: r.halted(s)})
		due = r.govern(s, due)
		s.stopped = rollout.Waiting{}
		switch due.Action {
		case rollout.ActionIdle:
		case rollout.ActionWait:
			s.stopped = due.Waiting
			waits = append(waits, due.Waiting)
		default:
			tasks = r.join(tasks, s, due)
		}
	}
	return tasks, waits
}

// govern holds an effect back where a policy blocks it, or where a platform's
// own rollout was seen to wait for a person.
func (r *run) govern(s *slot, due rollout.Due) rollout.Due {
	switch due.Action {
	case rollout.ActionEffect:
		if due.Asked {
			return due
		}
		if w, blocked := r.policy(s, due); blocked {
			return rollout.Due{Action: rollout.ActionWait, Rollout: due.Rollout, Waiting: w}
		}
	case rollout.ActionFollow:
		if w, stop := s.remoteWait(r, due); stop {
			return rollout.Due{Action: rollout.ActionWait, Rollout: due.Rollout, Waiting: w}
		}
	}
	return due
}

// join adds s to the task it can share, or gives it one of its own.
func (r *run) join(tasks []*task, s *slot, due rollout.Due) []*task {
	for _, t := range tasks {
		if r.shares(t, s, due) {
			t.slots = append(t.slots, s)
			return tasks
		}
	}
	return append(tasks, &task{due: due, slots: []*slot{s}})
}

// shares reports whether s can be served by t's call: the same effect of the
// same release from the same source, or the same call under way.
func (r *run) shares(t *task, s *slot, due rollout.Due) bool {
	first := t.slots[0]
	if t.due.Action != due.Action || first.record.Platform != s.record.Platform {
		return false
	}
	a, b := first.execution(t.due), s.execution(due)
	if a == nil || b == nil {
		return false
	}
	switch due.Action {
	case rollout.ActionEffect:
		facts, _ := r.Stages.Facts(s.record.Platform)
		return len(t.slots) < facts.BatchSize() && t.due.Kind == due.Kind && t.due.Phase == due.Phase && !due.Asked && sameJourney(a, b)
	case rollout.ActionConfirm, rollout.ActionFollow:
		x, okX := a.OpenStep()
		y, okY := b.OpenStep()
		return okX && okY && x.Call.Key == y.Call.Key
	default:
		return false
	}
}

// sameJourney reports whether one call could bring both releases.
func sameJourney(a, b *rollout.Execution) bool {
	if a.Spec.Source == nil || b.Spec.Source == nil {
		return false
	}
	return a.Spec.Source.Name == b.Spec.Source.Name && a.Spec.Release.ID == b.Spec.Release.ID && a.Spec.Promotion == b.Spec.Promotion
}

// execution is the rollout that something is due for.
func (s *slot) execution(due rollout.Due) *rollout.Execution {
	e, ok := s.record.Rollout(due.Rollout)
	if !ok {
		return nil
	}
	return e
}

// policy asks the pipeline's policies about an effect that would start a phase.
func (r *run) policy(s *slot, due rollout.Due) (rollout.Waiting, bool) {
	x := s.execution(due)
	if s.declared == nil || x == nil || len(r.Pipeline.Policies) == 0 {
		return rollout.Waiting{}, false
	}
	action := "promote"
	if x.Spec.Command == "rollback" {
		action = "rollback"
	}
	b, blocked := r.Pipeline.Blocked(r.question(s.declared, action, append(r.OverridePolicies, x.Spec.Options.OverridePolicies...)))
	if !blocked {
		return rollout.Waiting{}, false
	}
	return rollout.Waiting{Kind: rollout.WaitPolicy, Until: b.Until, By: b.Policy, Command: "sluice reconcile"}, true
}
