package engine

import (
	"context"
	"slices"

	"sluice/internal/planner"
	"sluice/pipeline"
)

// Step is what would come next on a target.
type Step struct {
	Target, Source, Release, Runs string
}

// Coming is a stage that would come next, and what its targets would get.
type Coming struct {
	Stage *pipeline.Stage
	Steps []Step
}

// Next finds the stages whose targets do not run what the stages before them run, each
// where no stage before it is among them; none where there are none. Errors are those
// of the ledger.
func (e *Engine) Next(ctx context.Context) ([]Coming, error) {
	p, platform := e.config.Pipeline, e.config.Platform
	found := compared{p, platform, readings(ctx, platform, slices.Collect(p.All()))}
	var coming []Coming
	for _, stage := range p.Stages {
		one := Coming{Stage: stage}
		for _, t := range stage.Targets {
			if step, ok := found.step(ctx, t); ok {
				one.Steps = append(one.Steps, step)
			}
		}
		if len(one.Steps) > 0 {
			coming = append(coming, one)
		}
	}
	return firsts(p, coming), ctx.Err()
}

// firsts leaves out the stages that come after another one that comes next.
func firsts(p *pipeline.Pipeline, coming []Coming) []Coming {
	return slices.DeleteFunc(slices.Clone(coming), func(late Coming) bool {
		return slices.ContainsFunc(coming, func(one Coming) bool { return p.Before(one.Stage, late.Stage) })
	})
}

// compared is what runs on targets, held against what their sources run.
type compared struct {
	pipeline *pipeline.Pipeline
	platform Platform
	readings map[string]planner.Reading
}

// step is what a target would get: what its source runs and the stages beside it, and
// the target does not. False where there is nothing, or they do not agree.
func (c compared) step(ctx context.Context, t *pipeline.Target) (Step, bool) {
	source, err := c.pipeline.Source(t)
	if err != nil || source == nil {
		return Step{}, false
	}
	release, known := c.runs(source)
	now, read := c.runs(t)
	if !known || !read || release == "" || c.isThere(ctx, t, now, release) {
		return Step{}, false
	}
	for _, other := range c.pipeline.Beside(t, source) {
		if too, known := c.runs(other); !known || !c.isThere(ctx, other, too, release) {
			return Step{}, false
		}
	}
	return Step{Target: t.Name.Value, Source: source.Name.Value, Release: release, Runs: now}, true
}

// isThere reports whether what a target runs is the release that another target calls
// so: the same, or what the target's own platform calls that one.
func (c compared) isThere(ctx context.Context, t *pipeline.Target, runs, release string) bool {
	if runs == release || runs == "" {
		return runs == release
	}
	known, err := c.platform.Resolve(ctx, t.Driver(), release)
	return err == nil && known.ID == runs && known.Is(release)
}

// runs is the release that was read on a target; false where it could not be.
func (c compared) runs(t *pipeline.Target) (string, bool) {
	r := c.readings[t.Name.Value]
	return r.Live.Release.ID, r.Err == nil
}
