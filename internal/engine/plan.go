package engine

import (
	"context"

	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
)

// planned finds out what a command would do, and changes nothing. What refuses
// stands in it. Errors are those of the ledger, and the end of ctx.
func (e *Engine) planned(ctx context.Context, targets []*pipeline.Target, plan planning) (view.Plan, error) {
	if err := e.reviews.readFor(ctx, targets); err != nil {
		return view.Plan{}, err
	}
	state, err := e.records.load(ctx, names(targets)...)
	if err != nil {
		return view.Plan{}, err
	}
	p, err := plan(ctx, state)
	if err != nil {
		return view.Plan{}, err
	}
	return e.toldPlan(ctx, state, p), nil
}

// toldPlan is what is told of a plan, with what only a plan is worth asking for.
func (e *Engine) toldPlan(ctx context.Context, state *ledger.State, p planner.Plan) view.Plan {
	told := e.runner.view().PlanOf(state, p)
	madeOf(ctx, e.config, p, &told)
	platformsApprovals(ctx, e.config, &told)
	return told
}

// PlanRollback finds out what [Engine.Rollback] would do, and changes nothing.
// Errors as [Engine.Plan].
func (e *Engine) PlanRollback(ctx context.Context, req Back) (view.Plan, error) {
	return e.planned(ctx, req.Targets, e.back(req, e.planner.PromotionID(rollout.CommandRollback, stageOf(req.Targets), req.Targets)))
}

// PlanCanary finds out what [Engine.PromoteCanary] would do, and changes nothing.
// Errors as [Engine.Plan].
func (e *Engine) PlanCanary(ctx context.Context, req CanaryPromotion) (view.Plan, error) {
	id := e.planner.PromotionID(rollout.CommandPromoteCanary, req.Target.Stage.Name.Value, []*pipeline.Target{req.Target})
	return e.planned(ctx, []*pipeline.Target{req.Target}, func(ctx context.Context, state *ledger.State) (planner.Plan, error) {
		return e.planner.PromoteCanary(ctx, state, planner.CanaryPromotion{ID: id, Target: req.Target, Disable: req.Disable, Options: req.Options})
	})
}

// PlanCommand finds out what [Engine.Command] would do, and changes nothing.
// Errors as [Engine.Plan].
func (e *Engine) PlanCommand(ctx context.Context, o Order) (view.Plan, error) {
	return e.planned(ctx, o.Targets, func(_ context.Context, state *ledger.State) (planner.Plan, error) {
		return e.planner.Order(state, planner.Order{Command: o.Command, Targets: o.Targets, Promotion: o.Promotion, Phase: o.Phase, Job: o.Job, Voter: o.voter(e.config)}), nil
	})
}
