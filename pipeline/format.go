package pipeline

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Format writes problems for people: each with its line of the file and a
// caret under the place.
//
//	sluice.yaml:2:1: unknown key "stagse" in a pipeline (did you mean "stages"?)
//	  |
//	2 | stagse:
//	  | ^~~~~~
func Format(problems []Problem) string {
	var b strings.Builder
	for _, p := range problems {
		severity := ""
		if p.Warning {
			severity = "warning: "
		}
		fmt.Fprintf(&b, "%s: %s%s\n", p.Pos, severity, p.Message)
		b.WriteString(snippet(p))
	}
	return b.String()
}

// snippet is the problem's line and the caret under it, "" without a line.
func snippet(p Problem) string {
	if strings.TrimSpace(p.Line) == "" {
		return ""
	}
	line, col := excerpt(printable(p.Line), p.Pos.Col-1)
	number := fmt.Sprint(p.Pos.Line)
	margin := strings.Repeat(" ", len(number))
	return fmt.Sprintf("%s |\n%s | %s\n%s | %s%s\n", margin, number, string(line), margin, strings.Repeat(" ", col), underline(line[col:]))
}

// printable replaces what a terminal would obey, character by character.
func printable(line string) []rune {
	return []rune(strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, line))
}

// excerpt cuts a long line around the column, from 0, that matters.
func excerpt(line []rune, col int) ([]rune, int) {
	const width, before = 120, 40
	col = max(0, min(col, len(line)))
	if len(line) <= width {
		return line, col
	}
	start := min(max(0, col-before), len(line)-width)
	return line[start : start+width], col - start
}

// underline is a caret, and tildes under the rest of the word, or of the
// quoted text, that it points to.
func underline(rest []rune) string {
	n := 0
	if len(rest) > 0 && (rest[0] == '"' || rest[0] == '\'') {
		n = 2 + max(0, slices.Index(rest[1:], rest[0]))
	}
	for n < len(rest) && !strings.ContainsRune(" ,:{}[]", rest[n]) {
		n++
	}
	return "^" + strings.Repeat("~", max(0, min(n, len(rest))-1))
}

// MarshalJSON is the problem for programs: file, line, column, severity
// ("error" or "warning") and message.
func (p Problem) MarshalJSON() ([]byte, error) {
	severity := "error"
	if p.Warning {
		severity = "warning"
	}
	return json.Marshal(struct {
		File     string `json:"file"`
		Line     int    `json:"line"`
		Column   int    `json:"column"`
		Severity string `json:"severity"`
		Message  string `json:"message"`
		Source   string `json:"source,omitempty"`
	}{p.Pos.File, p.Pos.Line, p.Pos.Col, severity, p.Message, p.Line})
}
