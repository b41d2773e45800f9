package report

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"sluice/rollout"
)

// Text is an outcome for a terminal: one line a target, then what is waited for
// or went wrong.
func Text(command string, out rollout.Outcome) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if len(out.Targets) > 0 {
		fmt.Fprintln(w, "STAGE\tTARGET\tPLATFORM\tRELEASE\tSTATUS\tSTATE\tPHASE")
	}
	for _, t := range out.Targets {
		status := string(t.Status)
		if t.Unchanged {
			status = "unchanged"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.Stage, t.Target, t.Platform, dash(t.Release), status, dash(string(t.State)), dash(t.Phase))
	}
	_ = w.Flush() // into memory
	for _, t := range out.Targets {
		if t.ErrorMessage != "" {
			fmt.Fprintf(&b, "%s: %s\n", t.Target, t.ErrorMessage)
		}
		if t.WaitingFor != nil {
			fmt.Fprintf(&b, "%s %s\n", t.Target, Waits(*t.WaitingFor))
		}
	}
	fmt.Fprintf(&b, "%s: %s", command, out.Status)
	if !out.Next.IsZero() {
		fmt.Fprintf(&b, ", next at %s", out.Next.UTC().Format(time.RFC3339))
	}
	b.WriteString("\n")
	return b.String()
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
