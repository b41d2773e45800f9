package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"sluice/internal/old/rollout"
)

// task is one piece of a round: targets whose next step is the same.
type task struct {
	due   rollout.Due
	slots []*slot
}

// agenda is what a unit can do now.
type agenda struct {
	live  []*slot
	tasks []*task
	until time.Time       // the soonest end of a wait that is worth waiting for here; zero without one
	moved <-chan struct{} // where a check waits for other targets: closed when one of them moved
}

// over reports whether nothing is left to do or to wait for in this invocation.
func (a *agenda) over() bool { return len(a.tasks) == 0 && a.until.IsZero() && a.moved == nil }

// plan sorts what is due into tasks, and finds what is waited for.
func (r *run) plan(ctx context.Context, live []*slot) agenda {
	a := agenda{live: live}
	dues := make([]rollout.Due, len(live))
	for i, s := range live {
		dues[i] = r.next(s)
		s.stopped = dues[i].Waiting
		stays := dues[i].Action != rollout.ActionIdle
		if dues[i].Action == rollout.ActionWait {
			stays = r.inline(ctx, dues[i].Waiting)
			a.wake(stays, dues[i].Waiting.Until)
		}
		r.at(s, stationOf(s, dues[i], stays))
	}
	for i, s := range live {
		switch dues[i].Action {
		case rollout.ActionIdle, rollout.ActionWait:
		default:
			if moved, early := r.early(s, dues[i]); early {
				a.moved = moved
				continue
			}
			a.tasks = r.join(a.tasks, s, dues[i])
		}
	}
	return a
}

// wake notes the end of a wait.
func (a *agenda) wake(inline bool, until time.Time) {
	if inline && (a.until.IsZero() || until.Before(a.until)) {
		a.until = until
	}
}

// next is what is due for a target, as far as policies and siblings let it.
func (r *run) next(s *slot) rollout.Due {
	by, past := r.halted(s)
	due := r.govern(s, rollout.Next(&s.record, r.Now(), rollout.View{Halted: by}))
	if past && due.Action == rollout.ActionWait && due.Waiting.Kind == rollout.WaitOperator && strings.HasPrefix(due.Waiting.By, by) {
		due.Waiting.By = by + " failed in a way that can be neither retried nor ignored, and the stage halts"
		due.Waiting.Command, due.Waiting.Or = "sluice cancel --target "+s.name(), ""
	}
	return due
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
		if w, stop := s.platformWaits(); stop {
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
	b, blocked := r.Pipeline.Blocked(r.question(s.declared, action, slices.Concat(r.OverridePolicies, x.Spec.Options.OverridePolicies)))
	if !blocked {
		return rollout.Waiting{}, false
	}
	return rollout.Waiting{Kind: rollout.WaitPolicy, Until: b.Until, By: b.Policy, Command: "sluice reconcile"}, true
}
