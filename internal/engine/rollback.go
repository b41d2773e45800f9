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

// Back asks to go back.
type Back struct {
	Targets   []*pipeline.Target
	Promotion string // "" means whatever changed each target last
	Release   string // "" each target's baseline
	Options   driver.Options
}

// Rollback has targets go back. A run that holds one of them is told to let go,
// and waited for. Errors as [Engine.Promote].
func (e *Engine) Rollback(ctx context.Context, req Back) (view.Outcome, error) {
	id := e.planner.PromotionID(rollout.CommandRollback, stageOf(req.Targets), req.Targets)
	o := backOrder{command: rollout.OrderRollback, promotion: id, release: req.Release}
	return e.held().goingBack(ctx, req.Targets, o, e.back(req, id))
}

// back plans to go back, as the promotion with this id.
func (e *Engine) back(req Back, id string) planning {
	return func(ctx context.Context, state *ledger.State) (planner.Plan, error) {
		if err := e.config.Ledger.LoadPromotions(ctx, state, id); err != nil {
			return planner.Plan{}, err
		}
		wanted := planner.Back{ID: id, Targets: req.Targets, Of: req.Promotion, Release: req.Release, Options: req.Options}
		of := e.planner.WentBack(state, req.Targets)
		if req.Release != "" {
			of = names(req.Targets)
		}
		if len(of) > 0 {
			histories, err := e.config.Ledger.Histories(ctx, of...)
			if err != nil {
				return planner.Plan{}, err
			}
			wanted.Histories = histories
		}
		return e.planner.GoBack(ctx, state, wanted)
	}
}

func stageOf(targets []*pipeline.Target) string {
	if len(targets) == 0 {
		return ""
	}
	return targets[0].Stage.Name.Value
}
