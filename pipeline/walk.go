package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"

	"sluice/stages/driver"
)

// walker knows where a node stands, what it is, and collects what is wrong with it.
// Each section of the file is read by functions over it, in a file of their own.
// Reading never stops at a mistake: the value that could not be read is left at its
// default.
type walker struct {
	file      string
	lines     []string
	platforms []driver.Facts
	patterns  patterns
	unfilled  map[Pos]bool // where a workflow's expression stands: told already, and nothing else of it
	problems  []Problem
}

func (w *walker) at(line, col int) Pos { return Pos{File: w.file, Line: line, Col: col} }

func (w *walker) pos(n *yaml.Node) Pos { return w.at(n.Line, n.Column) }

// mostProblems bounds what is told of a file in which everything is wrong.
const mostProblems = 10_000

func (w *walker) problem(pos Pos, message string) {
	if w.unfilled[pos] {
		return
	}
	if len(w.problems) > mostProblems {
		return
	}
	if len(w.problems) == mostProblems {
		message = "there are more mistakes than can be listed; mend these first"
	}
	w.problems = append(w.problems, Problem{Pos: pos, Message: message})
}

// sorted gives the problems in the order of the file, each once and with its line.
func (w *walker) sorted() []Problem {
	sort.SliceStable(w.problems, func(i, j int) bool {
		a, b := &w.problems[i], &w.problems[j]
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col), cmp.Compare(a.Message, b.Message)) < 0
	})
	w.problems = slices.Compact(w.problems)
	for i := range w.problems {
		w.problems[i].Line = lineAt(w.lines, w.problems[i].Pos)
	}
	return w.problems
}

// lineAt is the line that pos points into, "" where there is none.
func lineAt(lines []string, pos Pos) string {
	if pos.Line < 1 || pos.Line > len(lines) {
		return ""
	}
	return lines[pos.Line-1]
}

// deref follows an alias to what it stands for.
func deref(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// mapping is one YAML mapping opened with the keys that it may have: unknown
// and repeated ones are already reported.
type mapping struct {
	w      *walker
	what   string // "a stage": how messages call it
	pos    Pos
	values map[string]*yaml.Node
	meant  map[string]bool // the keys that unknown ones were probably meant to be
}

// mapping opens n. It is false, and reported, where n is no mapping.
func (w *walker) mapping(n *yaml.Node, what string, keys ...string) (mapping, bool) {
	m := mapping{w: w, what: what, pos: w.pos(n), values: map[string]*yaml.Node{}, meant: map[string]bool{}}
	node := deref(n)
	if node.Kind != yaml.MappingNode || node.ShortTag() != "!!map" {
		w.problem(m.pos, fmt.Sprintf("%s is a mapping with %s; this is %s", what, listOf(keys), describe(node)))
		return m, false
	}
	for key, value := range w.entries(node, what) {
		m.add(key, value, keys)
	}
	return m, true
}

// add takes one key and its value into the mapping.
func (m mapping) add(key, value *yaml.Node, keys []string) {
	name, pos := deref(key).Value, m.w.pos(key)
	switch {
	case deref(key).Kind != yaml.ScalarNode:
		m.w.problem(pos, fmt.Sprintf("the keys of %s are words; this is %s", m.what, describe(deref(key))))
	case !slices.Contains(keys, name):
		m.unknown(name, pos, keys)
	case m.values[name] != nil:
		m.w.problem(pos, fmt.Sprintf("key %q appears twice in %s (first on line %d); keep one", name, m.what, m.values[name].Line))
	default:
		m.values[name] = value
	}
}

// unknown reports a key that the mapping may not have.
func (m mapping) unknown(name string, pos Pos, keys []string) {
	if where := m.misplaced(name); where != "" {
		m.w.problem(pos, fmt.Sprintf("unknown key %s in %s: it stands %s; move it there", quote(name), m.what, where))
		return
	}
	m.meant[Nearest(name, keys)] = true
	m.w.problem(pos, fmt.Sprintf("unknown key %s in %s%s; valid keys are %s", quote(name), m.what, didYouMean(name, keys), listOf(keys)))
}

// has reports whether the mapping has the key.
func (m mapping) has(key string) bool { return m.values[key] != nil }

// node is the key's value, nil without the key.
func (m mapping) node(key string) *yaml.Node { return m.values[key] }

// present lists those of the keys that the mapping has.
func (m mapping) present(keys ...string) []string {
	var found []string
	for _, key := range keys {
		if m.has(key) {
			found = append(found, key)
		}
	}
	return found
}

// require reports the keys that are missing and not just misspelt.
func (m mapping) require(keys ...string) {
	for _, key := range keys {
		if !m.has(key) && !m.meant[key] {
			m.w.problem(m.pos, fmt.Sprintf("%s needs the key %q", m.what, key))
		}
	}
}

// exactlyOne is the one of the keys that the mapping has. Several or none are
// reported.
func (m mapping) exactlyOne(keys ...string) (string, bool) {
	found := m.present(keys...)
	switch len(found) {
	case 1:
		return found[0], true
	case 0:
		if slices.ContainsFunc(keys, func(key string) bool { return m.meant[key] }) {
			break
		}
		m.w.problem(m.pos, fmt.Sprintf("%s needs exactly one of %s", m.what, listOf(keys)))
	default:
		m.w.problem(m.w.pos(m.values[found[1]]), fmt.Sprintf("%s has %s; give exactly one of %s", m.what, strings.Join(found, " and "), listOf(keys)))
	}
	return "", false
}

// list is the elements of a list. It is false, and reported, where n is none.
func (w *walker) list(key string, n *yaml.Node, of string) ([]*yaml.Node, bool) {
	node := deref(n)
	if node.Kind != yaml.SequenceNode || node.ShortTag() != "!!seq" {
		w.problem(w.pos(n), fmt.Sprintf("%s: want a list, each element %s; got %s", key, of, describe(node)))
		return nil, false
	}
	return node.Content, true
}

// items is the elements of the key's list, none without the key.
func (m mapping) items(key, of string) []*yaml.Node {
	n := m.node(key)
	if n == nil {
		return nil
	}
	items, _ := m.w.list(key, n, of)
	return items
}

// someItems is the elements of the key's list, reported where it is empty.
func (m mapping) someItems(key, of string) []*yaml.Node {
	items := m.items(key, of)
	if n := m.node(key); n != nil && deref(n).Kind == yaml.SequenceNode && len(items) == 0 {
		m.w.problem(m.w.pos(n), fmt.Sprintf("%s: the list is empty; want at least one element, %s", key, of))
	}
	return items
}

// describe says in words what a node is.
func describe(n *yaml.Node) string {
	switch tag := n.ShortTag(); {
	case n.Kind == yaml.MappingNode && tag == "!!map":
		return "a mapping"
	case n.Kind == yaml.SequenceNode && tag == "!!seq":
		return "a list"
	case n.Kind != yaml.ScalarNode:
		return fmt.Sprintf("a value with the tag %s; remove the tag", shorten(tag))
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!str":
		return "the text " + quote(n.Value)
	case "!!int", "!!float":
		return "the number " + shorten(n.Value)
	case "!!bool":
		return shorten(n.Value)
	case "!!timestamp":
		return "the time " + shorten(n.Value)
	}
	return shorten(n.ShortTag()) + " " + quote(n.Value)
}
