package live_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clipperhouse/displaywidth"

	"sluice/internal/live"
)

var update = flag.Bool("update", false, "write the golden frames instead of comparing them")

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// fleet is a promotion of so many targets, in all stands.
func fleet(n int) []live.Row {
	var rows []live.Row
	for i := range n {
		r := live.Row{
			Stage: "production", Target: fmt.Sprintf("store-%04d", i+1), Release: "v42", Began: noon().Add(-time.Duration(i*7+5) * time.Second),
			Stand: live.Working, Text: "canary-10: 10 % of the traffic to v42", Percent: 10, Split: true,
		}
		switch i % 6 {
		case 1:
			r.Stand, r.Text, r.Until = live.Waiting, "bakes until 12:28:00", noon().Add(28*time.Minute)
		case 2:
			r.Text, r.Split, r.Progress = "update-42: RUNNING 40%", false, 40
		case 3, 4:
			r.Stand, r.Text, r.Percent, r.Ended = live.Done, "rollout v42-to-store succeeded", 100, noon().Add(-time.Second)
		case 5:
			r.Stand, r.Text, r.Ended = live.Failed, "stable: deploy failed: the platform said something that is long\x1b[2J and has\nlines, 漢字 too", noon()
		}
		rows = append(rows, r)
	}
	return rows
}

// TestFrames: what is shown of few and of many targets, on a narrow and on a wide
// terminal of 30 lines.
func TestFrames(t *testing.T) {
	for _, n := range []int{3, 30, 300} {
		for _, columns := range []int{80, 160} {
			rows := fleet(n)
			if n == 300 {
				rows = rows[:240]
			}
			size := live.Size{Columns: columns, Lines: 30}
			lines := live.Layout(rows, n, size, live.Style{}, noon())
			for _, line := range lines {
				if displaywidth.String(line) >= columns {
					t.Errorf("%d targets: %d cells of %d: %q", n, displaywidth.String(line), columns, line)
				}
			}
			if len(lines) >= size.Lines {
				t.Errorf("%d targets: %d lines of %d", n, len(lines), size.Lines)
			}
			golden(t, fmt.Sprintf("%d-%d.txt", n, columns), strings.Join(lines, "\n")+"\n")
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got {
		t.Errorf("%s (%v): got\n%s", file, err, got)
	}
}

// TestStyle: colours are for those that need somebody, and blocks have ASCII instead.
func TestStyle(t *testing.T) {
	rows := fleet(6)
	text := strings.Join(live.Layout(rows, 6, live.Size{Columns: 100, Lines: 30}, live.Style{Colour: true, ASCII: true}, noon()), "\n")
	if !strings.Contains(text, "\x1b[31mstore-0006") || !strings.Contains(text, "\x1b[33mstore-0002") || strings.Contains(text, "\x1b[2J") || !strings.Contains(text, "#.........") || strings.Contains(text, "█") {
		t.Errorf("%q", text)
	}
	if lines := live.Layout(rows, 6, live.Size{Columns: 10, Lines: 30}, live.Style{}, noon()); lines != nil {
		t.Errorf("a terminal of ten columns shows %q", lines)
	}
}
