package engine

import (
	"context"

	"sluice/internal/view"
	"sluice/pipeline"
)

// Reconcile goes on with whatever is due, and does what the file's rules of automation
// do now. A target that another run holds is left
// to it. Errors are those of the ledger, and the end of ctx.
func (e *Engine) Reconcile(ctx context.Context, targets []*pipeline.Target) (view.Outcome, error) {
	state, err := e.records.loadToChange(ctx, names(targets)...)
	if err != nil {
		return view.Outcome{}, err
	}
	out, err := e.runner.carryOut(ctx, state, e.planner.Reconcile(state, targets))
	if err != nil {
		return out, err
	}
	return e.byRules(ctx, targets, out)
}
