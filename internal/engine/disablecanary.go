package engine

import (
	"context"

	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// CanaryRemoval asks to take the canary away that stands on a target.
type CanaryRemoval struct {
	Target  *pipeline.Target
	Options driver.Options
}

// DisableCanary takes the canary away that stands on a target, whoever made it. A run
// that holds the target is told to let go, and waited for. Errors as
// [Engine.Promote].
func (e *Engine) DisableCanary(ctx context.Context, req CanaryRemoval) (view.Outcome, error) {
	targets := []*pipeline.Target{req.Target}
	id := e.planner.PromotionID(rollout.CommandDisableCanary, req.Target.Stage.Name.Value, targets)
	o := backOrder{command: rollout.OrderDisableCanary, promotion: id}
	return e.held().goingBack(ctx, targets, o, e.removal(req, id))
}

// PlanDisableCanary finds out what [Engine.DisableCanary] would do, and changes
// nothing. Errors as [Engine.Plan].
func (e *Engine) PlanDisableCanary(ctx context.Context, req CanaryRemoval) (view.Plan, error) {
	targets := []*pipeline.Target{req.Target}
	return e.planned(ctx, targets, e.removal(req, e.planner.PromotionID(rollout.CommandDisableCanary, req.Target.Stage.Name.Value, targets)))
}

// removal plans to take a canary away, as the promotion with this id.
func (e *Engine) removal(req CanaryRemoval, id string) planning {
	return func(ctx context.Context, state *ledger.State) (planner.Plan, error) {
		if err := e.config.Ledger.LoadPromotions(ctx, state, id); err != nil {
			return planner.Plan{}, err
		}
		return e.planner.DisableCanary(ctx, state, planner.CanaryRemoval{ID: id, Target: req.Target, Options: req.Options})
	}
}
