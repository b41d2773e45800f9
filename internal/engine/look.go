package engine

import (
	"context"
	"time"

	"sluice/internal/executor"
	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/pipeline"
)

// Look is what targets wait for, and when something is due on them by itself, by a rule
// of automation too ([view.Outcome.Next]). It reads records alone: no platform is
// asked, and nothing changes. Errors are those of the ledger.
func (e *Engine) Look(ctx context.Context, targets []*pipeline.Target) (view.Outcome, error) {
	state, err := e.records.load(ctx, names(targets)...)
	if err != nil {
		return view.Outcome{}, err
	}
	plan, result := planner.Plan{Command: planner.CommandReconcile}, executor.Result{Promotions: state.Promotions}
	for _, t := range targets {
		name := t.Name.Value
		if state.Records[name] == nil {
			continue // nothing was ever brought there
		}
		plan.Moves = append(plan.Moves, planner.Move{Target: name})
		result.Rows = append(result.Rows, executor.RowResult{Target: name, Record: state.Records[name]})
	}
	out := e.runner.view().Result(state, plan, result)
	if at, ok := e.planner.Rules().Next(state); ok {
		out.Next = sooner(out.Next, at)
	}
	return out, nil
}

// sooner is the earlier of two times; zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
