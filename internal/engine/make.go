package engine

import (
	"context"
	"fmt"

	"sluice/internal/executor"
	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/stages/driver"
)

// planNew plans a promotion of a release that is still to be made. It is planned
// with the newest there is first: where that is refused nothing is made. Without
// really it stays at that, and says so. Where there is no release yet, there is
// nothing to plan with.
func (e *Engine) planNew(ctx context.Context, req Promotion, really bool) (*ledger.State, planner.Plan, error) {
	req.Release = driver.Latest
	first := req.Targets[0].Driver()
	if !e.config.Platform.Facts(first.Platform).Makes {
		_, err := e.config.Platform.Make(ctx, first, "") // says where releases are made instead
		return nil, planner.Plan{}, err
	}
	_, err := e.config.Platform.Resolve(ctx, first, driver.Latest)
	known := err == nil || e.config.Platform.CodeOf(err) != driver.NotFound
	if known || !really {
		state, plan, err := e.planPromotion(ctx, req)
		if err != nil || plan.Refused() {
			return state, plan, err
		}
		if !really {
			plan.Findings = append(plan.Findings, driver.Finding{Severity: driver.Note, Message: "a release of what stands would be made first; this is the plan of the newest there is"})
			return state, plan, nil
		}
	}
	description := describe(e.config)
	made, err := e.config.Platform.Make(ctx, first, description)
	if err != nil {
		return nil, planner.Plan{}, err
	}
	e.config.Notify(executor.Notice{Kind: executor.NoticeNote, Text: fmt.Sprintf("release %s: %s", made.ID, description)})
	req.Release = made.ID
	return e.planPromotion(ctx, req)
}

// describe is what a release is made for: the same for every attempt of the run.
func describe(c Config) string {
	run := c.Run.Name
	if run == "" {
		run = c.Run.ID
	}
	if c.Commit == "" {
		return "made by " + run
	}
	return fmt.Sprintf("commit %s by %s", c.Commit, run)
}
