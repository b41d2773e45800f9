package app

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/engine"
	"sluice/pipeline"
)

// toPromote reads what the flags of promote and plan ask for.
func (f *flags) toPromote(p *pipeline.Pipeline) (engine.Promotion, error) {
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
	if req.Targets, err = f.ofStage(p, to); err != nil {
		return engine.Promotion{}, err
	}
	if f.release != "" && f.of != "" {
		return engine.Promotion{}, usage(errors.New("--release and --of both say what to promote: say one of them"))
	}
	if f.release != "" && severalComponents(req.Targets) {
		return engine.Promotion{}, usage(fmt.Errorf("--release names one release, but stage %s has several components; choose one with --component", to.Name.Value))
	}
	req.Options, err = f.ofRollouts()
	return req, err
}

// ofStage lists a stage's targets that --target and --component allow.
func (f *flags) ofStage(p *pipeline.Pipeline, s *pipeline.Stage) ([]*pipeline.Target, error) {
	for _, name := range f.targets {
		t, err := p.Target(name)
		if err != nil {
			return nil, usage(err)
		}
		if t.Stage != s {
			return nil, usage(fmt.Errorf("target %s is in stage %s, not in %s", name, t.Stage.Name.Value, s.Name.Value))
		}
	}
	for _, c := range f.components {
		if known := p.Components(); !slices.Contains(known, c) {
			return nil, usage(fmt.Errorf("no component %q; the components are %s", c, strings.Join(known, ", ")))
		}
	}
	var targets []*pipeline.Target
	for _, t := range s.Targets {
		if allows(f.targets, t.Name.Value) && allows(f.components, t.Component.Value) {
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
func (f *flags) selected(p *pipeline.Pipeline) ([]*pipeline.Target, error) {
	if f.stage != "" {
		s, err := p.Stage(f.stage)
		if err != nil {
			return nil, usage(err)
		}
		return f.ofStage(p, s)
	}
	if len(f.targets) == 0 {
		return slices.Collect(p.All()), nil
	}
	targets := make([]*pipeline.Target, 0, len(f.targets))
	for _, name := range f.targets {
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
func (f *flags) selectedIn(p *pipeline.Pipeline) ([]*pipeline.Target, error) {
	targets, err := f.selected(p)
	if err != nil && len(f.givenFiles()) > 1 {
		return nil, nil
	}
	return targets, err
}

// selectedSomewhere refuses a selection that fits none of the pipelines.
func (f *flags) selectedSomewhere(pipelines []*pipeline.Pipeline) error {
	var first error
	for _, p := range pipelines {
		_, err := f.selected(p)
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
func (f *flags) named(p *pipeline.Pipeline) ([]*pipeline.Target, error) {
	if f.stage == "" && len(f.targets) == 0 && f.promotion == "" {
		return nil, usage(errors.New("say which targets with --target or --stage"))
	}
	return f.selected(p)
}

// says is a command with the words that say what it is about.
func (f *flags) says(command string) string {
	return strings.TrimSpace(strings.Join([]string{command, f.to, f.stage, strings.Join(f.targets, " ")}, " "))
}
