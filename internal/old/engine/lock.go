package engine

import (
	"context"
	"fmt"
	"time"

	"sluice/internal/old/rollout"
	"sluice/pipeline"
)

// Lock keeps rollouts from starting effects on targets until a person unlocks
// them. A target that a live run holds cannot be locked.
func (e *Engine) Lock(ctx context.Context, targets []*pipeline.Target, reason string) (rollout.Outcome, error) {
	return e.edit(ctx, targets, func(s *slot, now time.Time) error {
		if l := s.record.Lock; l != nil && l.Person {
			return refused(s.name(), fmt.Sprintf("locked already by %s since %s: %s", l.Actor, minute(l.Since), l.Reason), "")
		}
		s.record.Lock = &rollout.Lock{Holder: e.Actor.Login, Actor: e.Actor.Login, RunURL: e.Lease.RunURL, Reason: reason, Since: now.UTC(), Person: true}
		s.record.AddEvent(rollout.Event{Type: "target.locked", Time: now.UTC(), Actor: e.Actor.Login, Message: reason})
		return nil
	})
}

// Unlock takes a person's lock away.
func (e *Engine) Unlock(ctx context.Context, targets []*pipeline.Target, reason string) (rollout.Outcome, error) {
	return e.edit(ctx, targets, func(s *slot, now time.Time) error {
		if l := s.record.Lock; l == nil || !l.Person {
			return refused(s.name(), "nobody has locked it", "")
		}
		s.record.Lock = nil
		s.record.AddEvent(rollout.Event{Type: "target.unlocked", Time: now.UTC(), Actor: e.Actor.Login, Message: reason})
		return nil
	})
}

// Abandon marks a release on targets, so that it goes no further.
func (e *Engine) Abandon(ctx context.Context, targets []*pipeline.Target, release, reason string) (rollout.Outcome, error) {
	return e.edit(ctx, targets, func(s *slot, now time.Time) error {
		s.record.Abandon(release, e.Actor.Login, reason, now)
		return nil
	})
}

// edit changes records without touching a platform.
func (e *Engine) edit(ctx context.Context, targets []*pipeline.Target, change func(*slot, time.Time) error) (rollout.Outcome, error) {
	slots, err := e.load(ctx, targets)
	if err != nil {
		return rollout.Outcome{}, err
	}
	refusals := &RefusedError{}
	for _, s := range slots {
		if err := e.free(ctx, s, e.Now()); err != nil {
			return rollout.Outcome{}, err
		}
		if err := collect(&refusals.Findings, change(s, e.Now())); err != nil {
			return rollout.Outcome{}, err
		}
		s.dirty = true
	}
	if len(refusals.Findings) > 0 {
		return rollout.Outcome{}, refusals
	}
	if err := e.commit(ctx, slots...); err != nil {
		return rollout.Outcome{}, err
	}
	return e.report(ctx, "", slots, nil), nil
}
