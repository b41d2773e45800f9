package engine

import (
	"context"
	"sync"

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
