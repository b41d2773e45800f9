package engine

import (
	"context"
	"fmt"
	"slices"

	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/pipeline"
	"sluice/rollout"
)

// brought is what a promotion brought, by component; nil for none. Errors:
// [planner.RefusedError] where there is no such promotion, or a component got
// several releases; those of the ledger.
func (e *Engine) brought(ctx context.Context, promotion string) (map[string]string, error) {
	if promotion == "" {
		return nil, nil
	}
	found, err := e.Ledger.Fresh(ctx, ledger.Promotion(promotion))
	if err != nil {
		return nil, err
	}
	entry := found.Promotions[promotion]
	if entry == nil {
		return nil, planner.Refuse("there is no promotion "+promotion, "`sluice history --output json` names those of the rollouts")
	}
	members := e.declared(entry.Members)
	kept, err := e.past(ctx, members)
	if err != nil {
		return nil, err
	}
	releases := map[string]string{}
	for _, p := range kept {
		component, release := p.target.Component.Value, p.brought(promotion)
		if have := releases[component]; have != "" && release != "" && have != release {
			return nil, planner.Refuse(fmt.Sprintf("promotion %s brought several releases: %s and %s", promotion, have, release), "name one with --release")
		}
		if release != "" {
			releases[component] = release
		}
	}
	return releases, nil
}

// declared are the targets of these names that the pipeline still has.
func (e *Engine) declared(names []string) []*pipeline.Target {
	var targets []*pipeline.Target
	for _, name := range names {
		if t, err := e.Pipeline.Target(name); err == nil {
			targets = append(targets, t)
		}
	}
	return targets
}

// brought is the release that a promotion brought to the target; "" for none.
func (p past) brought(promotion string) string {
	for _, x := range p.rollouts {
		if x.Spec.Promotion == promotion && x.Spec.Command != rollout.CommandRollback {
			return x.Spec.Release.ID
		}
	}
	return ""
}

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
	var all []*pipeline.Target
	for t := range e.Pipeline.All() {
		all = append(all, t)
	}
	readings := e.readings(ctx, all)
	var coming []Coming
	for _, stage := range e.Pipeline.Stages {
		one := Coming{Stage: stage}
		for _, t := range stage.Targets {
			if step, ok := e.step(ctx, t, readings); ok {
				one.Steps = append(one.Steps, step)
			}
		}
		if len(one.Steps) > 0 {
			coming = append(coming, one)
		}
	}
	return e.firsts(coming), ctx.Err()
}

// firsts leaves out the stages that come after another one that comes next.
func (e *Engine) firsts(coming []Coming) []Coming {
	return slices.DeleteFunc(slices.Clone(coming), func(late Coming) bool {
		return slices.ContainsFunc(coming, func(one Coming) bool { return e.Pipeline.Before(one.Stage, late.Stage) })
	})
}

// step is what a target would get: what its source runs and the stages beside it, and
// the target does not. False where there is nothing, or they do not agree.
func (e *Engine) step(ctx context.Context, t *pipeline.Target, readings map[string]planner.Reading) (Step, bool) {
	source, err := e.Pipeline.Source(t)
	if err != nil || source == nil {
		return Step{}, false
	}
	release, known := runs(readings, source)
	now, read := runs(readings, t)
	if !known || !read || release == "" || e.isThere(ctx, t, now, release) {
		return Step{}, false
	}
	for _, other := range e.Pipeline.Beside(t, source) {
		if too, known := runs(readings, other); !known || !e.isThere(ctx, other, too, release) {
			return Step{}, false
		}
	}
	return Step{Target: t.Name.Value, Source: source.Name.Value, Release: release, Runs: now}, true
}

// isThere reports whether what a target runs is the release that another target calls
// so: the same, or what the target's own platform calls that one.
func (e *Engine) isThere(ctx context.Context, t *pipeline.Target, runs, release string) bool {
	if runs == release || runs == "" {
		return runs == release
	}
	known, err := e.Platform.Resolve(ctx, t.Driver(), release)
	return err == nil && known.ID == runs && known.Is(release)
}

// runs is the release that was read on a target; false where it could not be.
func runs(readings map[string]planner.Reading, t *pipeline.Target) (string, bool) {
	r := readings[t.Name.Value]
	return r.Live.Release.ID, r.Err == nil
}
