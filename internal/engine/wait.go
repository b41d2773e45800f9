package engine

import (
	"context"
	"time"

	"sluice/rollout"
)

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
