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

// Of is the stage's targets of one component, in the order of the file. The
// caller does not change the list.
func (s *Stage) Of(component string) []*Target { return s.byComponent[component] }

// index makes lookups by name, stage and component constant in targets. Of two
// with one name the first is found.
func (p *Pipeline) index() {
	p.byStage, p.byTarget = map[string]*Stage{}, map[string]*Target{}
	for _, s := range p.Stages {
		s.byComponent = map[string][]*Target{}
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
	p.link()
}

func (p *Pipeline) stageNames() []string { return StageNames(p.Stages) }

// StageNames are the names of stages, in their order.
func StageNames(stages []*Stage) []string {
	names := make([]string, len(stages))
	for i, s := range stages {
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
