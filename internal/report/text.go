package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"sluice/internal/outside"
	"sluice/internal/view"
)

// Text is an outcome for a terminal: one line a target, then what is waited for
// or went wrong, then the status.
func Text(command string, out view.Outcome) string {
	var b strings.Builder
	rows := make([][]string, 0, len(out.Targets))
	for _, t := range out.Targets {
		rows = append(rows, []string{t.Stage, t.Target, t.Platform, t.Release, waveWord(t), statusWord(t), t.Rollout, string(t.State), t.Phase})
	}
	b.WriteString(Table([]string{"STAGE", "TARGET", "PLATFORM", "RELEASE", "WAVE", "STATUS", "ROLLOUT", "STATE", "PHASE"}, rows))
	for _, t := range out.Targets {
		b.WriteString(measuredText(t))
	}
	for _, line := range remarks(out.Targets) {
		b.WriteString(outside.Line(line) + "\n")
	}
	b.WriteString(outside.Line(command + ": " + string(out.Status)))
	if !out.Next.IsZero() {
		fmt.Fprintf(&b, ", next at %s", out.Next.UTC().Format(time.RFC3339))
	}
	b.WriteString("\n")
	return b.String()
}

// few is how many targets have a line each for what they wait for.
const few = 8

// remarks are what went wrong, what stands then and what is waited for: what several
// targets have in common once.
func remarks(targets []view.Target) []string {
	var wrong, after, waits []view.About
	for _, t := range targets {
		if t.ErrorMessage != "" {
			wrong = append(wrong, view.About{Target: t.Target, Text: t.ErrorMessage})
		}
		if text := t.AfterFailure(); text != "" {
			after = append(after, view.About{Target: t.Target, Text: text})
		}
		if text := t.Leaves(); text != "" {
			after = append(after, view.About{Target: t.Target, Text: text})
		}
		if t.WaitingFor != nil {
			waits = append(waits, view.About{Target: t.Target, Text: t.WaitingFor.Waits()})
		}
	}
	var lines []string
	for _, one := range view.Together(wrong) {
		lines = append(lines, one.Target+": "+one.Text)
	}
	if len(waits) > few {
		waits = view.Together(waits)
	}
	for _, one := range append(after, waits...) {
		join := " "
		if one.Same {
			join = ": "
		}
		lines = append(lines, one.Target+join+one.Text)
	}
	return lines
}

func waveWord(t view.Target) string {
	if t.Wave == 0 {
		return ""
	}
	return strconv.Itoa(t.Wave)
}

func statusWord(t view.Target) string {
	switch {
	case t.Unchanged:
		return "unchanged"
	case t.Skipped:
		return "skipped, " + string(t.Status)
	case t.Withdrawn:
		return "withdrawn"
	}
	return string(t.Status)
}

// Table aligns rows under a head. Columns that are empty in every row are left
// out, and so is the whole table where there is no row.
func Table(head []string, rows [][]string) string {
	if len(rows) == 0 {
		return ""
	}
	keep := filled(head, rows)
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{head}, rows...) {
		cells := make([]string, 0, len(keep))
		for _, i := range keep {
			cells = append(cells, dash(outside.Line(row[i])))
		}
		_, _ = fmt.Fprintln(w, strings.Join(cells, "\t")) // into memory
	}
	_ = w.Flush() // into memory
	return b.String()
}

// filled lists the columns that some row fills.
func filled(head []string, rows [][]string) []int {
	var keep []int
	for i := range head {
		if slices.ContainsFunc(rows, func(row []string) bool { return row[i] != "" }) {
			keep = append(keep, i)
		}
	}
	return keep
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
