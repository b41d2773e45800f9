package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluice/internal/old/rollout"
	"sluice/internal/store"
)

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

func (e *Engine) mine(l rollout.Lock) bool { return !l.Person && l.Holder == e.Lease.Holder }

// claim makes slots ours in the store, with what change does to each of them.
// Either all of them are ours then or none is: what a store that is not atomic
// saved of a failed claim is taken back. The loser of a race learns who won.
func (e *Engine) claim(ctx context.Context, slots []*slot, change func(*slot) error) error {
	if err := e.acquire(ctx, slots); err != nil {
		return err
	}
	before := make([]rollout.Record, len(slots))
	for i, s := range slots {
		if change == nil {
			continue
		}
		if !e.Store.Facts().Atomic {
			before[i] = s.record.Clone()
		}
		if err := change(s); err != nil {
			return err
		}
	}
	err := e.commit(ctx, slots...)
	if err == nil {
		return nil
	}
	e.letGo(ctx, slots, before)
	if store.IsConflict(err) {
		return e.winner(ctx, slots, err)
	}
	return err
}

// letGo gives back those slots that were claimed although others could not be,
// as they were before; the history says that they were claimed.
func (e *Engine) letGo(ctx context.Context, slots []*slot, before []rollout.Record) {
	var saved []*slot
	for i, s := range slots {
		if !s.held || s.dirty {
			continue
		}
		if before[i].Schema != "" {
			events, generation := s.record.Events, s.record.Generation
			s.record = before[i]
			s.record.Events, s.record.Generation = events, generation
			s.record.AddEvent(rollout.Event{
				Type: "promotion.withdrawn", Time: e.Now().UTC(), Actor: e.Actor.Login,
				Message: "it could not be saved for every target, and nothing was done",
			})
		}
		e.release(s)
		saved = append(saved, s)
	}
	if err := e.commitAnyway(ctx, saved...); err != nil {
		e.Observer.Warn("", "a lease could not be given back and ends by itself: "+err.Error())
	}
}

// winner says who holds the slots now, where the state tells it; else cause.
func (e *Engine) winner(ctx context.Context, slots []*slot, cause error) error {
	keys := make([]store.Key, len(slots))
	for i, s := range slots {
		keys[i] = s.key
	}
	entries, err := e.Store.Load(ctx, keys...)
	if err != nil {
		return cause
	}
	for _, entry := range entries {
		now := slot{key: entry.Key}
		if entry.Version == "" || now.decode(entry) != nil {
			continue
		}
		if l := now.record.Lock; l != nil && !e.mine(*l) {
			return &HeldError{Target: entry.Key.Target, Lock: *l}
		}
	}
	return cause
}

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

// lost reports whether err means that another run has the target now.
func lost(err error) bool {
	var held *HeldError
	return store.IsConflict(err) || errors.As(err, &held)
}

func isStore(err error) bool { return store.IsUnreadable(err) || store.IsConflict(err) }
