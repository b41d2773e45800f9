package rollout

import (
	"slices"
	"time"

	"sluice/stages/driver"
)

// around is what a decision needs to know beyond the target's own record.
type around struct {
	Setting
	group *Group
}

// blocked lists the record's blocks and those outside it.
func (a around) blocked(r *Record, q Question, now time.Time) []Block {
	blocks := r.Blocks.Stopping(q, now)
	if a.Outside == nil {
		return blocks
	}
	return append(blocks, a.Outside(r, q, now)...)
}

// question is what blocks are asked about a rollout going on. What was queued
// before somebody went back waits for a person's invocation.
func (a around) question(r *Record, e *Execution) Question {
	q := Question{Intention: intentionOf(e.Spec.Command), Release: e.Spec.Release.ID, Person: e.Spec.Person, Overrides: e.Spec.Overrides}
	if e.Waits() && r.Blocks.wentBackSince(e.Rollout.CreateTime) {
		q.Person = q.Person && a.Person && !a.Back
	}
	return q
}

// standInTheWay lists the blocks that stop a rollout from going on. What a policy
// lets finish it does not stop.
func (a around) standInTheWay(r *Record, e *Execution, now time.Time) []Block {
	return slices.DeleteFunc(a.blocked(r, a.question(r, e), now), func(b Block) bool {
		return b.Standing == StandingFinish && len(e.Steps) > 0
	})
}

// noteStop takes over whether a block stops the rollout. What a policy held goes
// on when a person takes it up, unless the policy says otherwise.
func (a around) noteStop(r *Record, e *Execution, now time.Time) bool {
	if e.Stop != nil && e.Stop.Cause != StopBlock {
		return false
	}
	blocks := a.standInTheWay(r, e, now)
	switch {
	case len(blocks) > 0:
		b := blocks[0]
		since := b.At
		if since.Before(e.Rollout.CreateTime) {
			since = e.Rollout.CreateTime
		}
		person := b.Kind == BlockPolicy && b.Resume != ResumeAutomatic && e.Touched()
		return e.setStop(Stop{Cause: StopBlock, Since: since.UTC(), Until: b.Until, Block: b.ID, Person: person})
	case e.Stop == nil, e.Stop.Person && !a.Person:
		return false
	default:
		return e.endStop(now)
	}
}

// hold is what keeps a rollout from beginning anything new.
func (a around) hold(r *Record, e *Execution, now time.Time) (Waiting, bool) {
	if w, halted := a.halted(r, e); halted {
		return w, true
	}
	if blocks := a.standInTheWay(r, e, now); len(blocks) > 0 {
		return waitBlock(blocks[0]), true
	}
	if e.Stop != nil && e.Stop.Person && !a.Person {
		return Waiting{Kind: WaitPerson, Cause: CauseResume, By: e.Stop.Block}, true
	}
	return Waiting{}, false
}

func waitBlock(b Block) Waiting {
	kind := WaitLock
	if b.Kind == BlockPolicy {
		kind = WaitPolicy
	}
	return Waiting{Kind: kind, Until: b.Until, By: b.By, Block: &b}
}

// halted says whether another member's failure halts the rollout.
func (a around) halted(r *Record, e *Execution) (Waiting, bool) {
	if a.group == nil || e.Spec.goesBack() || e.Spec.Promotion != a.group.Promotion.ID {
		return Waiting{}, false
	}
	return a.group.waitHalted(r.Target)
}

// soaks says whether the release has to stand on the stage before for longer.
func (s Spec) soaks(now time.Time) (Waiting, bool) {
	if !now.Before(s.SoakUntil) {
		return Waiting{}, false
	}
	return Waiting{Kind: WaitSoak, Until: s.SoakUntil}, true
}

// wave says whether the rollout waits for an earlier wave.
func (a around) wave(r *Record, e *Execution, now time.Time) (Waiting, bool) {
	if a.group == nil || e.Spec.goesBack() || e.Spec.Promotion != a.group.Promotion.ID {
		return Waiting{}, false
	}
	return a.group.waitWave(r.Target, now)
}

// backwards reports whether an effect takes something back, or ends it.
func backwards(k driver.Kind) bool {
	return slices.Contains([]driver.Kind{driver.Rollback, driver.Cancel, driver.Reject, driver.Disable, driver.Terminate, driver.Unroute, driver.Unhost}, k)
}
