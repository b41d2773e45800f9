package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"sluice/internal/old/rollout"
	"sluice/internal/store"
)

// commit saves the slots that changed, in one commit. What a store that is not
// atomic saved in spite of an error is kept as saved. An invocation that was
// interrupted begins no commit here; one under way comes to its end.
func (e *Engine) commit(ctx context.Context, slots ...*slot) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return e.commitAnyway(ctx, slots...)
}

// commitAnyway saves even when ctx has ended: what happened must be known.
func (e *Engine) commitAnyway(ctx context.Context, slots ...*slot) error {
	entries, changed, err := e.sealAll(slots)
	if err != nil || len(entries) == 0 {
		return err
	}
	saving, done := e.outlive(ctx, saveTime)
	defer done()
	saved, err := e.Store.Commit(saving, entries...)
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

// sealAll makes entries of the slots that changed.
func (e *Engine) sealAll(slots []*slot) (entries []store.Entry, changed []*slot, err error) {
	now := e.Now()
	for _, s := range slots {
		if !s.dirty {
			continue
		}
		entry, err := e.seal(s, now)
		if err != nil {
			return nil, nil, err
		}
		entries, changed = append(entries, entry), append(changed, s)
	}
	return entries, changed, nil
}

func (e *Engine) seal(s *slot, now time.Time) (store.Entry, error) {
	if l := s.record.Lock; l != nil && e.mine(*l) && s.held {
		l.Until = e.leaseUntil(now).Add(s.busy)
	}
	s.record.PipelineDigest = e.Pipeline.Digest
	rollout.Seal(&s.record, now, e.Pipeline.State.History)
	data, err := rollout.Encode(s.record)
	if err == nil && e.Redact != nil {
		data, err = rollout.Redact(data, e.Redact)
	}
	if err != nil {
		return store.Entry{}, &store.UnreadableError{Key: s.key, Op: "write", Err: err, Remedy: "this is a mistake in sluice: report it"}
	}
	return store.Entry{Key: s.key, Generation: s.record.Generation, Data: data, Version: s.version}, nil
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

// blame stops at the slots that a failed commit is about: those that somebody
// else changed, where the error names them, else all that could not be saved.
func blame(slots []*slot, err error) {
	var conflict *store.ConflictError
	named := errors.As(err, &conflict) && len(conflict.Keys) > 0
	for _, s := range slots {
		if s.dirty && (!named || slices.Contains(conflict.Keys, s.key)) {
			s.stop(err)
		}
	}
}

// stop ends this invocation's work on a target, for one more reason where there
// is one already.
func (s *slot) stop(err error) {
	var pending *pendingError
	if s.err == nil || errors.As(s.err, &pending) {
		s.err = err
		return
	}
	s.err = errors.Join(s.err, err)
}
