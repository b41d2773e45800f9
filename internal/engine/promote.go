package engine

import (
	"context"

	"sluice/internal/view"
)

// Promote promotes releases to a stage. Errors: [planner.RefusedError] (nothing
// was done), those of the ledger, and the end of ctx; the outcome counts beside
// the latter two.
func (e *Engine) Promote(ctx context.Context, req Promotion) (view.Outcome, error) {
	if err := e.records.takeNames(ctx, names(req.Targets)); err != nil {
		return view.Outcome{}, err
	}
	state, plan, err := e.promoting.plan(ctx, req, true)
	if err != nil {
		return view.Outcome{}, err
	}
	return e.runner.carryOut(ctx, state, plan)
}

// Plan finds out what [Engine.Promote] would do, and changes nothing. What refuses
// stands in it. Errors are those of the ledger, and the end of ctx.
func (e *Engine) Plan(ctx context.Context, req Promotion) (view.Plan, error) {
	state, plan, err := e.promoting.plan(ctx, req, false)
	if err != nil {
		return view.Plan{}, err
	}
	return e.toldPlan(ctx, state, plan), nil
}
