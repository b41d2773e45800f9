package engine

import (
	"context"

	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/stages/driver"
)

// madeOf notes of what is planned which commits the releases were made of, where the
// platform's own words on them say so. What cannot be read is left out: a plan is none
// the worse for it.
func madeOf(ctx context.Context, c Config, plan planner.Plan, told *view.Plan) {
	moves := map[string]planner.Move{}
	for _, m := range plan.Moves {
		moves[m.Target] = m
	}
	for i := range told.Targets {
		one := &told.Targets[i]
		m, planned := moves[one.Target]
		if !planned || one.Unchanged || one.Release == "" || one.Runs == "" || one.Release == one.Runs {
			continue
		}
		t, err := c.Pipeline.Target(one.Target)
		if err != nil {
			continue
		}
		one.Commit = commitOf(ctx, c.Platform, t.Driver(), m.Shows.Release)
		if one.Commit != "" {
			one.RunsCommit = commitOf(ctx, c.Platform, t.Driver(), m.Shows.Runs)
		}
	}
}

// commitOf is the commit that a release was made of; the platform is asked for its
// words on it where what was read has none.
func commitOf(ctx context.Context, platform Platform, t driver.Target, r driver.Release) string {
	if r.Comment == "" && r.Name == "" {
		if found, err := platform.Resolve(ctx, t, r.ID); err == nil {
			r = found
		}
	}
	return view.CommitOf(r)
}
