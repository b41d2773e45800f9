package planner

import (
	"fmt"
	"slices"

	"sluice/pipeline"
)

// sources say where the releases of a promotion come from, by the file and what was
// asked for.
type sources struct {
	pipeline *pipeline.Pipeline
	Promotion
}

// find finds the target that each release comes from.
func (from sources) find(drafts []*draft) {
	for _, d := range drafts {
		source, err := from.of(d.target)
		if err != nil {
			d.refuse(err.Error(), "")
			continue
		}
		d.source = source
		if source != nil {
			d.beside = from.beside(d.target, source)
		}
	}
}

// beside are the targets that have to run t's release beside its source: every stage
// that t's comes after has proven it. A hot fix leaves them out, and so does what is
// brought back from a later stage.
func (from sources) beside(t, source *pipeline.Target) []*pipeline.Target {
	if from.SkipStages || !slices.Contains(from.pipeline.Previous(t.Stage), source.Stage) {
		return nil
	}
	return from.pipeline.Beside(t, source)
}

// of is the target that t's release comes from; nil where a release must be
// named.
func (from sources) of(t *pipeline.Target) (*pipeline.Target, error) {
	switch {
	case from.From != nil:
		return from.named(t)
	case from.SkipStages && from.release(t) != "":
		return nil, nil
	case from.SkipStages:
		return from.first(t)
	default:
		return from.pipeline.Source(t)
	}
}

// named finds t's source in a stage that was named.
func (from sources) named(t *pipeline.Target) (*pipeline.Target, error) {
	if !slices.Contains(from.pipeline.Previous(t.Stage), from.From) && !from.SkipStages && !from.pipeline.Before(t.Stage, from.From) {
		return nil, fmt.Errorf("promoting from %s to %s leaves stages out; say --skip-stages --reason \"…\" for a hot fix", from.From.Name.Value, t.Stage.Name.Value)
	}
	alike := func(c *pipeline.Target) bool {
		return c.Stage == from.From && c.Component.Value == t.Component.Value && c.Platform.Platform == t.Platform.Platform
	}
	if named, err := from.pipeline.Target(t.From.Value); t.From.Value != "" && err == nil && alike(named) {
		return named, nil
	}
	var found *pipeline.Target
	for _, candidate := range from.From.Of(t.Component.Value) {
		switch {
		case !alike(candidate):
		case found != nil:
			return nil, severalSources(from.From)
		default:
			found = candidate
		}
	}
	if found == nil {
		return nil, fmt.Errorf("stage %s has no target of this component on this platform", from.From.Name.Value)
	}
	return found, nil
}

func severalSources(from *pipeline.Stage) error {
	return fmt.Errorf("stage %s has several targets of this component; say which with `from` in the pipeline file", from.Name.Value)
}

// first is the first target of t's chain.
func (from sources) first(t *pipeline.Target) (*pipeline.Target, error) {
	for {
		source, err := from.pipeline.Source(t)
		if err != nil || source == nil {
			return t, err
		}
		t = source
	}
}
