package pipeline

import (
	"regexp"
	"strconv"
	"strings"
)

// syntaxBudget bounds the bytes scanned again to find the line of a syntax
// error: the scanner names a line near the mistake, often not the one of it.
const syntaxBudget = 16 << 20

// syntax reports that the text is not YAML.
func (w *walker) syntax(text []byte, err error) {
	message, line := scannerWords(err)
	if tabs := w.tabs(); len(tabs) > 0 {
		for _, line := range tabs {
			w.problem(w.at(line, 1), "a tab indents this line; YAML wants spaces")
		}
		return
	}
	if found := w.brokenLine(text); found > 0 {
		line = found
	}
	line = max(1, min(line, len(w.lines)))
	w.problem(w.at(line, w.firstColumn(line)), "this is not YAML: "+message)
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
func (w *walker) tabs() []int {
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
// the one that breaks the file. It is 0 where finding out costs too much.
func (w *walker) brokenLine(text []byte) int {
	if len(text)*len(w.lines) > syntaxBudget {
		return 0
	}
	for n := len(w.lines) - 1; n > 0; n-- {
		if _, _, err := scan([]byte(strings.Join(w.lines[:n], "\n") + "\n")); err == nil {
			return n + 1
		}
	}
	return 1
}

// firstColumn is where the text of a line begins.
func (w *walker) firstColumn(line int) int {
	if line > len(w.lines) {
		return 1
	}
	text := w.lines[line-1]
	return 1 + len(text) - len(strings.TrimLeft(text, " "))
}
