package rollout

import (
	"time"
)

// Next says what is due for r: kinds and arguments. It reads only; [Settle] goes
// first, with the same g and s.
func Next(r *Record, g *Group, s Setting, now time.Time) Due {
	a := around{Setting: s, group: g}
	due := a.next(r, now)
	if g != nil {
		due.Wave = g.waveOf(r.Target)
	}
	order, ordered := r.Orders.Back()
	if !ordered || due.Action == ActionConfirm || due.Action == ActionFollow {
		return due
	}
	due.Action, due.Waiting = ActionYield, Waiting{Kind: WaitOrder, Order: &order, By: order.By}
	return due
}

func (a around) next(r *Record, now time.Time) Due {
	e, ok := r.Active()
	if !ok {
		return Due{Action: ActionIdle}
	}
	due := Due{Rollout: e.Rollout.Name}
	if w, stopped := e.Stop.platform(now); stopped {
		return due.wait(w)
	}
	if step, open := e.Steps.Open(); open && !e.Asked.before(step) {
		return step.answer(due)
	}
	if len(e.Asked) > 0 {
		q := e.Asked[0]
		due.Phase, due.Job, due.Kind, due.Asked = q.Phase, q.Job, q.Kind, true
		return a.effect(r, e, due, now)
	}
	if e.mirrored() {
		return mirror{e}.next(r, a, due, now)
	}
	return a.nextOf(r, e, due, now)
}

// nextOf decides by the rollout's own state.
func (a around) nextOf(r *Record, e *Execution, due Due, now time.Time) Due {
	switch e.Rollout.State {
	case StatePendingApproval:
		return due.wait(a.waitApproval(r, e, now))
	case StatePending:
		return due.wait(a.waitStart(r, e, now))
	case StateCancelling:
		return due.wait(Waiting{Kind: WaitQueue, Until: now.UTC()}) // Settle ends it
	case StateInProgress:
		return e.owner().next(r, a, due, now)
	default:
		return due.wait(Waiting{Kind: WaitOperator, Cause: CauseState, State: e.Rollout.State})
	}
}

// waitStart says why a queued rollout does not start.
func (a around) waitStart(r *Record, e *Execution, now time.Time) Waiting {
	if w, held := a.hold(r, e, now); held {
		return w
	}
	if w, soaks := e.Spec.soaks(now); soaks {
		return w
	}
	if w, waits := a.wave(r, e, now); waits {
		return w
	}
	return Waiting{Kind: WaitQueue, Until: now.UTC()} // Settle starts it
}

// waitApproval says whose word is wanted, or what keeps it from being taken.
func (a around) waitApproval(r *Record, e *Execution, now time.Time) Waiting {
	if blocks := a.standInTheWay(r, e, now); len(blocks) > 0 {
		return waitBlock(blocks[0])
	}
	return Waiting{Kind: WaitApproval, Until: e.ApprovalDeadline(), Deadline: true, Approval: e.Spec.Approval, Approvals: len(e.Approvals)}
}

func (d Due) wait(w Waiting) Due {
	d.Action, d.Waiting = ActionWait, w
	return d
}

// platform says that the platform could not be reached, or was busy, until
// it is time to try again.
func (s *Stop) platform(now time.Time) (Waiting, bool) {
	if s == nil || s.Cause != StopPlatform && s.Cause != StopBusy || !now.Before(s.Until) {
		return Waiting{}, false
	}
	w := Waiting{Kind: WaitPlatform, Until: s.Until, Message: s.Message}
	if s.Cause == StopBusy {
		w.Cause = CauseBusy
	}
	return w, true
}

// answer decides about an effect that has no final answer yet.
func (s *Step) answer(due Due) Due {
	due.Phase, due.Job, due.Kind, due.Asked = s.Phase, s.Job, s.Call.Kind, s.Asked != nil
	switch s.State {
	case StepIntended:
		due.Action = ActionConfirm
	case StepBegun:
		due.Action = ActionFollow
	default:
		return due.wait(Waiting{Kind: WaitOperator, Cause: CauseAsking, Phase: s.Phase, Job: s.Job, Message: s.Message})
	}
	return due
}

// effect lets an effect go out unless something holds the rollout, which keeps
// nothing from being put back, or a platform's rollout from being stopped,
// unless a block stops both ways.
func (a around) effect(r *Record, e *Execution, due Due, now time.Time) Due {
	if backwards(due.Kind) && due.Asked {
		q := a.question(r, e)
		q.Intention = ToRollBack
		if blocks := a.blocked(r, q, now); len(blocks) > 0 {
			return due.wait(waitBlock(blocks[0]))
		}
		due.Action = ActionEffect
		return due
	}
	if w, held := a.hold(r, e, now); held {
		return due.wait(w)
	}
	due.Action = ActionEffect
	return due
}

// Awaits is what the platform was last seen to wait for a person to do: its own
// rollout, or a preview of an effect of ours, still followed by [ActionFollow].
func (e *Execution) Awaits(r *Record) (Waiting, bool) {
	step, open := e.Steps.Open()
	if !open {
		return Waiting{}, false
	}
	until := awaitedUntil(e, step, r.Target)
	switch step.waiting(r.Target) {
	case "":
		return Waiting{}, false
	case waitingApproval:
		return Waiting{Kind: WaitApproval, Until: until, Deadline: true, Approval: e.Spec.Approval, State: e.Rollout.State}, true
	default:
		return Waiting{Kind: WaitPerson, Until: until, Deadline: true, State: e.Rollout.State}, true
	}
}

// waitingApproval is what a platform is seen to wait for: a person's word on
// its own rollout, or on a preview.
const waitingApproval = "approval"

// awaitedUntil is how long a person has: as long as the rollout, and no longer than
// the platform waits.
func awaitedUntil(e *Execution, step *Step, target string) time.Time {
	until, theirs := e.Deadline(), step.waitsUntil(target)
	if !theirs.IsZero() && (until.IsZero() || theirs.Before(until)) {
		return theirs
	}
	return until
}
