package engine

import (
	"context"
	"slices"
	"time"

	"sluice/internal/store"
	"sluice/rollout"
)

// commit saves the slots that changed, in one commit. What a store that is not
// atomic saved in spite of an error is kept as saved.
func (e *Engine) commit(ctx context.Context, slots ...*slot) error {
	var entries []store.Entry
	var changed []*slot
	now := e.Now()
	for _, s := range slots {
		if !s.dirty {
			continue
		}
		entry, err := e.seal(s, now)
		if err != nil {
			return err
		}
		entries, changed = append(entries, entry), append(changed, s)
	}
	if len(entries) == 0 {
		return nil
	}
	saved, err := e.Store.Commit(ctx, entries...)
	for _, s := range changed {
		if i := slices.IndexFunc(saved, func(w store.Entry) bool { return w.Key == s.key }); i >= 0 {
			s.version, s.dirty = saved[i].Version, false
			e.showEvents(s)
		} else if err != nil {
			s.record.Generation--
		}
	}
	return err
}

// showEvents shows what the saved record says anew.
func (e *Engine) showEvents(s *slot) {
	for _, event := range s.record.Events {
		if event.ID > s.shown {
			e.Observer.Event(s.name(), event)
			s.shown = event.ID
		}
	}
}

func (e *Engine) seal(s *slot, now time.Time) (store.Entry, error) {
	if l := s.record.Lock; l != nil && e.mine(*l) && s.held {
		l.Until = e.leaseUntil(now)
	}
	s.record.PipelineDigest = e.Pipeline.Digest
	rollout.Seal(&s.record, now, e.Pipeline.State.History)
	data, err := rollout.Encode(s.record)
	if err != nil {
		return store.Entry{}, &store.UnreadableError{Key: s.key, Op: "write", Err: err}
	}
	return store.Entry{Key: s.key, Generation: s.record.Generation, Data: data, Version: s.version}, nil
}

// saveTime is how long an interrupted invocation has for its last save.
const saveTime = 4 * time.Second

// commitAnyway saves even when ctx was cancelled: what happened must be known.
func (e *Engine) commitAnyway(ctx context.Context, slots ...*slot) error {
	if ctx.Err() == nil {
		return e.commit(ctx, slots...)
	}
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer stop()
	return e.commit(last, slots...)
}

// answerTime is how long a request under way may still take after the
// invocation was interrupted: an answer is worth more than a lookup.
const answerTime = 3 * time.Second

// outlive is a context that ends only some time after ctx did, so that a
// request under way can still be answered.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var timer *time.Timer
	stop := context.AfterFunc(ctx, func() { timer = time.AfterFunc(grace, cancel) })
	return longer, func() {
		if !stop() && timer != nil {
			timer.Stop()
		}
		cancel()
	}
}
