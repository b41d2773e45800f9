package app

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/engine"
	"sluice/pipeline"
)

// promotion reads what the flags of promote and plan ask for.
func (inv *invocation) promotion(p *pipeline.Pipeline) (engine.Promotion, error) {
	f := inv.flags
	if f.to == "" {
		return engine.Promotion{}, usage(fmt.Errorf("say where to with --to; the stages are %s", strings.Join(stageNames(p), ", ")))
	}
	to, err := p.Stage(f.to)
	if err != nil {
		return engine.Promotion{}, usage(err)
	}
	req := engine.Promotion{
		Stage: to, Release: f.release, Of: f.of, AllowOlder: f.allowOlder, SkipStages: f.skipStages, AcceptDrift: f.acceptDrift, Replace: f.replace,
		StartingPhase: f.startingPhase,
	}
	if f.from != "" {
		if req.From, err = p.Stage(f.from); err != nil {
			return engine.Promotion{}, usage(err)
		}
	}
	if req.Targets, err = inv.ofStage(p, to); err != nil {
		return engine.Promotion{}, err
	}
	if f.release != "" && f.of != "" {
		return engine.Promotion{}, usage(errors.New("--release and --of both say what to promote: say one of them"))
	}
	if f.release != "" && severalComponents(req.Targets) {
		return engine.Promotion{}, usage(fmt.Errorf("--release names one release, but stage %s has several components; choose one with --component", to.Name.Value))
	}
	req.Options, err = inv.options()
	return req, err
}

// ofStage lists a stage's targets that --target and --component allow.
func (inv *invocation) ofStage(p *pipeline.Pipeline, s *pipeline.Stage) ([]*pipeline.Target, error) {
	for _, name := range inv.flags.targets {
		t, err := p.Target(name)
		if err != nil {
			return nil, usage(err)
		}
		if t.Stage != s {
			return nil, usage(fmt.Errorf("target %s is in stage %s, not in %s", name, t.Stage.Name.Value, s.Name.Value))
		}
	}
	for _, c := range inv.flags.components {
		if known := p.Components(); !slices.Contains(known, c) {
			return nil, usage(fmt.Errorf("no component %q; the components are %s", c, strings.Join(known, ", ")))
		}
	}
	var targets []*pipeline.Target
	for _, t := range s.Targets {
		if allows(inv.flags.targets, t.Name.Value) && allows(inv.flags.components, t.Component.Value) {
			targets = append(targets, t)
		}
	}
	if len(targets) == 0 {
		return nil, usage(fmt.Errorf("no target of stage %s is left by --target and --component", s.Name.Value))
	}
	return targets, nil
}

// allows reports whether a filter lets a name through; an empty one lets all.
func allows(filter []string, name string) bool {
	return len(filter) == 0 || slices.Contains(filter, name)
}

func severalComponents(targets []*pipeline.Target) bool {
	return slices.ContainsFunc(targets, func(t *pipeline.Target) bool { return t.Component.Value != targets[0].Component.Value })
}

// selected lists the targets that --stage and --target allow: all without them.
func (inv *invocation) selected(p *pipeline.Pipeline) ([]*pipeline.Target, error) {
	if inv.flags.stage != "" {
		s, err := p.Stage(inv.flags.stage)
		if err != nil {
			return nil, usage(err)
		}
		return inv.ofStage(p, s)
	}
	if len(inv.flags.targets) == 0 {
		return slices.Collect(p.All()), nil
	}
	targets := make([]*pipeline.Target, 0, len(inv.flags.targets))
	for _, name := range inv.flags.targets {
		t, err := p.Target(name)
		if err != nil {
			return nil, usage(err)
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// selectedIn is selected for one of several pipelines: what the others declare
// is not looked for here.
func (inv *invocation) selectedIn(p *pipeline.Pipeline) ([]*pipeline.Target, error) {
	targets, err := inv.selected(p)
	if err != nil && len(inv.givenFiles()) > 1 {
		return nil, nil
	}
	return targets, err
}

// selectedSomewhere refuses a selection that fits none of the pipelines.
func (inv *invocation) selectedSomewhere(pipelines []*pipeline.Pipeline) error {
	var first error
	for _, p := range pipelines {
		_, err := inv.selected(p)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// named is selected for commands that never mean everything.
func (inv *invocation) named(p *pipeline.Pipeline) ([]*pipeline.Target, error) {
	if inv.flags.stage == "" && len(inv.flags.targets) == 0 && inv.flags.promotion == "" {
		return nil, usage(errors.New("say which targets with --target or --stage"))
	}
	return inv.selected(p)
}
