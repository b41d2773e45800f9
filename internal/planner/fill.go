package planner

import (
	"context"

	"sluice/internal/ledger"
	"sluice/rollout"
)

// fill finds out what becomes of each draft. What is refused or pending is left
// out of what comes after.
func (p *Planner) fill(ctx context.Context, state *ledger.State, req Promotion, drafts []*draft) error {
	sources{p.Pipeline, req}.find(drafts)
	proof := proof{Promotion: req, reader: p.reader, overrides: p.Actor.Overrides, state: state, runs: p.reader.runs(ctx, open(drafts))}
	proof.pin(ctx, drafts)
	p.reader.resolve(ctx, drafts)
	for _, d := range open(drafts) {
		d.spec = p.declared.promotionSpec(d.target, req)
		d.spec.Promotion, d.spec.Release, d.spec.SoakUntil = req.ID, d.release, d.soaks
		d.spec.Rule = req.Rule
		d.startAt(req.StartingPhase)
		d.reviews, _ = p.reviews(d.target)
		d.spec.Controlled = len(req.Members) > 1
		if d.source != nil {
			source := d.source.Driver()
			d.spec.Source, d.spec.Beside = &source, namesOrNone(d.beside)
		}
		d.refusals = append(d.refusals, p.declared.cannotRun(d.spec)...)
	}
	p.busy(ctx, req, drafts)
	join(state, drafts)
	p.reader.preflight(ctx, drafts)
	p.reader.comesNewer(ctx, drafts)
	for _, d := range open(drafts) {
		p.admission.reachesInto(d)
	}
	standStill(req.Stage, drafts)
	return ctx.Err()
}

// join puts targets into the promotion that others go on in, where they are its
// members and were never saved in it: the run that made it died between two
// entries, which not every store saves together. A promotion of their own would
// begin beside the first wave, and what goes on would wait for them for ever.
func join(state *ledger.State, drafts []*draft) {
	open := map[string]*rollout.Promotion{} // by member
	seen := map[string]bool{}
	for _, d := range drafts {
		known := state.Promotions[d.spec.Promotion]
		if d.resumes == "" || known == nil || known.Shards != nil || seen[known.ID] {
			continue
		}
		seen[known.ID] = true
		for _, member := range known.Members {
			open[member] = known
		}
	}
	for _, d := range drafts {
		known := open[d.name()]
		if known == nil || d.resumes != "" {
			continue
		}
		if _, _, has := d.record.ShareOf(known.ID); !has {
			d.joins, d.spec.Promotion = true, known.ID
		}
	}
}
