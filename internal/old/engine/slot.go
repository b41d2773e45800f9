package engine

import (
	"context"
	"time"

	"sluice/internal/old/rollout"
	"sluice/internal/store"
	"sluice/pipeline"
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
	held     bool          // our lease is in the record
	busy     time.Duration // how long what it does now may take beyond the wait budget
	broken   bool          // a panic stopped the work on it: its record may be half changed
	err      error         // why this invocation stopped at the target
	stopped  rollout.Waiting
	polled   map[string]*poll
	seen     map[string]bool  // by call: the platform told this invocation what became of it
	fresh    *driver.Prepared // of the preflight a moment ago: the first effect need not read again
	freshAt  time.Time
	shown    int64     // the newest event that was shown
	warned   []string  // the warnings of the platform that were shown
	told     time.Time // the end of the wait that was shown last
}

func (s *slot) name() string { return s.key.Target }

// unseen reports whether an effect is under way about which the platform has
// told this invocation nothing yet: no deadline is held against it before.
func (s *slot) unseen() bool {
	x := s.active()
	if x == nil {
		return false
	}
	step, open := x.OpenStep()
	return open && step.State != rollout.StepAsking && !s.seen[step.Call.Key]
}

// see notes that the platform told what became of a call.
func (s *slot) see(key string) {
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[key] = true
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
