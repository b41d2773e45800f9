package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// load scans the file's bytes into one tree that is safe to walk: of one
// document, bounded in size and depth, and without an alias inside itself.
func load(w *walker, src []byte) (*yaml.Node, bool) {
	if len(src) > MaxSize {
		w.problem(w.at(1, 1), fmt.Sprintf("the file has %d bytes; a pipeline file has at most %d", len(src), MaxSize))
		return nil, false
	}
	if line, col, bad := invalidUTF8(src); bad {
		w.problem(w.at(line, col), "the file is not UTF-8; save it as UTF-8")
		return nil, false
	}
	text := bytes.TrimPrefix(src, []byte(byteOrderMark))
	root, second, err := scan(text)
	if err != nil {
		explainSyntax(w, text, err)
		return nil, false
	}
	if second != nil {
		w.problem(w.pos(second), `a second YAML document; a pipeline file is one document: remove what follows the line "---"`)
		return nil, false
	}
	if root == nil {
		w.problem(w.at(1, 1), `the file is empty; a pipeline needs at least "name" and "stages"`)
		return nil, false
	}
	return root, bounded(w, root)
}

const byteOrderMark = "\uFEFF"

// scan runs the YAML scanner over text: the document's root, nil where there
// is none, and the root of the document after it, nil where there is none.
func scan(text []byte) (root, second *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil { // the scanner is somebody else's, the text too
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(text))
	root, err = document(dec)
	if err != nil || root == nil {
		return nil, nil, err
	}
	second, err = document(dec)
	return root, second, err
}

// document reads the next document's root, nil after the last one.
func document(dec *yaml.Decoder) (*yaml.Node, error) {
	var doc yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil || len(doc.Content) == 0 {
		return nil, err
	}
	return doc.Content[0], nil
}

// bounded refuses trees that are too deep, too large or endless.
func bounded(w *walker, root *yaml.Node) bool {
	b := &bounds{measured: map[*yaml.Node]extent{}, open: map[*yaml.Node]bool{}}
	size, err := b.measure(root, 0)
	switch {
	case err != nil:
		w.problem(w.pos(err.node), err.why)
	case size.values-b.written > maxAliased:
		w.problem(w.pos(root), fmt.Sprintf("its aliases add more than %d values to the file; use fewer of them, or for smaller values", maxAliased))
	default:
		return true
	}
	return false
}

// bounds measures a tree in which aliases make nodes appear several times. Only
// a node with an anchor can.
type bounds struct {
	written  int // values that the file writes out
	measured map[*yaml.Node]extent
	open     map[*yaml.Node]bool // the nodes that the current one is inside of
}

// endless is more values than any file may have, few enough to be added up.
const endless = 1 << 40

// extent is how large a node is, aliases written out.
type extent struct {
	values int // at most endless
	depth  int // mappings and lists inside each other
}

// excess is a node that makes a tree too deep or endless.
type excess struct {
	why  string
	node *yaml.Node
}

// measure gives the extent of n, which is inside depth mappings and lists.
func (b *bounds) measure(n *yaml.Node, depth int) (extent, *excess) {
	if b.open[deref(n)] {
		return extent{}, &excess{fmt.Sprintf("alias *%s stands inside its own anchor; write the value out", n.Value), n}
	}
	whole, known := b.measured[deref(n)]
	if !known {
		var err *excess
		if whole, err = b.walk(deref(n), depth); err != nil {
			return whole, err
		}
	}
	if depth+whole.depth > maxDepth {
		return whole, &excess{fmt.Sprintf("more than %d mappings and lists inside each other; flatten the file", maxDepth), n}
	}
	return whole, nil
}

// walk measures a node for the first time. It stops below the deepest level
// that is allowed.
func (b *bounds) walk(n *yaml.Node, depth int) (extent, *excess) {
	whole := extent{values: 1}
	if n.Kind != yaml.ScalarNode {
		whole.depth = 1
	}
	if depth+whole.depth > maxDepth {
		return whole, nil
	}
	b.written++
	if n.Anchor != "" {
		b.open[n] = true
		defer delete(b.open, n)
	}
	for _, child := range n.Content {
		inner, err := b.measure(child, depth+1)
		if err != nil {
			return whole, err
		}
		whole.values = min(whole.values+inner.values, endless)
		whole.depth = max(whole.depth, 1+inner.depth)
	}
	if n.Anchor != "" {
		b.measured[n] = whole
	}
	return whole, nil
}

// invalidUTF8 finds the first byte that is not UTF-8.
func invalidUTF8(src []byte) (line, col int, bad bool) {
	if utf8.Valid(src) {
		return 0, 0, false
	}
	line, col = 1, 1
	for len(src) > 0 {
		r, size := utf8.DecodeRune(src)
		if r == utf8.RuneError && size == 1 {
			return line, col, true
		}
		col++
		if r == '\n' {
			line, col = line+1, 1
		}
		src = src[size:]
	}
	return 0, 0, false
}

// splitLines cuts the text where YAML 1.1 does.
func splitLines(src []byte) []string {
	text := strings.TrimPrefix(string(src[:min(len(src), MaxSize)]), byteOrderMark)
	return slices.Collect(func(yield func(string) bool) {
		for text != "" {
			end, size := lineBreak(text)
			if !yield(text[:end]) {
				return
			}
			text = text[end+size:]
		}
	})
}

// lineBreak finds the first line break and its length in bytes.
func lineBreak(text string) (end, size int) {
	end = strings.IndexAny(text, "\r\n\u0085\u2028\u2029")
	if end < 0 {
		return len(text), 0
	}
	if strings.HasPrefix(text[end:], "\r\n") {
		return end, 2
	}
	_, size = utf8.DecodeRuneInString(text[end:])
	return end, size
}
