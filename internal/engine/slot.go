package engine

import (
	"context"

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
