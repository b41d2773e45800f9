package docs_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestWakingUp computes the page's table from what the page says it assumes.
func TestWakingUp(t *testing.T) {
	page := read(t, "waking-up.md")
	const (
		workingDays, days = 22, 30
		jobs              = 3 // of a promotion: its own and one a bake
		price             = 0.006
	)
	for way, minutes := range map[string]int{
		"an environment's wait timer": jobs * workingDays,
		"a person":                    jobs * workingDays,
		"`deployment_status`":         jobs * workingDays,
		"`workflow_run`":              30*workingDays + workingDays,
		"cron in business hours":      4*12*workingDays + workingDays,
		"`inline-wait: 35m`":          61 * workingDays,
		"cron every ten minutes":      6*24*days + workingDays,
	} {
		cells := rowOf(t, page, way)
		if got, want := cells[1], thousands(minutes); got != want {
			t.Errorf("%s: %s minutes, computed %s", way, got, want)
		}
		if got, want := cells[2], fmt.Sprintf("%.2f", float64(minutes)*price); got != want {
			t.Errorf("%s: %s dollars, computed %s", way, got, want)
		}
	}
	for _, assumed := range []string{"22 working days", "0.006 dollars", "48 times on a working day", "144 times on each of 30 days", "30 times a working day", "61 minutes"} {
		if !strings.Contains(page, assumed) {
			t.Errorf("the page does not say that it assumes %s", assumed)
		}
	}
}

// rowOf is the cells of the table's row that begins so.
func rowOf(t *testing.T, page, begin string) []string {
	t.Helper()
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "| "+begin) {
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			return cells
		}
	}
	t.Fatalf("no row begins with %q", begin)
	return nil
}

// thousands is a number as people read it.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
