package engine

import (
	"context"

	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
)

// Skip leaves targets out of the promotion that they are in: its wave does not
// wait for them, nor does their failure halt the others. promotion "" means the
// one that each is in. Errors: [planner.RefusedError], those of the ledger.
func (e *Engine) Skip(ctx context.Context, targets []*pipeline.Target, promotion string) (view.Outcome, error) {
	state, err := e.records.loadToChange(ctx, names(targets)...)
	if err != nil {
		return view.Outcome{}, err
	}
	ids := []string{promotion}
	if promotion == "" {
		ids = planner.LastPromotions(state, targets)
	}
	if err := e.config.Ledger.LoadPromotions(ctx, state, ids...); err != nil {
		return view.Outcome{}, err
	}
	if err := e.config.Ledger.LoadMembers(ctx, state); err != nil {
		return view.Outcome{}, err
	}
	skip := rollout.Skip{By: e.config.Actor.Login, RunURL: e.config.Actor.RunURL, Reason: e.config.Actor.Reason, At: e.config.Work.Now().UTC()}
	plan, err := e.planner.Skip(state, targets, promotion, skip)
	if err != nil {
		return view.Outcome{}, err
	}
	return e.runner.carryOut(ctx, state, plan)
}
