package pipeline

import (
	"fmt"
	"iter"
	"slices"
)

// All is every target, in the order of the file.
func (p *Pipeline) All() iter.Seq[*Target] {
	return func(yield func(*Target) bool) {
		for _, s := range p.Stages {
			for _, t := range s.Targets {
				if !yield(t) {
					return
				}
			}
		}
	}
}

// Stage finds a stage by name. The error says which one was probably meant
// and which there are.
func (p *Pipeline) Stage(name string) (*Stage, error) {
	if s := p.byStage[name]; s != nil {
		return s, nil
	}
	return nil, unknown("stage", name, p.stageNames())
}

// Target finds a target by name. The error says which one was probably meant
// and which there are.
func (p *Pipeline) Target(name string) (*Target, error) {
	if t := p.byTarget[name]; t != nil {
		return t, nil
	}
	return nil, unknown("target", name, p.targetNames())
}

// Previous is the stage before s, nil before the first one.
func (p *Pipeline) Previous(s *Stage) *Stage {
	if s.at == 0 {
		return nil
	}
	return p.Stages[s.at-1]
}

// Next is the stage after s, nil after the last one.
func (p *Pipeline) Next(s *Stage) *Stage {
	if s.at+1 == len(p.Stages) {
		return nil
	}
	return p.Stages[s.at+1]
}

// Before reports whether stage a comes before stage b.
func (p *Pipeline) Before(a, b *Stage) bool { return a.at < b.at }

// Components lists the pipeline's components in the order of the file; none
// where it has one chain.
func (p *Pipeline) Components() []string {
	var names []string
	seen := map[string]bool{"": true}
	for t := range p.All() {
		if c := t.Component.Value; !seen[c] {
			seen[c] = true
			names = append(names, c)
		}
	}
	return names
}

// Source is the target that t's releases come from: the one that `from` names,
// else the only one of t's component in the previous stage. It is nil where t
// is the first of its chain; then a release has to be named.
//
// The error lists the candidates where there are several.
func (p *Pipeline) Source(t *Target) (*Target, error) {
	previous := p.Previous(t.Stage)
	if t.From.Value != "" {
		return p.named(t, previous)
	}
	if previous == nil {
		return nil, nil
	}
	candidates := previous.Of(t.Component.Value)
	switch len(candidates) {
	case 1:
		return candidates[0], nil
	case 0:
		return nil, p.gap(t, previous)
	}
	return nil, fmt.Errorf("target %q has several possible sources in stage %q: %s; say which one with from",
		t.Name.Value, previous.Name.Value, someOf(targetNames(candidates)))
}

// named is the target that t's `from` names.
func (p *Pipeline) named(t *Target, previous *Stage) (*Target, error) {
	if previous == nil {
		return nil, fmt.Errorf("target %q is in the first stage, which has no stage before it; remove from", t.Name.Value)
	}
	if source := p.byTarget[t.From.Value]; source != nil && source.Stage == previous && source.Component.Value == t.Component.Value {
		return source, nil
	}
	candidates := previous.Of(t.Component.Value)
	names := targetNames(candidates)
	if len(names) == 0 {
		return nil, fmt.Errorf("stage %q has no target of the same component", previous.Name.Value)
	}
	return nil, fmt.Errorf("%s is no target of the same component in the previous stage %q%s; want one of %s",
		quote(t.From.Value), previous.Name.Value, didYouMean(t.From.Value, names), someOf(names))
}

// gap refuses a chain that leaves a stage out. A chain may begin later than the
// pipeline, not pause in the middle of it.
func (p *Pipeline) gap(t *Target, previous *Stage) error {
	for s := p.Previous(previous); s != nil; s = p.Previous(s) {
		if len(s.Of(t.Component.Value)) > 0 {
			return fmt.Errorf("target %q: stage %q before it has no target of component %q, but stage %q has; a component leaves no stage out",
				t.Name.Value, previous.Name.Value, t.Component.Value, s.Name.Value)
		}
	}
	return nil
}

// Of is the stage's targets of one component, in the order of the file. The
// caller does not change the list.
func (s *Stage) Of(component string) []*Target { return s.byComponent[component] }

// index makes lookups by name, stage and component constant in targets. Of two
// with one name the first is found.
func (p *Pipeline) index() {
	p.byStage, p.byTarget = map[string]*Stage{}, map[string]*Target{}
	for i, s := range p.Stages {
		s.at, s.byComponent = i, map[string][]*Target{}
		if p.byStage[s.Name.Value] == nil {
			p.byStage[s.Name.Value] = s
		}
		for _, t := range s.Targets {
			s.byComponent[t.Component.Value] = append(s.byComponent[t.Component.Value], t)
			if p.byTarget[t.Name.Value] == nil {
				p.byTarget[t.Name.Value] = t
			}
		}
	}
}

func (p *Pipeline) stageNames() []string {
	names := make([]string, len(p.Stages))
	for i, s := range p.Stages {
		names[i] = s.Name.Value
	}
	return names
}

func (p *Pipeline) targetNames() []string { return targetNames(slices.Collect(p.All())) }

func targetNames(targets []*Target) []string {
	names := make([]string, len(targets))
	for i, t := range targets {
		names[i] = t.Name.Value
	}
	return names
}

// unknown is the error for a name that nothing has.
func unknown(what, name string, have []string) error {
	return fmt.Errorf("no %s is called %s%s; the pipeline has %s", what, quote(name), didYouMean(name, have), someOf(have))
}
