package console

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice/internal/actions"
	"sluice/internal/executor"
	"sluice/rollout"
)

// TestManyTargets: of many targets the log has counts and what went wrong, unless
// every line is asked for.
func TestManyTargets(t *testing.T) {
	for _, each := range []bool{false, true} {
		var log bytes.Buffer
		now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
		c := New(NewStream(&log), actions.New(func(string) string { return "" }, &log), func() time.Time { return now })
		c.each = each
		c.Show(executor.Notice{Kind: executor.NoticeRows, Count: 100})
		for i := range 100 {
			c.Show(executor.Notice{Target: fmt.Sprint("t", i), Kind: executor.NoticeEvent, Event: &rollout.Event{Type: "rollout.created", Rollout: "r"}})
		}
		c.Show(executor.Notice{Target: "t7", Kind: executor.NoticeEvent, Event: &rollout.Event{Type: "rollout.failed", Rollout: "r"}})
		c.Show(executor.Notice{Kind: executor.NoticeWave, Wave: 1, Waves: 3, Count: 10})
		c.count(true)
		want := map[bool]int{false: 4, true: 102}[each] // the first count, the failure, the wave, the last count
		if lines := strings.Count(log.String(), "\n"); lines != want {
			t.Errorf("each line %v: %d lines, want %d:\n%.500s", each, lines, want, log.String())
		}
		for _, said := range []string{"t7  rollout r failed", "wave 1 of 3 is over, with 10 targets so far"} {
			if !strings.Contains(log.String(), said) {
				t.Errorf("each line %v: %q is not told", each, said)
			}
		}
	}
}
