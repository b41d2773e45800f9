package engine

import (
	"context"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"sluice/internal/guard"
	"sluice/internal/old/rollout"
)

// run is one pass over targets until nothing more can be done now.
type run struct {
	*Engine
	sem *semaphore.Weighted // bounds the targets at work

	mu       sync.Mutex
	failures failures
	gates    map[string]*onceGate // checks of scope stage that ran
	stations map[*slot]station    // how far each target is
	moved    chan struct{}        // closed, and replaced, when a station changes
}

// newRun is a run over slots; beside are other targets of their promotions,
// which are only looked at.
func (e *Engine) newRun(slots, beside []*slot) *run {
	r := &run{
		Engine: e, sem: semaphore.NewWeighted(int64(e.Concurrency)), failures: failures{},
		gates: map[string]*onceGate{}, stations: map[*slot]station{}, moved: make(chan struct{}),
	}
	for _, s := range beside {
		r.failures.note(s)
	}
	for _, s := range slots {
		r.failures.note(s)
		r.stations[s] = stationOf(s, rollout.Next(&s.record, e.Now(), rollout.View{}), true)
	}
	return r
}

// run works on the units side by side until each is over or waits. It returns
// when all have saved; what went wrong stands in the slots.
func (r *run) run(ctx context.Context, units [][]*slot) {
	var group errgroup.Group
	for _, u := range units {
		group.Go(func() error {
			r.guarded(u, "work on "+strings.Join(namesOf(u), ", "), func() { r.unit(ctx, u) })
			return nil
		})
	}
	_ = group.Wait() // units never return errors: theirs are in the slots
}

// unit runs targets that one call can serve, in rounds: what is due for each
// of them is done, then looked at again.
func (r *run) unit(ctx context.Context, slots []*slot) {
	for {
		a := r.plan(ctx, r.settle(slots))
		if ctx.Err() != nil || a.over() {
			r.leave(ctx, slots)
			return
		}
		if err := r.commit(ctx, a.live...); err != nil {
			if ctx.Err() == nil {
				blame(a.live, err)
			}
			continue
		}
		if len(a.tasks) > 0 {
			r.round(ctx, a.tasks)
			continue
		}
		r.await(ctx, a)
	}
}

// settle makes the transitions that time brought and lists the slots that go on.
func (r *run) settle(slots []*slot) []*slot {
	var live []*slot
	for _, s := range slots {
		if s.err != nil {
			r.out(s)
			continue
		}
		if !s.unseen() && rollout.Settle(&s.record, r.Now()) {
			s.dirty = true
		}
		r.noteFailure(s)
		live = append(live, s)
	}
	return live
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
			r.guarded(t.slots, string(t.due.Action)+" "+strings.Join(namesOf(t.slots), ", "), func() { r.do(ctx, t) })
			return nil
		})
	}
	_ = group.Wait() // tasks never return errors: theirs are in the slots
}

// guarded does work on slots. A panic in it stops at them: their records are not
// saved any more, so that the state says what is true, and the next run looks up
// what was under way.
func (r *run) guarded(slots []*slot, what string, work func()) {
	err := guard.Do(what, func() error {
		work()
		return nil
	})
	if err == nil {
		return
	}
	for _, s := range slots {
		s.broken = true
		s.stop(err)
		r.out(s)
	}
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

// leave saves the unit's records without our leases. Targets that another run
// took are left to it, and those that a mistake of ours stopped stay as they are.
func (r *run) leave(ctx context.Context, slots []*slot) {
	var ours []*slot
	for _, s := range slots {
		r.out(s)
		if !lost(s.err) && !s.broken {
			r.release(s)
			ours = append(ours, s)
		}
	}
	for len(ours) > 0 {
		err := r.commitAnyway(ctx, ours...)
		if err == nil {
			return
		}
		blame(ours, err)
		ours = slices.DeleteFunc(ours, func(s *slot) bool { return isStore(s.err) || !s.dirty })
	}
}
