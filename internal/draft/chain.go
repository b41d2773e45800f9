package draft

import (
	"fmt"
	"slices"
	"strings"
)

// chains says which targets are of one component, so that each after the first stage
// has one source. What would leave a gap in its chain is left out, and noted.
// It returns the components, too.
func chains(stages []group) ([]group, []string, []string) {
	component(stages)
	var notes []string
	for s := range stages {
		for i := 0; i < len(stages[s].items); {
			if gap(stages, s, stages[s].items[i].component) {
				it := stages[s].items[i]
				notes = append(notes, fmt.Sprintf("%s is left out: %s has nothing in stage %s, and a chain has no gaps", it.Name, it.component, stages[s+1].stage))
				stages[s].items = slices.Delete(stages[s].items, i, i+1)
				continue
			}
			i++
		}
	}
	stages = slices.DeleteFunc(stages, func(g group) bool { return len(g.items) == 0 })
	source(stages)
	found := components(stages)
	if len(found) == 1 {
		for s := range stages {
			for i := range stages[s].items {
				stages[s].items[i].component = ""
			}
		}
	}
	return stages, notes, found
}

// component finds each item's component: what its name says beside the stage, or the
// one of the stages before that its name begins with.
func component(stages []group) {
	for s := range stages {
		before := components(stages[:s])
		for i := range stages[s].items {
			it := &stages[s].items[i]
			it.component = first(near(it.rest), "app")
			switch {
			case it.one:
				it.component = "app"
			case it.whole.Ordered && len(before) == 1:
				it.component = before[0]
			case len(before) > 1 && !slices.Contains(before, it.component):
				it.component = first(longest(before, it.component), it.component)
			}
		}
	}
}

// longest is the longest component that a name begins with; "" for none.
func longest(components []string, name string) string {
	found := ""
	for _, c := range components {
		if strings.HasPrefix(name, c+"-") && len(c) > len(found) {
			found = c
		}
	}
	return found
}

// components are those of stages, in their order.
func components(stages []group) []string {
	var list []string
	for _, g := range stages {
		for _, it := range g.items {
			if !slices.Contains(list, it.component) {
				list = append(list, it.component)
			}
		}
	}
	return list
}

// gap reports whether a component that stands in stage s misses the next stage and
// comes again later.
func gap(stages []group, s int, component string) bool {
	has := func(g group) bool {
		return slices.ContainsFunc(g.items, func(it item) bool { return it.component == component })
	}
	return s+2 < len(stages) && !has(stages[s+1]) && slices.ContainsFunc(stages[s+2:], has)
}

// source names the source of each item that has several.
func source(stages []group) {
	for s := 1; s < len(stages); s++ {
		for i := range stages[s].items {
			var candidates []int
			for n, before := range stages[s-1].items {
				if before.component == stages[s].items[i].component {
					candidates = append(candidates, n)
				}
			}
			if len(candidates) > 1 {
				stages[s].items[i].from = &position{s - 1, candidates[0]}
			}
		}
	}
}
