package pipeline

import (
	"fmt"
	"slices"
	"strings"
)

// The stages of a pipeline form a graph. A stage comes after those that its key
// `after` names, and without the key after the one that is written before it.

// readStagesBefore reads the stages that one comes after.
func readStagesBefore(w *walker, m mapping) []At[string] {
	list := m.texts("after")
	w.noDuplicates("after", list)
	return list
}

// Previous are the stages that s comes after, in the order in which it names them;
// none where it begins a chain.
func (p *Pipeline) Previous(s *Stage) []*Stage { return s.before }

// Next are the stages that come after s, in the order of the file.
func (p *Pipeline) Next(s *Stage) []*Stage { return s.next }

// Before reports whether stage a comes before stage b: directly, or with others
// between them.
func (p *Pipeline) Before(a, b *Stage) bool {
	return a != b && slices.Contains(ancestors(b), a)
}

// ancestors are the stages that come before s, the nearest first.
func ancestors(s *Stage) []*Stage {
	seen, found := map[*Stage]bool{}, []*Stage(nil)
	queue := s.before
	for len(queue) > 0 {
		one := queue[0]
		queue = queue[1:]
		if !seen[one] {
			seen[one] = true
			found, queue = append(found, one), append(queue[:len(queue):len(queue)], one.before...)
		}
	}
	return found
}

// link finds the stages around each one. Names that no stage has are left out: the
// file's checks report them.
func (p *Pipeline) link() {
	for i, s := range p.Stages {
		switch {
		case s.saysAfter:
			for _, name := range s.after {
				if before := p.byStage[name.Value]; before != nil && !slices.Contains(s.before, before) {
					s.before = append(s.before, before)
				}
			}
		case i > 0:
			s.before = []*Stage{p.Stages[i-1]}
		}
		for _, before := range s.before {
			before.next = append(before.next, s)
		}
	}
}

// order checks what stages come after: stages that exist, and never themselves.
func (c *checker) order() {
	names := namesOf(c.p.stageNames())
	for _, s := range c.p.Stages {
		c.known("after", "stage", s.after, names)
	}
	told := map[*Stage]bool{}
	for _, s := range unordered(c.p.Stages) {
		circle := circleOf(s)
		if len(circle) == 0 || told[s] {
			continue
		}
		for _, one := range circle {
			told[one] = true
		}
		c.problem(c.closes(circle), "after: the stages go in a circle, %s: none of them could ever be promoted to; remove one of them from after", circular(circle))
	}
}

// unordered are the stages that no order of promotions reaches: those of a circle and
// those after one, in the order of the file.
func unordered(stages []*Stage) []*Stage {
	waits, ready := map[*Stage]int{}, []*Stage(nil)
	for _, s := range stages {
		if waits[s] = len(s.before); waits[s] == 0 {
			ready = append(ready, s)
		}
	}
	for len(ready) > 0 {
		s := ready[0]
		ready = ready[1:]
		for _, next := range s.next {
			if waits[next]--; waits[next] == 0 {
				ready = append(ready, next)
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(stages), func(s *Stage) bool { return waits[s] == 0 })
}

// circleOf is the shortest way from a stage over those after it back to itself; nil
// where there is none.
func circleOf(s *Stage) []*Stage {
	from := map[*Stage]*Stage{}
	queue := []*Stage{s}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, next := range at.next {
			if next == s {
				return way(from, s, at)
			}
			if from[next] == nil {
				from[next] = at
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// way is the stages from the first to the last, as they were come by.
func way(from map[*Stage]*Stage, first, last *Stage) []*Stage {
	stages := []*Stage{last}
	for stages[0] != first {
		stages = append([]*Stage{from[stages[0]]}, stages...)
	}
	return stages
}

// closes is where the file says that the first of a circle comes after its last; where
// it says so by its order alone, where another of the circle names a stage.
func (c *checker) closes(circle []*Stage) Pos {
	for i, s := range circle {
		last := circle[(i+len(circle)-1)%len(circle)]
		for _, name := range s.after {
			if name.Value == last.Name.Value {
				return name.Pos
			}
		}
	}
	return circle[0].Pos
}

func circular(circle []*Stage) string {
	return strings.Join(StageNames(append(slices.Clone(circle), circle[0])), " → ")
}

// Source is the target that t's releases come from: the one that `from` names,
// else the only one of t's component in the first stage before t's that has any.
// It is nil where t is the first of its chain; then a release has to be named.
//
// The error lists the candidates where there are several.
func (p *Pipeline) Source(t *Target) (*Target, error) {
	if t.From.Value != "" {
		return p.named(t)
	}
	for _, previous := range t.Stage.before {
		candidates := previous.Of(t.Component.Value)
		switch len(candidates) {
		case 0:
			continue
		case 1:
			return candidates[0], nil
		}
		return nil, fmt.Errorf("target %q has several possible sources in stage %q: %s; say which one with from",
			t.Name.Value, previous.Name.Value, someOf(targetNames(candidates)))
	}
	return nil, p.gap(t)
}

// Beside are the targets beside a source that have to run t's release too: those of
// its component in the other stages that t's comes after.
func (p *Pipeline) Beside(t, source *Target) []*Target {
	var list []*Target
	for _, previous := range t.Stage.before {
		if source == nil || previous != source.Stage {
			list = append(list, previous.Of(t.Component.Value)...)
		}
	}
	return list
}

// named is the target that t's `from` names.
func (p *Pipeline) named(t *Target) (*Target, error) {
	before := t.Stage.before
	if len(before) == 0 {
		return nil, fmt.Errorf("target %q is in the first stage, which has no stage before it; remove from", t.Name.Value)
	}
	if source := p.byTarget[t.From.Value]; source != nil && slices.Contains(before, source.Stage) && source.Component.Value == t.Component.Value {
		return source, nil
	}
	var names []string
	for _, s := range before {
		names = append(names, targetNames(s.Of(t.Component.Value))...)
	}
	where := theStages(before)
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no target of the same component", where)
	}
	return nil, fmt.Errorf("%s is no target of the same component in the previous %s%s; want one of %s",
		quote(t.From.Value), where, didYouMean(t.From.Value, names), someOf(names))
}

// theStages names stages: stage "a", or stages "a", "b".
func theStages(list []*Stage) string {
	names := StageNames(list)
	for i := range names {
		names[i] = quote(names[i])
	}
	if len(names) == 1 {
		return "stage " + names[0]
	}
	return "stages " + strings.Join(names, ", ")
}

// gap refuses a chain that leaves a stage out. A chain may begin later than the
// pipeline, not pause in the middle of it.
func (p *Pipeline) gap(t *Target) error {
	for _, s := range ancestors(t.Stage) {
		if len(s.Of(t.Component.Value)) > 0 && s != t.Stage {
			return fmt.Errorf("target %q: %s before it has no target of component %q, but stage %q has; a component leaves no stage out",
				t.Name.Value, theStages(t.Stage.before), t.Component.Value, s.Name.Value)
		}
	}
	return nil
}
