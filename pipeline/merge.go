package pipeline

import (
	"fmt"
	"iter"
	"strings"

	"gopkg.in/yaml.v3"
)

// mergeTag is the tag of YAML 1.1's key that takes over what other mappings have.
const mergeTag = "!!merge"

// entries is the keys and values of a mapping: those that it writes itself, then
// what its merge keys bring and no earlier one has. Each has the position at
// which it is written. what names the mapping in messages.
func (w *walker) entries(node *yaml.Node, what string) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, value *yaml.Node) bool) {
		has := map[string]bool{}
		merges := false
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			if isMerge(key) {
				merges = true
				continue
			}
			has[deref(key).Value] = true
			if !yield(key, value) {
				return
			}
		}
		if merges {
			w.merged(node, what, has, yield)
		}
	}
}

// merged passes on what a mapping's merge keys bring. It is false where no more
// is wanted.
func (w *walker) merged(node *yaml.Node, what string, has map[string]bool, yield func(key, value *yaml.Node) bool) bool {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if !isMerge(node.Content[i]) {
			continue
		}
		for _, source := range w.mergeSources(node.Content[i+1], what) {
			for key, value := range w.entries(source, what) {
				name := deref(key).Value
				if has[name] {
					continue
				}
				has[name] = true
				if !yield(key, value) {
					return false
				}
			}
		}
	}
	return true
}

// mergeSources are the mappings that a merge key names: one, or a list of them.
func (w *walker) mergeSources(n *yaml.Node, what string) []*yaml.Node {
	list := []*yaml.Node{n}
	if node := deref(n); node.Kind == yaml.SequenceNode && node.ShortTag() == "!!seq" {
		list = node.Content
	}
	var sources []*yaml.Node
	for _, item := range list {
		source := deref(item)
		if source.Kind != yaml.MappingNode || source.ShortTag() != "!!map" {
			w.problem(w.pos(item), fmt.Sprintf(`<<: in %s, want a mapping or a list of mappings, usually aliases; got %s`, what, describe(source)))
			continue
		}
		sources = append(sources, source)
	}
	return sources
}

// isMerge reports whether a key is a merge key; in quotes it is a text.
func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.ShortTag() == mergeTag
}

// isExtension reports whether a top-level key is one that is nobody's, kept for
// anchors and for other programs.
func isExtension(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && strings.HasPrefix(key.Value, "x-")
}

// withoutExtensions is a mapping without such keys; anything else as it is.
func withoutExtensions(n *yaml.Node) *yaml.Node {
	node := *deref(n)
	if node.Kind != yaml.MappingNode {
		return n
	}
	node.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isExtension(n.Content[i]) {
			node.Content = append(node.Content, n.Content[i], n.Content[i+1])
		}
	}
	return &node
}
