package planner

import (
	"context"
	"slices"

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
			p.admission.mayCreate(d)
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
		p.reader.refuseOlder(ctx, d, active)
	}
	d.queued = !d.replaces
}

// goesOn reports whether a promotion's rollout is going on, and not about to end.
func goesOn(x *rollout.Execution) bool {
	return !x.Over() && x.Spec.Command == rollout.CommandPromote && x.Rollout.State != rollout.StateCancelling
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
