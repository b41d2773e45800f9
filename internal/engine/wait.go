package engine

import (
	"context"
	"time"

	"sluice/rollout"
)

// inline reports whether a wait ends by itself, and soon enough to be waited
// for here.
func (r *run) inline(ctx context.Context, w rollout.Waiting) bool {
	if ctx.Err() != nil || w.Until.IsZero() || (w.Kind != rollout.WaitBake && w.Kind != rollout.WaitPolicy) {
		return false
	}
	return w.Until.Sub(r.Now()) <= r.InlineWait && !w.Until.After(r.deadline())
}

// await waits until the agenda may have changed: a wait is over, or another
// target moved.
func (r *run) await(ctx context.Context, a agenda) {
	var over <-chan time.Time
	if !a.until.IsZero() {
		timer := time.NewTimer(a.until.Sub(r.Now()))
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-ctx.Done():
	case <-over:
	case <-a.moved:
	}
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

// pause waits for d, or until ctx ends, and lets another target work meanwhile.
func (r *run) pause(ctx context.Context, d time.Duration) {
	r.sem.Release(1)
	r.sleep(ctx, d)
	_ = r.sem.Acquire(context.WithoutCancel(ctx), 1) // fails only with its context, which never ends
}
