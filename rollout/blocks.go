package rollout

import (
	"slices"
	"strings"
	"time"

	"sluice/stages/driver"
)

// Blocks are those that a target holds, the oldest first. Policies by the clock are not
// among them: see [Setting.Outside].
type Blocks []Block

// Stopping lists the blocks that stop what is asked.
func (have Blocks) Stopping(q Question, now time.Time) []Block {
	var list []Block
	for _, b := range have {
		if b.stops(q, now) {
			list = append(list, b)
		}
	}
	return list
}

// stops reports whether the block stops what is asked.
func (b Block) stops(q Question, now time.Time) bool {
	switch {
	case !b.Holds(now) || slices.Contains(q.Overrides, b.ID):
		return false
	case q.Intention.Back() && !b.BothWays:
		return false
	case b.Release != "" && b.Release != q.Release:
		return false
	default:
		return b.Whom != Automation || !q.Person
	}
}

// Holds reports whether the block's time is not over.
func (b Block) Holds(now time.Time) bool { return b.Until.IsZero() || now.Before(b.Until) }

// intentionOf is what a rollout with this command wants to do.
func intentionOf(command string) Intention { return Intention(command) }

func (t AddBlock) apply(r *Record, now time.Time) error {
	if slices.ContainsFunc(r.Blocks, func(b Block) bool { return b.ID == t.Block.ID }) {
		return nil
	}
	b := t.Block
	if b.At.IsZero() {
		b.At = now.UTC()
	}
	r.Blocks = append(r.Blocks, b)
	sayBlock(r, "block.placed", b, Actor{Login: b.By, Reason: b.Reason}, now)
	return nil
}

func (t EndBlock) apply(r *Record, now time.Time) error {
	i := slices.IndexFunc(r.Blocks, func(b Block) bool { return b.ID == t.ID })
	if i < 0 {
		return &RefusedError{Command: "unblock", Target: r.Target, Reason: ReasonNoBlock, Other: t.ID}
	}
	b := r.Blocks[i]
	if t.By.Reason == "" && !b.isOf(t.By.Login) {
		return &RefusedError{Command: "unblock", Target: r.Target, Reason: ReasonNoReason, Blocks: []Block{b}, Actor: t.By.Login}
	}
	r.Blocks = slices.Delete(r.Blocks, i, i+1)
	sayBlock(r, "block.ended", b, t.By, now)
	return nil
}

// isOf reports whether a block is somebody's own: they placed it, or began what traffic
// was put back from by itself.
func (b Block) isOf(login string) bool {
	return strings.EqualFold(b.By, login) || b.By == "" && strings.EqualFold(b.Began, login)
}

// sayBlock notes in the history what became of a block.
func sayBlock(r *Record, kind string, b Block, by Actor, now time.Time) {
	info := map[string]string{"block": b.ID, "kind": string(b.Kind)}
	if b.Release != "" {
		info["release"] = b.Release
	}
	if b.Began != "" {
		info["began"] = b.Began
	}
	r.AddEvent(Event{Type: kind, Time: now.UTC(), Actor: by.Login, Message: by.Reason, Info: info})
}

// placeGoingBack adds what going back from a rollout blocks: a person's that
// release for everybody and automation altogether, an automatic one automation
// alone. With afterGoingBack: newer automation may bring other releases.
func (r *Record) placeGoingBack(e *Execution, by Actor, now time.Time) {
	if e.Spec.goesBack() && !e.Over() {
		return // ending a going back is none
	}
	r.placeGoneBack(goneBack{release: e.Spec.Release, after: e.Spec.AfterGoingBack, rollout: e.Rollout.Name, began: e.Spec.Creator}, by, now)
}

// goneBack is what was gone back from.
type goneBack struct {
	release driver.Release
	after   string // one of the AfterGoingBack values
	rollout string // that the blocks are named after
	began   string // who began it
}

func (r *Record) placeGoneBack(from goneBack, by Actor, now time.Time) {
	b := Block{
		Scope: ScopeTarget, From: from.release.ID, Created: from.release.CreateTime,
		By: by.Login, RunURL: by.RunURL, Reason: by.Reason, At: now.UTC(), Rollout: from.rollout,
	}
	automation := b
	automation.Whom = Automation
	if from.after == AfterGoingBackNewer {
		automation.Release = b.From
	}
	if !by.Person {
		automation.ID, automation.Kind, automation.Began = idRestored+from.rollout, BlockRestored, from.began
		placeBlock(r, automation, now)
		return
	}
	b.ID, b.Kind, b.Release, b.Whom = idWentBack+from.rollout, BlockWentBack, b.From, Everybody
	placeBlock(r, b, now)
	if automation.Release == "" {
		automation.ID, automation.Kind = b.ID+"-automation", BlockWentBack
		placeBlock(r, automation, now)
	}
}

