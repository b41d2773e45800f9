package pipeline

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// The beginning of an expression that workflows replace, in their own files alone.
const expression = "${{"

// noteExpressions reports the values in which a workflow's expression stands: it is
// never replaced here, so that whatever else is wrong with the value is not told.
func noteExpressions(w *walker, root *yaml.Node) {
	w.unfilled = map[Pos]bool{}
	if root.Kind != yaml.MappingNode {
		findExpressions(w, root)
		return
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if !isExtension(root.Content[i]) {
			findExpressions(w, root.Content[i])
			findExpressions(w, root.Content[i+1])
		}
	}
}

// findExpressions looks at what a node writes out; what its aliases stand for is
// written elsewhere.
func findExpressions(w *walker, n *yaml.Node) {
	for _, child := range n.Content {
		findExpressions(w, child)
	}
	if n.Kind != yaml.ScalarNode || !strings.Contains(n.Value, expression) {
		return
	}
	w.problem(w.pos(n), quote(n.Value)+": ${{ … }} is not replaced here, only in workflows; write the value itself, or let a step of the workflow write this file before sluice reads it")
	w.unfilled[w.pos(n)] = true
}

// notFilled is what else there is to say of a value that was refused, or that is
// taken as it is, where a shell's variable stands in it, else "".
func notFilled(value string) string {
	if strings.Contains(value, expression) {
		return ""
	}
	found := shellVariable().FindString(value)
	if found == "" {
		return ""
	}
	return "; " + quote(found) + " is not replaced here: write the value itself"
}
