package pipeline

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// readComment reads whether pull requests get a comment; own says it, too, as with
// deployments.
func readComment(w *walker, m mapping) At[bool] {
	n := m.node("comment")
	if n == nil {
		return At[bool]{}
	}
	value := At[bool]{Pos: w.pos(n)}
	switch node := deref(n); {
	case node.Kind == yaml.ScalarNode && node.ShortTag() == "!!bool":
		value.Value = m.flag("comment", false)
	case node.Kind == yaml.ScalarNode && (node.Value == "own" || node.Value == "off"):
		value.Value = node.Value == "own"
	default:
		w.problem(value.Pos, fmt.Sprintf("comment: want true or false, got %s", describe(node)))
	}
	return value
}

// NeedsWriting are problems of a run whose token may write nothing to GitHub, whatever
// the workflow asks for: each key that has Sluice write there. why says what the run
// is for.
func (p *Pipeline) NeedsWriting(why string) []Problem {
	w := &walker{file: p.File, lines: p.lines}
	wants := func(key string, wanted bool, pos Pos) {
		if wanted {
			w.problem(pos, key+": a run for "+why+" may write nothing to GitHub; leave such runs out with `if:` in the workflow, or remove the key")
		}
	}
	wants("deployments", p.Deployments.Value, p.Deployments.Pos)
	wants("comment", p.Comment.Value, p.Comment.Pos)
	for t := range p.All() {
		wants("artifact", t.Artifact.Value != "", t.Artifact.Pos)
	}
	return w.sorted()
}