// placeBlock adds a block, or dates the one with its id anew.
func placeBlock(r *Record, b Block, now time.Time) {
	r.Blocks = slices.DeleteFunc(r.Blocks, func(have Block) bool { return have.ID == b.ID })
	r.Blocks = append(r.Blocks, b)
	sayBlock(r, "block.placed", b, Actor{Login: b.By, Reason: b.Reason}, now)
}

// endedBy reports whether a rollout ends the block when it is created: a
// person's ends that of an automatic restore, and that of going back from an
// older release.
func (b Block) endedBy(spec Spec) bool {
	if !spec.Person || intentionOf(spec.Command).Back() {
		return false
	}
	switch b.Kind {
	case BlockRestored:
		return true
	case BlockWentBack:
		mine := spec.Release.CreateTime
		return spec.Release.ID != b.From && (mine.IsZero() || b.Created.IsZero() || !mine.Before(b.Created))
	default:
		return false
	}
}

// leftBy are the blocks that are left when a rollout is created.
func (have Blocks) leftBy(spec Spec) Blocks {
	return slices.DeleteFunc(slices.Clone(have), func(b Block) bool { return b.endedBy(spec) })
}

// passBlocks ends the blocks that a new rollout ends, and notes those that it passes.
func (r *Record) passBlocks(spec Spec, now time.Time) {
	by := Actor{Login: spec.Creator, Reason: spec.Reason, Overrides: spec.Overrides}
	for _, b := range r.Blocks {
		if b.endedBy(spec) {
			sayBlock(r, "block.ended", b, by, now)
		}
	}
	r.Blocks = r.Blocks.leftBy(spec)
	r.notePassed(Question{Intention: intentionOf(spec.Command), Release: spec.Release.ID}, by, now)
}

// notePassed notes the blocks that somebody passes: by an override, or by going back.
func (r *Record) notePassed(q Question, by Actor, now time.Time) {
	forward := Question{Intention: ToPromote, Release: q.Release}
	for _, b := range r.Blocks {
		if slices.Contains(by.Overrides, b.ID) && b.Holds(now) || q.Intention.Back() && b.stops(forward, now) {
			sayBlock(r, "block.passed", b, by, now)
		}
	}
}

// endRestored ends the blocks of an automatic restore of a release: a person
// takes it up again.
func (r *Record) endRestored(release string, by Actor, now time.Time) {
	ends := func(b Block) bool { return b.Kind == BlockRestored && b.From == release }
	if !by.Person {
		return
	}
	for _, b := range r.Blocks {
		if ends(b) {
			sayBlock(r, "block.ended", b, by, now)
		}
	}
	r.Blocks = slices.DeleteFunc(r.Blocks, ends)
}

// onGoal lists the blocks of the very release that a target would go back to.
func (have Blocks) onGoal(release string, by Actor, now time.Time) []Block {
	if release == "" {
		return nil
	}
	q := Question{Intention: ToPromote, Release: release, Person: by.Person, Overrides: by.Overrides}
	return slices.DeleteFunc(have.Stopping(q, now), func(b Block) bool { return b.Release == "" })
}

// wentBackSince reports whether a person went back here after a time.
func (have Blocks) wentBackSince(at time.Time) bool {
	return slices.ContainsFunc(have, func(b Block) bool { return b.Kind == BlockWentBack && !b.At.Before(at) })
}

// mayGoOn says whether blocks are in the way of a command to a rollout.
func (have Blocks) mayGoOn(e *Execution, intention Intention, by Actor, now time.Time) error {
	return refuseBlocked(e, intention, have.inTheWay(e, intention, by, now))
}

// inTheWay lists the blocks that stop a command to a rollout.
func (have Blocks) inTheWay(e *Execution, intention Intention, by Actor, now time.Time) []Block {
	return have.Stopping(Question{
		Intention: intention, Release: e.Spec.Release.ID, Person: by.Person, Overrides: slices.Concat(by.Overrides, e.Spec.Overrides),
	}, now)
}
