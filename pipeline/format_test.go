package pipeline_test

import (
	"encoding/json"
	"strings"
	"testing"

	"sluice/pipeline"
)

func TestFormat(t *testing.T) {
	problem := func(col int, line string) pipeline.Problem {
		return pipeline.Problem{Pos: pipeline.Pos{File: "f", Line: 12, Col: col}, Message: "m", Line: line}
	}
	long := strings.Repeat("a ", 100) + "here" + strings.Repeat(" b", 100)
	for name, c := range map[string]struct {
		problem pipeline.Problem
		want    string
	}{
		"word":        {problem(4, "a: word, b"), "f:12:4: m\n   |\n12 | a: word, b\n   |    ^~~~\n"},
		"quoted":      {problem(1, `"a b" c`), "f:12:1: m\n   |\n12 | \"a b\" c\n   | ^~~~~\n"},
		"unclosed":    {problem(1, `"a`), "f:12:1: m\n   |\n12 | \"a\n   | ^~\n"},
		"characters":  {problem(4, "日本 größe"), "f:12:4: m\n   |\n12 | 日本 größe\n   |    ^~~~~\n"},
		"behind":      {problem(9, "a:"), "f:12:9: m\n   |\n12 | a:\n   |   ^\n"},
		"tab":         {problem(2, "\ta"), "f:12:2: m\n   |\n12 |  a\n   |  ^\n"},
		"unprintable": {problem(1, "\x1b[31ma"), "f:12:1: m\n   |\n12 | \uFFFD[31ma\n   | ^\n"},
		"no line":     {problem(1, ""), "f:12:1: m\n"},
		"long":        {problem(201, long), "f:12:201: m\n   |\n12 | " + long[160:280] + "\n   | " + strings.Repeat(" ", 40) + "^~~~\n"},
	} {
		if got := pipeline.Format([]pipeline.Problem{c.problem}); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
		}
	}
	warning := problem(1, "")
	warning.Warning = true
	if got := pipeline.Format([]pipeline.Problem{warning}); got != "f:12:1: warning: m\n" {
		t.Errorf("got %s", got)
	}
}

func TestProblemAsJSON(t *testing.T) {
	problem := pipeline.Problem{Pos: pipeline.Pos{File: "f", Line: 1, Col: 2}, Message: "m", Warning: true, Line: "x"}
	data, err := json.Marshal([]pipeline.Problem{problem})
	if want := `[{"file":"f","line":1,"column":2,"severity":"warning","message":"m","source":"x"}]`; err != nil || string(data) != want {
		t.Errorf("got %s, %v", data, err)
	}
}
