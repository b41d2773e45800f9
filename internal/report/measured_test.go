package report

import (
	"strings"
	"testing"
	"time"

	"sluice/analysis"
	"sluice/internal/view"
)

// TestMeasuredIsShown: value, bound, verdict and trend stand in the table, the text
// and a chart, and nothing that came from outside ends a chart.
func TestMeasuredIsShown(t *testing.T) {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	m := view.Measure{
		Check: "metric errors\"]\n```", Phase: "canary-10", Job: "analysis", Verdict: analysis.Failed, Value: "0.2", Condition: "< 0.01", Text: "0.2 is not < 0.01",
		LookedAt: at.Add(20 * time.Minute), Looks: 3, Failed: 1,
		Trend: []view.Trend{{At: at, Value: 0.000001}, {At: at.Add(10 * time.Minute), Value: 0.1}, {At: at.Add(20 * time.Minute), Value: 0.2}},
	}
	out := view.Outcome{Targets: []view.Target{{Target: "api", Measures: []view.Measure{m}}}}
	text := Text("status", out)
	for _, want := range []string{"0.2 (< 0.01): failed, look 3 at 2026-01-01T12:20:00Z; 0.2 is not < 0.01", "▁▄█"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	summary := Summary(nil, "status", out, "")
	for _, want := range []string{
		"| api | canary-10 |", "| failed | 3 | 12:20:00 |", "```mermaid\nxychart-beta\n", `x-axis ["12:00", "12:10", "12:20"]`, "line [0.000001, 0.1, 0.2]", "line [0.01, 0.01, 0.01]",
	} {
		if !strings.Contains(summary, want) {
			t.Errorf("%q is not in\n%s", want, summary)
		}
	}
	chart := summary[strings.Index(summary, "```mermaid"):]
	if n := strings.Count(chart, "```"); n != 2 {
		t.Errorf("%d fences in\n%s", n, chart)
	}
}

// TestComparisonsAreCharted: the second line is the baseline.
func TestComparisonsAreCharted(t *testing.T) {
	one, other := 1.0, 2.0
	m := view.Measure{Check: "compare a with b", Baseline: "2", P: "0.5", Trend: []view.Trend{{Value: 3, Baseline: &one}, {Value: 4, Baseline: &other}}}
	if got := chart("api", m); !strings.Contains(got, "line [3, 4]\n  line [1, 2]\n") {
		t.Errorf("got %s", got)
	}
}

// TestFewCharts: a fleet does not flood the summary.
func TestFewCharts(t *testing.T) {
	var out view.Outcome
	for range 50 {
		m := view.Measure{Check: "metric x", Trend: []view.Trend{{Value: 1}, {Value: 2}}}
		out.Targets = append(out.Targets, view.Target{Target: "api", Measures: []view.Measure{m}})
	}
	if n := strings.Count(Summary(nil, "status", out, ""), "xychart-beta"); n != mostCharts {
		t.Errorf("%d charts", n)
	}
}
