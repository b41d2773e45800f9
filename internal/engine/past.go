package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/pipeline"
	"sluice/rollout"
)

// past is all that is kept of a target, oldest first.
type past struct {
	target   *pipeline.Target
	rollouts []rollout.Execution
	events   []rollout.Event
}

// past reads what is kept of targets, what is over included. A target that had
// another name keeps what happened under it.
func (all records) past(ctx context.Context, targets []*pipeline.Target) ([]past, error) {
	called := names(targets)
	state, err := all.load(ctx, called...)
	if err != nil {
		return nil, err
	}
	kept := slices.AppendSeq(slices.Clone(called), maps.Keys(former(all.pipeline, called)))
	histories, err := all.ledger.Histories(ctx, kept...)
	if err != nil {
		return nil, err
	}
	list := make([]past, 0, len(targets))
	for _, t := range targets {
		list = append(list, pastOf(t, state, histories))
	}
	return list, nil
}

// brought is what a promotion brought, by component; nil for none. Errors:
// [planner.RefusedError] where there is no such promotion, or a component got
// several releases; those of the ledger.
func (all records) brought(ctx context.Context, promotion string) (map[string]string, error) {
	if promotion == "" {
		return nil, nil
	}
	found, err := all.ledger.Fresh(ctx, ledger.Promotion(promotion))
	if err != nil {
		return nil, err
	}
	entry := found.Promotions[promotion]
	if entry == nil {
		return nil, planner.Refuse("there is no promotion "+promotion, "`sluice history --output json` names those of the rollouts")
	}
	kept, err := all.past(ctx, declared(all.pipeline, entry.Members))
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

// declared are the targets of these names that a pipeline still has.
func declared(p *pipeline.Pipeline, names []string) []*pipeline.Target {
	var targets []*pipeline.Target
	for _, name := range names {
		if t, err := p.Target(name); err == nil {
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

// pastOf is the past of a target. What its history holds stands in its record too
// where a process ended between the two saves: it is taken once.
func pastOf(t *pipeline.Target, state *ledger.State, histories map[string]*rollout.History) past {
	var whole rollout.History
	name := t.Name.Value
	for _, known := range []string{t.Formerly.Value, name} {
		if h := histories[known]; h != nil && known != "" && (known == name || histories[name] == nil) {
			whole.Add(rollout.Moved{Rollouts: h.Rollouts, Events: h.Events}, 0)
		}
	}
	if r := state.Records[name]; r != nil {
		whole.Add(rollout.Moved{Rollouts: r.Rollouts, Events: r.Events}, 0)
	}
	return past{target: t, rollouts: whole.Rollouts, events: whole.Events}
}
