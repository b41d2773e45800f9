package planner

import (
	"context"

	"sluice/internal/ledger"
	"sluice/rollout"
)

// Reads are the targets whose records a promotion needs: its own, and those that
// its releases come from.
func (p *Planner) Reads(req Promotion) []string {
	all := names(req.Targets)
	have := setOf(all)
	sources := sources{p.Pipeline, req}
	for _, t := range req.Targets {
		source, err := sources.of(t)
		if err != nil || source == nil {
			continue
		}
		for _, from := range append(sources.beside(t, source), source) {
			if !have[from.Name.Value] {
				have[from.Name.Value] = true
				all = append(all, from.Name.Value)
			}
		}
	}
	return all
}

// Promote plans a promotion. state holds the records that [Planner.Reads] names
// and the promotion where it exists already: then the plan is to go on with it,
// or to try again what failed, see [Plan.Again]. The error is ctx's alone; what
// refuses stands in the plan.
func (p *Planner) Promote(ctx context.Context, state *ledger.State, req Promotion) (Plan, error) {
	if known := state.Promotions[req.ID]; known != nil {
		return p.again(ctx, state, known, req)
	}
	if req.Members == nil {
		req.Members = names(req.Targets)
	}
	drafts := p.declared.drafts(state, req, req.Targets)
	if err := p.fill(ctx, state, req, drafts); err != nil {
		return Plan{}, err
	}
	plan := Plan{Command: rollout.CommandPromote, Promotion: p.declared.promotion(req, drafts)}
	plan.add(drafts...)
	return plan, nil
}
