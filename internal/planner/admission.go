package planner

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice/internal/work"
	"sluice/rollout"
)

// admission says what may be done to records now: by what they are, by blocks, and by
// policies.
type admission struct {
	work    *work.Work
	setting rollout.Setting
	actor   rollout.Actor
}

// byPolicy asks the policies by the clock alone.
func (a admission) byPolicy(r *rollout.Record, q rollout.Question) []rollout.Block {
	if a.setting.Outside == nil {
		return nil
	}
	return a.setting.Outside(r, q, a.work.Now())
}

// trial makes transitions on a copy of a record: the error says what refuses
// them, and nothing of r changes.
func (a admission) trial(r *rollout.Record, do ...rollout.Transition) (rollout.Record, error) {
	copied := r.Clone()
	for _, t := range do {
		if err := rollout.Apply(&copied, t, a.work.Now()); err != nil {
			return copied, err
		}
	}
	return copied, nil
}

// refusedBy is why what is asked is refused; nil where it is not. err is the record's
// reason: where that is blocks, the policies by the clock that stop it too are told
// beside them.
func (a admission) refusedBy(r *rollout.Record, q rollout.Question, err error) error {
	var refused *rollout.RefusedError
	if err != nil && (!errors.As(err, &refused) || refused.Reason != rollout.ReasonBlocked) {
		return err
	}
	policies := a.byPolicy(r, q)
	if len(policies) == 0 {
		return err
	}
	all := rollout.RefusedError{Command: string(q.Intention), Target: r.Target, Release: q.Release, Reason: rollout.ReasonBlocked}
	if refused != nil {
		all = *refused
	}
	all.Blocks = slices.Concat(all.Blocks, policies)
	return &all
}

// mayCreate refuses what a block stops, a policy by the clock included.
func (a admission) mayCreate(d *draft) {
	q := rollout.Question{
		Intention: rollout.Intention(d.spec.Command), Release: d.release.ID,
		Person: a.actor.Person, Overrides: d.spec.Overrides,
	}
	if err := a.refusedBy(d.record, q, d.record.MayCreate(d.spec, a.work.Now())); err != nil {
		d.refusals = append(d.refusals, refusalOf(d.name(), err))
	}
}

// reachesInto refuses what would still bake when a policy's window has begun that
// does not say what becomes of it: at the times at which its phases would begin
// if none waited for anything else.
func (a admission) reachesInto(d *draft) {
	wait := d.spec.Wait
	if wait == nil || d.resumes != "" || d.queued || d.unchanged || d.first || a.setting.Outside == nil {
		return
	}
	q := rollout.Question{
		Intention: rollout.Intention(d.spec.Command), Release: d.release.ID, Person: a.actor.Person, Overrides: d.spec.Overrides,
	}
	for i := 1; i < len(d.spec.Phases); i++ {
		at := a.work.Now().Add(time.Duration(i) * wait.Std())
		blocks := a.setting.Outside(d.record, q, at)
		silent := slices.IndexFunc(blocks, func(b rollout.Block) bool { return b.Standing == "" })
		if silent < 0 {
			continue
		}
		d.refuse(fmt.Sprintf("phase %s would begin about %s, when policy %q does not allow it", d.spec.Phases[i].ID, at.UTC().Format(time.RFC3339), blocks[silent].ID),
			"promote later, or say in the policy what becomes of a canary that stands: standing: hold, back or finish")
		return
	}
}

// goesOn is how a person goes on from a rollout that is at work: advance where that is
// accepted now.
func (a admission) goesOn(d *draft, name string) string {
	tried := d.record.Clone()
	if rollout.Apply(&tried, rollout.Advance{Rollout: name, By: a.actor}, a.work.Now()) == nil {
		return "`sluice advance --target " + d.name() + "` starts its next phase"
	}
	return "`sluice status --target " + d.name() + "` says how it goes on"
}
