package pipeline

import (
	"iter"
	"slices"
)

// Checks is every check once, wherever it is declared.
func (p *Pipeline) Checks() iter.Seq[*Check] {
	return func(yield func(*Check) bool) {
		seen := map[*Check]bool{}
		for _, c := range slices.Concat(p.stageChecks(), p.targetChecks()) {
			if !seen[c] && !yield(c) {
				return
			}
			seen[c] = true
		}
	}
}

func (p *Pipeline) stageChecks() []*Check {
	var all []*Check
	for _, s := range p.Stages {
		all = append(all, s.Checks()...)
	}
	return all
}

func (p *Pipeline) targetChecks() []*Check {
	var all []*Check
	for t := range p.All() {
		all = append(all, t.Checks()...)
	}
	return all
}

// Checks are the checks that a rollout of the target has, those of its stage among
// them where it names none of its own.
func (t *Target) Checks() []*Check {
	all := slices.Concat(t.Predeploy, t.Verify, t.Postdeploy)
	if t.Canary != nil {
		all = append(all, t.Canary.checks()...)
	}
	return all
}

// Checks are the stage's own: those of scope stage.
func (s *Stage) Checks() []*Check { return slices.Concat(s.Predeploy, s.Verify, s.Postdeploy) }
