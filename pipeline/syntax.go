package pipeline

import (
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// Finding the line of a syntax error means scanning the file's beginnings
// again: the scanner names a line near the mistake, often not the one of it.
const (
	syntaxBudget = 4 << 20 // bytes to scan in all
	fewestScans  = 16      // of a file of any size
	lookAhead    = 50      // lines that a bracket or quote may stay open
)

// explainSyntax reports that the text is not YAML.
func explainSyntax(w *walker, text []byte, err error) {
	if tabs := tabs(w); len(tabs) > 0 {
		for _, line := range tabs {
			w.problem(w.at(line, 1), "a tab indents this line; YAML wants spaces")
		}
		return
	}
	message, named := scannerWords(err)
	line := max(1, min(brokenLine(w, text, named), len(w.lines)))
	w.problem(w.at(line, firstColumn(w, line)), "this is not YAML: "+message)
}

// scannerWords takes the scanner's error apart: what is wrong, and the line it
// names, 1 where it names none.
func scannerWords(err error) (message string, line int) {
	message = strings.TrimPrefix(err.Error(), "yaml: ")
	found := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(message)
	if found == nil {
		return explain(message), 1
	}
	line, err = strconv.Atoi(found[1])
	if err != nil {
		line = 1
	}
	return explain(strings.TrimPrefix(message, found[0])), line
}

// explain adds what would be right to the scanner's most frequent words.
func explain(message string) string {
	hints := []struct{ words, hint string }{
		{"mapping values are not allowed", `a ": " stands inside a value, or a line is indented more than its neighbours; quote the value or align the keys`},
		{"did not find expected key", "a line is indented less or more than its neighbours, or a bracket or quote is not closed; align the keys"},
		{"did not find expected '-' indicator", "a list ends here without being indented less; align its items"},
		{"did not find expected ',' or", "a bracket is not closed, or a comma is missing"},
		{"found unexpected end of stream", "a quote is not closed"},
		{"cannot start any token", `a value starts with a character that YAML keeps for itself ("@", "%" or a backtick); quote it`},
		{"could not find expected ':'", `a key has no ": " after it`},
		{"control characters are not allowed", "remove the character, or write it as an escape in double quotes"},
		{"unknown anchor", "define it with & before it is used, or quote a value that starts with *"},
	}
	for _, h := range hints {
		if strings.Contains(message, h.words) {
			return message + " (" + h.hint + ")"
		}
	}
	return message
}

// tabs lists the lines that tabs indent.
func tabs(w *walker) []int {
	var found []int
	for i, line := range w.lines {
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if strings.Contains(indent, "\t") && len(indent) < len(line) {
			found = append(found, i+1)
		}
	}
	return found
}

// brokenLine is the line after the longest run of leading lines that is YAML:
// the one that breaks the file. The search begins at the line that the scanner
// names. In the middle of a bracket or a quote a good file is not YAML either,
// so a few lines are looked ahead before it is said.
func brokenLine(w *walker, text []byte, named int) int {
	b := &beginnings{lines: w.lines, scans: max(fewestScans, syntaxBudget/max(1, len(text)))}
	last := b.before(min(named+1, len(w.lines)-1))
	for {
		last = b.boundary(last)
		next := b.after(last)
		if next == 0 {
			return last + 1
		}
		last = next
	}
}

// beginnings tells which first lines of a broken file are YAML.
type beginnings struct {
	lines []string
	scans int // that may still be made
}

// good reports whether the first n lines are YAML, as far as scans are left.
func (b *beginnings) good(n int) bool {
	if b.scans == 0 {
		return false
	}
	b.scans--
	_, _, err := scan([]byte(strings.Join(b.lines[:n], "\n") + "\n"))
	return err == nil
}

// before is the longest good beginning of n lines or a few less, else 0.
func (b *beginnings) before(n int) int {
	for lowest := max(0, n-lookAhead); n > lowest; n-- {
		if b.good(n) {
			return n
		}
	}
	return 0
}

// boundary is a good beginning, of n lines or more, that one line more breaks.
func (b *beginnings) boundary(n int) int {
	return n + sort.Search(max(0, len(b.lines)-n-1), func(i int) bool { return !b.good(n + i + 1) })
}

// after is a good beginning a few lines longer than n and one that is broken, else 0.
func (b *beginnings) after(n int) int {
	for next := n + 2; next < len(b.lines) && next <= n+lookAhead; next++ {
		if b.good(next) {
			return next
		}
	}
	return 0
}

// firstColumn is where the text of a line begins.
func firstColumn(w *walker, line int) int {
	if line > len(w.lines) {
		return 1
	}
	text := w.lines[line-1]
	return 1 + len(text) - len(strings.TrimLeft(text, " "))
}
