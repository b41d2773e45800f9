package rollout

import (
	"fmt"
	"slices"
	"time"
)

// Settle makes every transition of r that needs nothing but time: approvals that
// ran out, orders that are the holder's to carry out, queued rollouts that may
// start, phases that are due or over, deadlines, ends, and what a block makes of
// what has not begun. Only whoever holds the target settles what it saves. It is
// idempotent and reports whether it changed anything. g is the group of the
// promotion at work; nil: it has no other targets and no checks of scope stage.
func Settle(r *Record, g *Group, s Setting, now time.Time) bool {
	a := around{Setting: s, group: g}
	changed := r.carryOutDue(now)
	changed = endAbandoned(r, now) || changed
	changed = a.settleWaiting(r, now) || changed
	for a.settleActive(r, now) {
		changed = true
	}
	return changed
}

// settleWaiting gives what waits for an approval its time.
func (a around) settleWaiting(r *Record, now time.Time) bool {
	changed := false
	for i := range r.Rollouts {
		e := &r.Rollouts[i]
		if e.Rollout.State != StatePendingApproval || e.mirrored() {
			continue
		}
		changed = a.noteStop(r, e, now) || changed
		if e.Stop == nil && reached(e.ApprovalDeadline(), now) {
			expire(e, r, now)
			changed = true
		}
	}
	return changed
}

// expire ends what nobody approved in time. It was not rejected: [AskAgain].
func expire(e *Execution, r *Record, now time.Time) {
	e.Expired = now.UTC()
	e.Rollout.FailureReason = fmt.Sprintf("nobody approved within %s", e.Spec.Approval.Timeout.Std())
	r.event(e, now, Event{Type: "approval.expired", Message: e.Rollout.FailureReason})
	e.owner().abort(r, now)
	e.finish(r, StateCancelled, now)
}

// endAbandoned fails what has not begun of an abandoned release.
func endAbandoned(r *Record, now time.Time) bool {
	changed := false
	for i := range r.Rollouts {
		e := &r.Rollouts[i]
		if e.Rollout.State.Final() || len(e.Steps) > 0 || e.Spec.goesBack() {
			continue
		}
		for _, b := range r.Blocks {
			if b.Kind != BlockAbandon || !e.Spec.Release.Is(b.Release) || slices.Contains(e.Spec.Overrides, b.ID) {
				continue
			}
			e.Rollout.FailureReason = "release " + b.Release + " was abandoned by " + b.By
			e.Rollout.DeployFailureCause = ReleaseAbandoned
			e.owner().abort(r, now)
			e.finish(r, StateFailed, now)
			changed = true
			break
		}
	}
	return changed
}

func (a around) settleActive(r *Record, now time.Time) bool {
	e, ok := r.Active()
	if !ok {
		return false
	}
	changed := a.noteStop(r, e, now)
	return a.settleOne(r, e, now) || changed
}

func (a around) settleOne(r *Record, e *Execution, now time.Time) bool {
	if e.mirrored() {
		return mirror{e}.settleThere(r, now)
	}
	switch e.Rollout.State {
	case StatePending:
		return a.start(r, e, now)
	case StateInProgress, StateCancelling:
		return a.settleAtWork(r, e, now)
	default:
		return false
	}
}

// start puts a queued rollout to work where nothing holds it.
func (a around) start(r *Record, e *Execution, now time.Time) bool {
	if _, held := a.hold(r, e, now); held {
		return false
	}
	if _, soaks := e.Spec.soaks(now); soaks {
		return false
	}
	if _, waits := a.wave(r, e, now); waits {
		return false
	}
	e.Rollout.State = StateInProgress
	e.Rollout.DeployStartTime = now.UTC()
	e.Times.set(timeStarted, now)
	r.event(e, now, Event{Type: "rollout.started"})
	return true
}

func (a around) settleAtWork(r *Record, e *Execution, now time.Time) bool {
	if step, open := e.Steps.Open(); open {
		return e.underWay(r, step, now).settle()
	}
	if e.Rollout.State == StateCancelling {
		return local{e}.settleCancelling(r, now)
	}
	if len(e.Asked) > 0 {
		return false
	}
	return e.owner().settle(r, a, now)
}

// finish puts the rollout into a final state.
func (e *Execution) finish(r *Record, state State, now time.Time) {
	e.Rollout.State, e.Asked = state, nil
	if !e.Rollout.DeployStartTime.IsZero() {
		e.Rollout.DeployEndTime = now.UTC()
	}
	e.ended(r, now)
}

// ended does what comes with a final state, ours or the platform's.
func (e *Execution) ended(r *Record, now time.Time) {
	e.Automation.rolloutOver(e.Rollout.State, now)
	e.Due, e.Stop = time.Time{}, nil
	switch e.Rollout.State {
	case StateSucceeded:
		linkRollback(e, r)
	case StateCancelled:
		e.Rollout.DeployFailureCause = "" // it did not fail; the reason stays
	}
	r.closeActions(e, now)
	r.event(e, now, Event{Type: endOf(e.Rollout.State), Message: e.Rollout.FailureReason})
}

// linkRollback tells every rollout that was rolled back who did it: the one that
// was undone, and those before it back to where its goal stood.
func linkRollback(e *Execution, r *Record) {
	if e.Spec.Command != CommandRollback {
		return
	}
	from, to := r.index(e.BackTo), r.index(e.Rollout.Name)
	for i := max(from, 0); i < to; i++ {
		back := &r.Rollouts[i]
		undone := back.Rollout.Name == e.Rollout.RollbackOfRollout
		if undone || back.Spec.Command != CommandRollback && back.Touched() && len(back.Rollout.RolledBackByRollouts) == 0 {
			back.Rollout.RolledBackByRollouts = append(back.Rollout.RolledBackByRollouts, e.Rollout.Name)
		}
	}
}

// endOf is the event of a rollout that ends in a state.
func endOf(s State) string { return "rollout." + eventName(s) }

func eventName(s State) string {
	switch s {
	case StateSucceeded:
		return "succeeded"
	case StateFailed:
		return "failed"
	case StateCancelled:
		return "cancelled"
	default:
		return "rejected"
	}
}
