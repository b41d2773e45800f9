package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice/internal/store"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// slot is one target's record as this invocation has it. One goroutine at a
// time works on a slot.
type slot struct {
	declared *pipeline.Target // nil for an orphaned record
	key      store.Key
	record   rollout.Record
	version  string
	dirty    bool
	held     bool  // our lease is in the record
	err      error // why this invocation stopped at the target
	stopped  rollout.Waiting
	polled   map[string]*poll
	fresh    *driver.Prepared // of the preflight a moment ago: the first effect need not read again
	sent     bool             // an effect went out in this invocation
	shown    int64            // the newest event that was shown
}

func (s *slot) name() string { return s.key.Target }

// HeldError means that another run, or a person, holds a target.
type HeldError struct {
	Target string
	Lock   rollout.Lock
}

// Error says who holds the target.
func (e *HeldError) Error() string {
	who := e.Lock.Holder
	if e.Lock.Actor != "" && e.Lock.Actor != who {
		who += " (started by " + e.Lock.Actor + ")"
	}
	text := fmt.Sprintf("%s is held by %s since %s", e.Target, who, e.Lock.Since.Format(time.RFC3339))
	if e.Lock.RunURL != "" {
		text += ": " + e.Lock.RunURL
	}
	if !e.Lock.Until.IsZero() {
		text += "; its lease ends " + e.Lock.Until.Format(time.RFC3339)
	}
	return text
}

// load reads the records of targets, in their order.
func (e *Engine) load(ctx context.Context, targets []*pipeline.Target) ([]*slot, error) {
	if len(targets) == 0 {
		return nil, nil
	}
	keys := make([]store.Key, len(targets))
	for i, t := range targets {
		keys[i] = store.Key{Pipeline: e.Pipeline.Name.Value, Target: t.Name.Value}
	}
	entries, err := e.Store.Load(ctx, keys...)
	if err != nil {
		return nil, err
	}
	slots := make([]*slot, len(targets))
	for i, t := range targets {
		if slots[i], err = e.open(ctx, t, entries[i]); err != nil {
			return nil, err
		}
	}
	return slots, nil
}

// open makes a slot of an entry. A target that was never saved takes over the
// record of its earlier name.
func (e *Engine) open(ctx context.Context, t *pipeline.Target, entry store.Entry) (*slot, error) {
	s := &slot{declared: t, key: entry.Key, version: entry.Version, polled: map[string]*poll{}}
	if entry.Version != "" {
		return s, s.decode(entry)
	}
	s.record = rollout.New(e.Pipeline.Name.Value, t.Driver())
	if t.Formerly.Value == "" {
		return s, nil
	}
	return s, e.takeOver(ctx, s, t)
}

func (s *slot) decode(entry store.Entry) error {
	record, err := rollout.Decode(entry.Data)
	if err != nil {
		return &store.UnreadableError{Key: entry.Key, Op: "read", Err: err, Remedy: "nothing was done; restore the record or import what runs today with `sluice state import`"}
	}
	s.record = record
	if n := len(record.Events); n > 0 {
		s.shown = record.Events[n-1].ID
	}
	return nil
}

// takeOver starts the record of a renamed target from that of its earlier name.
func (e *Engine) takeOver(ctx context.Context, s *slot, t *pipeline.Target) error {
	former := store.Key{Pipeline: e.Pipeline.Name.Value, Target: t.Formerly.Value}
	entries, err := e.Store.Load(ctx, former)
	if err != nil || entries[0].Version == "" {
		return err
	}
	old := slot{key: former}
	if err := old.decode(entries[0]); err != nil {
		return err
	}
	if old.record.Lock != nil && !e.mine(*old.record.Lock) {
		return &HeldError{Target: former.Target, Lock: *old.record.Lock}
	}
	s.record = old.record
	s.record.Target, s.record.Stage, s.record.Generation = t.Name.Value, t.Stage.Name.Value, 0
	for i := range s.record.Rollouts {
		s.record.Rollouts[i].Spec.Target = t.Driver()
	}
	s.record.AddEvent(rollout.Event{Type: "target.renamed", Time: e.Now().UTC(), Message: former.Target + " is now " + t.Name.Value})
	return nil
}

func (e *Engine) mine(l rollout.Lock) bool { return !l.Person && l.Holder == e.Lease.Holder }

// acquire takes the lease of each slot, in memory: the next commit makes it ours
// or fails.
func (e *Engine) acquire(ctx context.Context, slots []*slot) error {
	now := e.Now()
	for _, s := range slots {
		if err := e.free(ctx, s, now); err != nil {
			return err
		}
	}
	for _, s := range slots {
		e.hold(s, now)
	}
	return nil
}

// free reports whether nobody else holds s. A lease that ended, or whose run
// is known to be over, is broken, and the history says so.
func (e *Engine) free(ctx context.Context, s *slot, now time.Time) error {
	l := s.record.Lock
	if l == nil || l.Person || e.mine(*l) {
		return nil
	}
	expired := !l.Until.IsZero() && !now.Before(l.Until)
	if !expired && (e.Over == nil || !e.Over(ctx, *l)) {
		return &HeldError{Target: s.name(), Lock: *l}
	}
	why := "its run is over"
	if expired {
		why = "it ended " + l.Until.Format(time.RFC3339)
	}
	s.record.AddEvent(rollout.Event{Type: "lease.broken", Time: now.UTC(), Actor: e.Actor.Login, Message: fmt.Sprintf("the lease of %s: %s", l.Holder, why)})
	s.record.Lock = nil
	return nil
}

func (e *Engine) hold(s *slot, now time.Time) {
	s.held, s.dirty = true, true
	if s.record.Lock != nil && s.record.Lock.Person {
		return
	}
	lease := e.Lease
	lease.Since, lease.Until = now.UTC().Truncate(time.Second), e.leaseUntil(now)
	if s.record.Lock != nil && e.mine(*s.record.Lock) {
		lease.Since = s.record.Lock.Since
	}
	s.record.Lock = &lease
}

// release lets go of the lease; the next commit says so.
func (e *Engine) release(s *slot) {
	if s.held && s.record.Lock != nil && e.mine(*s.record.Lock) {
		s.record.Lock = nil
		s.dirty = true
	}
	s.held = false
}

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

// lost reports whether err means that another run has the target now.
func lost(err error) bool {
	var held *HeldError
	return store.IsConflict(err) || errors.As(err, &held)
}

func isStore(err error) bool { return store.IsUnreadable(err) || store.IsConflict(err) }
