package engine

import (
	"context"

	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// CanaryPromotion asks to promote the canary that stands on a target now.
type CanaryPromotion struct {
	Target  *pipeline.Target
	Disable bool // then remove the canary
	Options driver.Options
}

// PromoteCanary makes the canary that stands on a target what runs there for all
// traffic, whoever put it there. Errors as [Engine.Promote].
func (e *Engine) PromoteCanary(ctx context.Context, req CanaryPromotion) (view.Outcome, error) {
	id := e.planner.PromotionID(rollout.CommandPromoteCanary, req.Target.Stage.Name.Value, []*pipeline.Target{req.Target})
	if err := e.reviews.readFor(ctx, []*pipeline.Target{req.Target}); err != nil {
		return view.Outcome{}, err
	}
	state, err := e.records.loadToChange(ctx, req.Target.Name.Value)
	if err != nil {
		return view.Outcome{}, err
	}
	if err := e.config.Ledger.LoadPromotions(ctx, state, id); err != nil {
		return view.Outcome{}, err
	}
	plan, err := e.planner.PromoteCanary(ctx, state, planner.CanaryPromotion{ID: id, Target: req.Target, Disable: req.Disable, Options: req.Options})
	if err != nil {
		return view.Outcome{}, err
	}
	return e.runner.carryOut(ctx, state, plan)
}
