package engine

import (
	"context"
	"fmt"

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

// Next finds the first stage whose targets do not run what the stage before it
// runs; nil where there is none. Errors are those of the ledger.
func (e *Engine) Next(ctx context.Context) (*pipeline.Stage, []Step, error) {
	var all []*pipeline.Target
	for t := range e.Pipeline.All() {
		all = append(all, t)
	}
	readings := e.readings(ctx, all)
	for _, stage := range e.Pipeline.Stages {
		var steps []Step
		for _, t := range stage.Targets {
			source, err := e.Pipeline.Source(t)
			if err != nil || source == nil {
				continue
			}
			from, to := readings[source.Name.Value], readings[t.Name.Value]
			if from.Err == nil && to.Err == nil && from.Live.Release.ID != "" && from.Live.Release.ID != to.Live.Release.ID {
				steps = append(steps, Step{Target: t.Name.Value, Source: source.Name.Value, Release: from.Live.Release.ID, Runs: to.Live.Release.ID})
			}
		}
		if len(steps) > 0 {
			return stage, steps, nil
		}
	}
	return nil, nil, ctx.Err()
}
