package engine

import (
	"context"
	"time"

	"sluice/internal/old/rollout"
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
	r.tellWaits(a.live)
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

// tellWaits shows once why nothing moves for a while.
func (r *run) tellWaits(slots []*slot) {
	for _, s := range slots {
		w := s.stopped
		if w.Until.Equal(s.told) || w.Until.Sub(r.Now()) < time.Second {
			continue
		}
		switch s.told = w.Until; w.Kind {
		case rollout.WaitBake:
			r.Observer.Progress(s.name(), "bakes until "+clock(w.Until))
		case rollout.WaitPolicy:
			r.Observer.Progress(s.name(), "is held back by policy "+w.By+" until "+clock(w.Until))
		}
	}
}

// clock is a time of this invocation for people.
func clock(t time.Time) string { return t.UTC().Format(time.TimeOnly) }

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
