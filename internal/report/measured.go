package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"sluice/internal/outside"
	"sluice/internal/view"
)

// mostCharts is how many charts one summary has; what else was measured stands in
// its table.
const mostCharts = 4

// measuredText is what was measured on a target, a line each.
func measuredText(t view.Target) string {
	var b strings.Builder
	for _, m := range t.Measures {
		fmt.Fprintf(&b, "%s%s\n", outside.Line(t.Target+" "+m.Phase+" "+m.Words()), sparkline(m.Trend))
	}
	return b.String()
}

// sparkline is a trend in one word; "" for fewer than two values.
func sparkline(trend []view.Trend) string {
	if len(trend) < 2 {
		return ""
	}
	const bars = "▁▂▃▄▅▆▇█"
	low, high := bounds(trend)
	steps := []rune(bars)
	line := []rune(" ")
	for _, t := range trend {
		i := 0
		if high > low {
			i = int((t.Value - low) / (high - low) * float64(len(steps)-1))
		}
		line = append(line, steps[i])
	}
	return string(line)
}

func bounds(trend []view.Trend) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, t := range trend {
		low, high = min(low, t.Value), max(high, t.Value)
		if t.Baseline != nil {
			low, high = min(low, *t.Baseline), max(high, *t.Baseline)
		}
	}
	return low, high
}

// measured is what was measured, as a table, and how it went, as charts.
func measured(b *strings.Builder, out view.Outcome) {
	rows := 0
	for _, t := range out.Targets {
		for _, m := range t.Measures {
			if rows == 0 {
				b.WriteString("| target | phase | measured | value | held against | verdict | looks | last |\n|---|---|---|---|---|---|---|---|\n")
			}
			rows++
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %d | %s |\n", escape(t.Target), escape(m.Phase), escape(m.Check), escape(m.Value),
				escape(heldAgainst(m)), escape(string(m.Verdict)), m.Looks, m.LookedAt.UTC().Format("15:04:05"))
		}
	}
	if rows > 0 {
		b.WriteString("\n")
	}
	charts := 0
	for _, t := range out.Targets {
		for _, m := range t.Measures {
			if len(m.Trend) > 1 && charts < mostCharts {
				charts++
				b.WriteString(chart(t.Target, m))
			}
		}
	}
}

func heldAgainst(m view.Measure) string {
	if m.Baseline != "" {
		return m.Baseline + ", p = " + m.P
	}
	return m.Condition
}

// chart is a trend as a Mermaid chart: a line for the values, one for the baseline or
// the bound.
func chart(target string, m view.Measure) string {
	times, values, against := make([]string, len(m.Trend)), make([]string, len(m.Trend)), make([]string, 0, len(m.Trend))
	bound, bounded := bound(m.Condition)
	for i, t := range m.Trend {
		times[i], values[i] = strconv.Quote(t.At.UTC().Format("15:04")), number(t.Value)
		switch {
		case t.Baseline != nil:
			against = append(against, number(*t.Baseline))
		case bounded:
			against = append(against, number(bound))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "```mermaid\nxychart-beta\n  title %q\n  x-axis [%s]\n  line [%s]\n", titled(target+" "+m.Phase+": "+m.Check), strings.Join(times, ", "), strings.Join(values, ", "))
	if len(against) == len(m.Trend) {
		fmt.Fprintf(&b, "  line [%s]\n", strings.Join(against, ", "))
	}
	return b.String() + "```\n\n"
}

// bound is the number of a condition.
func bound(condition string) (float64, bool) {
	_, text, _ := strings.Cut(condition, " ")
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil
}

// number is a value as Mermaid reads it: without an exponent.
func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// titled is text without what ends a title or a line of Mermaid.
func titled(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '"' || r == '`' || r == '\\' || r < ' ' {
			return ' '
		}
		return r
	}, text)
}
