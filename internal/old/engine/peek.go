package engine

import (
	"context"

	"golang.org/x/sync/errgroup"

	"sluice/internal/old/rollout"
)

// A platform's own work may wait for a person for days. Whoever looks at it
// meanwhile takes no lease and saves nothing: only what moved is taken up.

// moving leaves out those of slots whose platform still waits for a person, as
// it did when that was saved.
func (r *run) moving(ctx context.Context, slots []*slot) []*slot {
	waiting := make([]bool, len(slots))
	var group errgroup.Group
	group.SetLimit(r.Concurrency)
	for i, s := range slots {
		if w, waits := s.awaits(); waits {
			group.Go(func() error {
				if waiting[i] = r.peek(ctx, s); waiting[i] {
					s.stopped = w
				}
				return nil
			})
		}
	}
	_ = group.Wait() // what cannot be looked at counts as moving
	var moving []*slot
	for i, s := range slots {
		if !waiting[i] {
			moving = append(moving, s)
		}
	}
	return moving
}

// awaits is what the platform was last seen to wait for a person to do, where
// nobody has done it here.
func (s *slot) awaits() (rollout.Waiting, bool) {
	x := s.active()
	if x == nil || len(x.Asked) > 0 {
		return rollout.Waiting{}, false
	}
	return x.Awaits(&s.record)
}

// peek reports whether the platform still waits as it did, and nothing moved.
func (r *run) peek(ctx context.Context, s *slot) bool {
	op, call, err := assemble(&task{slots: []*slot{s}})
	if err != nil {
		return false
	}
	place, err := r.place(call.Changes[0].Target)
	if err != nil {
		return false
	}
	now, _, err := place.Poll(ctx, op)
	if err != nil {
		return false
	}
	return !news(s, op.Results[s.name()], now.Results[s.name()])
}
