package engine

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"sluice/rollout"
)

// run is one pass over targets until nothing more can be done now.
type run struct {
	*Engine
	sem *semaphore.Weighted // bounds the targets at work

	mu       sync.Mutex
	failures map[string]map[string]bool // promotion → targets that failed
	gates    map[string]*onceGate       // checks of scope stage that ran
}

func (e *Engine) newRun(slots []*slot) *run {
	r := &run{
		Engine: e, sem: semaphore.NewWeighted(int64(e.Concurrency)),
		failures: map[string]map[string]bool{}, gates: map[string]*onceGate{},
	}
	for _, s := range slots {
		r.noteFailure(s)
	}
	return r
}

// run works on the units side by side until each is over or waits. It returns
// when all have saved; what went wrong stands in the slots.
func (r *run) run(ctx context.Context, units [][]*slot) {
	var group errgroup.Group
	for _, u := range units {
		group.Go(func() error {
			r.unit(ctx, u)
			return nil
		})
	}
	_ = group.Wait() // units never return errors: theirs are in the slots
}

// unit runs targets that one call can serve, in rounds: what is due for each
// of them is done, then looked at again.
func (r *run) unit(ctx context.Context, slots []*slot) {
	for {
		live := r.settle(slots)
		work, waits := r.plan(live)
		if len(work) == 0 && !r.inline(ctx, waits) {
			r.leave(ctx, slots)
			return
		}
		if ctx.Err() != nil {
			r.leave(ctx, slots)
			return
		}
		if err := r.commit(ctx, live...); err != nil {
			r.abandonUnit(slots, err)
			return
		}
		if len(work) == 0 {
			r.sleep(ctx, soonest(waits).Sub(r.Now()))
			continue
		}
		r.round(ctx, work)
	}
}

// task is one piece of a round: targets whose next step is the same.
type task struct {
	due   rollout.Due
	slots []*slot
}

// settle makes the transitions that time brought and lists the slots that go on.
func (r *run) settle(slots []*slot) []*slot {
	var live []*slot
	for _, s := range slots {
		if s.err != nil {
			continue
		}
		if rollout.Settle(&s.record, r.Now()) {
			s.dirty = true
		}
		r.noteFailure(s)
		live = append(live, s)
	}
	return live
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

// round does every task of a round, side by side.
func (r *run) round(ctx context.Context, tasks []*task) {
	var group errgroup.Group
	for _, t := range tasks {
		group.Go(func() error {
			if r.sem.Acquire(ctx, 1) != nil {
				return nil // cancelled: the unit's loop sees it
			}
			defer r.sem.Release(1)
			r.do(ctx, t)
			return nil
		})
	}
	_ = group.Wait() // tasks never return errors: theirs are in the slots
}

func (r *run) do(ctx context.Context, t *task) {
	switch t.due.Action {
	case rollout.ActionEffect:
		r.effect(ctx, t)
	case rollout.ActionConfirm:
		r.confirm(ctx, t)
	case rollout.ActionFollow:
		r.follow(ctx, t)
	case rollout.ActionCheck:
		r.check(ctx, t.slots[0], t.due)
	}
}

// inline reports whether the soonest of the waits is worth waiting for here.
func (r *run) inline(ctx context.Context, waits []rollout.Waiting) bool {
	until := soonest(waits)
	if until.IsZero() || ctx.Err() != nil {
		return false
	}
	now := r.Now()
	return until.Sub(now) <= r.InlineWait && !until.After(r.deadline())
}

// soonest is the first end among waits that end by themselves.
func soonest(waits []rollout.Waiting) time.Time {
	var first time.Time
	for _, w := range waits {
		if w.Until.IsZero() || (w.Kind != rollout.WaitBake && w.Kind != rollout.WaitPolicy) {
			continue
		}
		if first.IsZero() || w.Until.Before(first) {
			first = w.Until
		}
	}
	return first
}

// sleep waits for d or until ctx ends.
func (r *run) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// leave saves the unit's records without our leases.
func (r *run) leave(ctx context.Context, slots []*slot) {
	for _, s := range slots {
		if lost(s.err) {
			continue
		}
		r.release(s)
		if err := r.commitAnyway(ctx, s); err != nil && s.err == nil {
			s.err = err
		}
	}
}

// abandonUnit stops at targets whose records could not be saved: nothing more
// is done there, and nothing more is claimed.
func (r *run) abandonUnit(slots []*slot, err error) {
	for _, s := range slots {
		if s.err == nil && s.dirty {
			s.err = err
		}
	}
}

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
