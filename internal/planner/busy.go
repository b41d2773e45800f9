package planner

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sluice/rollout"
)

// busy decides about targets with a rollout that is not over: the same release
// goes on, a newer one queues or replaces it, an older one is refused. What a
// block stops is refused.
func (p *Planner) busy(ctx context.Context, req Promotion, drafts []*draft) {
	p.reader.sideBySide(ctx, open(drafts), func(ctx context.Context, d *draft) {
		if active, ok := d.record.Active(); ok {
			p.beside(ctx, req, d, active)
		}
	})
	for _, d := range open(drafts) {
		if d.resumes == "" {
			p.mayCreate(d)
		}
	}
	for _, d := range drafts {
		d.refusals = append(d.refusals, d.stopped()...)
	}
}

// beside decides about one target at work.
func (p *Planner) beside(ctx context.Context, req Promotion, d *draft, active *rollout.Execution) {
	for i := range d.record.Rollouts {
		x := &d.record.Rollouts[i]
		first := x.Rollout.Name == active.Rollout.Name // what is queued takes over only by a rollout of its own
		if x.Spec.Release.ID == d.release.ID && goesOn(x) && (first || !d.replaces) {
			d.resumes, d.spec.Promotion = x.Rollout.Name, x.Spec.Promotion
			return
		}
	}
	if !req.AllowOlder {
		p.refuseOlder(ctx, d, active)
	}
	d.queued = !d.replaces
}

// goesOn reports whether a promotion's rollout is going on, and not about to end.
func goesOn(x *rollout.Execution) bool {
	return !x.Over() && x.Spec.Command == rollout.CommandPromote && x.Rollout.State != rollout.StateCancelling
}

// refuseOlder refuses a release that the platform made before the one under way.
func (p *Planner) refuseOlder(ctx context.Context, d *draft, active *rollout.Execution) {
	theirs := active.Spec.Release
	if theirs.CreateTime.IsZero() && theirs.ID != "" {
		known, err := p.Platform.Resolve(ctx, d.target.Driver(), theirs.ID)
		if err != nil {
			p.reader.unread(d, d.name(), err)
			return
		}
		theirs = known
	}
	if d.release.CreateTime.IsZero() || theirs.CreateTime.IsZero() || !d.release.CreateTime.Before(theirs.CreateTime) {
		return
	}
	d.refuse(fmt.Sprintf("release %s is older than %s, which is being rolled out (%s is %s)", d.release.ID, theirs.ID, active.Rollout.Name, active.Rollout.State),
		"promote a newer release, or say --allow-older")
}

// mayCreate refuses what a block stops, a policy by the clock included.
func (p *Planner) mayCreate(d *draft) {
	q := rollout.Question{
		Intention: rollout.Intention(d.spec.Command), Release: d.release.ID,
		Person: p.Actor.Person, Overrides: d.spec.Overrides,
	}
	if err := p.refusedBy(d.record, q, d.record.MayCreate(d.spec, p.Work.Now())); err != nil {
		d.refusals = append(d.refusals, refusalOf(d.name(), err))
	}
}

// stopped refuses a release that was abandoned where it comes from: once for each
// block, which may stand on the target too.
func (d *draft) stopped() []Refusal {
	var list []Refusal
	for _, from := range d.abandoned {
		if !slices.ContainsFunc(slices.Concat(list, d.refusals), func(r Refusal) bool { return r.names(from.block.ID) }) {
			list = append(list, Refusal{Target: d.name(), Reason: &rollout.RefusedError{
				Command: rollout.CommandPromote, Target: d.name(), Release: d.release.ID, Reason: rollout.ReasonBlocked,
				Blocks: []rollout.Block{from.block}, Source: from.target,
			}})
		}
	}
	return list
}

// reachesInto refuses what would still bake when a policy's window has begun that
// does not say what becomes of it: at the times at which its phases would begin
// if none waited for anything else.
func (p *Planner) reachesInto(d *draft) {
	wait := d.spec.Wait
	if wait == nil || d.resumes != "" || d.queued || d.unchanged || d.first || p.Setting.Outside == nil {
		return
	}
	q := rollout.Question{
		Intention: rollout.Intention(d.spec.Command), Release: d.release.ID, Person: p.Actor.Person, Overrides: d.spec.Overrides,
	}
	for i := 1; i < len(d.spec.Phases); i++ {
		at := p.Work.Now().Add(time.Duration(i) * wait.Std())
		blocks := p.Setting.Outside(d.record, q, at)
		silent := slices.IndexFunc(blocks, func(b rollout.Block) bool { return b.Standing == "" })
		if silent < 0 {
			continue
		}
		d.refuse(fmt.Sprintf("phase %s would begin about %s, when policy %q does not allow it", d.spec.Phases[i].ID, at.UTC().Format(time.RFC3339), blocks[silent].ID),
			"promote later, or say in the policy what becomes of a canary that stands: standing: hold, back or finish")
		return
	}
}

// standStill leaves every target of a stage alone that halts, or goes back, on a
// failure, while one of them cannot be reached: none is begun then.
func standStill(stage interface{ Halts() bool }, drafts []*draft) {
	if !stage.Halts() {
		return
	}
	for _, d := range drafts {
		if d.pending == nil && d.silent != nil {
			d.pending = d.silent
		}
	}
	for _, d := range drafts {
		if d.pending == nil || len(d.refusals) > 0 {
			continue
		}
		waitAlike(drafts, *d.pending)
		return
	}
}

// waitAlike has the others wait for the same.
func waitAlike(drafts []*draft, w rollout.Waiting) {
	for _, d := range open(drafts) {
		if d.resumes == "" && !d.unchanged {
			same := w
			d.pending = &same
		}
	}
}
