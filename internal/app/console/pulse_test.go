package console

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/actions"
	"sluice/internal/executor"
	"sluice/internal/work"
	"sluice/rollout"
	"sluice/stages/driver"
)

// TestKeepTelling: after ten seconds of silence it is said what is waited for, how
// long, and when it is looked at again; then every half a minute, and not while
// something else is told.
func TestKeepTelling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		out := NewStream(&log)
		c := New(out, actions.New(func(string) string { return "" }, out), time.Now)
		stop := c.KeepTelling(t.Context(), work.System())
		told := func() []string {
			synctest.Wait()
			out.mu.Lock()
			defer out.mu.Unlock()
			lines := strings.Split(strings.TrimSpace(log.String()), "\n")
			log.Reset()
			if lines[0] == "" {
				return nil
			}
			return lines
		}
		expect := func(what string, parts ...string) {
			t.Helper()
			lines := told()
			if len(parts) == 0 && lines == nil {
				return
			}
			if len(lines) != 1 {
				t.Fatalf("%s: %q", what, lines)
			}
			for _, p := range parts {
				if !strings.Contains(lines[0], p) {
					t.Errorf("%s: %q does not say %q", what, lines[0], p)
				}
			}
		}
		time.Sleep(9 * time.Second)
		expect("nine seconds")
		time.Sleep(2 * time.Second)
		expect("reading takes long", "still at work, for 10s", "reads the state and the platforms")

		c.Show(executor.Notice{Target: "web", Kind: executor.NoticeProgress, Operation: &driver.Operation{ID: "op-1", Status: "RUNNING", Progress: 40}})
		c.Show(executor.Notice{Target: "web", Kind: executor.NoticePoll, At: time.Now().Add(20 * time.Second)})
		expect("progress", "op-1: RUNNING 40%")
		time.Sleep(11 * time.Second)
		_ = told() // the pulse that was due: its time depends on what was told before
		time.Sleep(35 * time.Second)
		expect("half a minute later", "web", "still op-1: RUNNING 40%, for ")

		c.Show(executor.Notice{Target: "web", Kind: executor.NoticeEvent, Event: &rollout.Event{Type: "rollout.succeeded", Rollout: "r-1"}})
		expect("it is over", "rollout r-1 succeeded")
		stop()
		if len(c.waits) != 0 {
			t.Errorf("web still waits: %v", c.waits)
		}
		time.Sleep(time.Hour)
		expect("afterwards")
	})
}

// TestManyWait: of many targets that wait some are named, and the others counted.
func TestManyWait(t *testing.T) {
	var log bytes.Buffer
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	c := New(NewStream(&log), actions.New(func(string) string { return "" }, &log), func() time.Time { return now })
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		c.Show(executor.Notice{Target: name, Kind: executor.NoticeWaiting, Waiting: &rollout.Waiting{Kind: rollout.WaitBake, Until: now.Add(time.Minute)}})
	}
	lines := c.still(now.Add(40*time.Second), now)
	if len(lines) != 6 || lines[0][1] != "still bakes until 12:01:00, for 40s" || lines[5][1] != "and 2 more wait" {
		t.Errorf("%q", lines)
	}
}
