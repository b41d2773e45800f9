package live_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sluice/internal/executor"
	"sluice/internal/live"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

const file = `
name: shop
stages:
  - name: production
    targets:
      - name: api
        moon: {base: api}
        strategy:
          canary: {percentages: [10, 50], wait: 30m}
      - {name: web, moon: {base: web}}
`

func board(t *testing.T) *live.Board {
	t.Helper()
	facts := driver.Facts{Platform: "moon", Kinds: []driver.Kind{driver.Deploy, driver.Weight, driver.Stable}, Keys: []driver.Key{{Name: "base", Type: driver.String, Required: true, Identity: true}}}
	p, problems := pipeline.Parse("sluice.yaml", []byte(file), []driver.Facts{facts})
	if p == nil {
		t.Fatal(pipeline.Format(problems))
	}
	return live.NewBoard(p, func(text string) string { return strings.ReplaceAll(text, "token-12345", "***") })
}

func event(target, kind, phase string) executor.Notice {
	return executor.Notice{Target: target, Kind: executor.NoticeEvent, Event: &rollout.Event{Type: kind, Phase: phase, Message: "said"}}
}

// TestBoard: a canary as it is shown, from its creation to its end.
func TestBoard(t *testing.T) {
	b, now := board(t), noon()
	steps := []struct {
		n    executor.Notice
		want live.Row // of api; times and texts are compared below
	}{
		{event("api", "rollout.created", ""), live.Row{Stand: live.Created}},
		{executor.Notice{Target: "api", Kind: executor.NoticeProgress, Operation: &driver.Operation{Status: driver.Running, Progress: 40}}, live.Row{Stand: live.Working, Progress: 40}},
		{executor.Notice{Target: "api", Kind: executor.NoticeProgress, Operation: &driver.Operation{Status: driver.Done, Progress: 100}}, live.Row{Stand: live.Working}},
		{event("api", "effect.succeeded", "canary-10"), live.Row{Stand: live.Working, Percent: 10, Split: true}},
		{executor.Notice{Target: "api", Kind: executor.NoticeWaiting, Waiting: &rollout.Waiting{Kind: rollout.WaitBake, Until: now.Add(time.Hour)}}, live.Row{Stand: live.Waiting, Percent: 10, Split: true}},
		{executor.Notice{Target: "api", Kind: executor.NoticeCheck, Phase: "canary-10", Job: "verify"}, live.Row{Stand: live.Working, Percent: 10, Split: true}},
		{event("api", "effect.succeeded", "stable"), live.Row{Stand: live.Working, Percent: 100, Split: true}},
		{event("api", "rollout.succeeded", ""), live.Row{Stand: live.Done, Percent: 100, Split: true}},
		{executor.Notice{Target: "elsewhere", Kind: executor.NoticeDone}, live.Row{Stand: live.Done, Percent: 100, Split: true}},
	}
	for i, step := range steps {
		b.Take(step.n, now.Add(time.Duration(i)*time.Second))
		rows := b.Rows()
		if len(rows) != 1 {
			t.Fatalf("step %d: %d rows", i, len(rows))
		}
		got := rows[0]
		if got.Stand != step.want.Stand || got.Percent != step.want.Percent || got.Split != step.want.Split || got.Progress != step.want.Progress {
			t.Errorf("step %d: %+v, want %+v", i, got, step.want)
		}
		if waits := got.Stand == live.Waiting; waits == got.Until.IsZero() {
			t.Errorf("step %d: until %v", i, got.Until)
		}
	}
	if r := b.Rows()[0]; !r.Began.Equal(now) || !r.Ended.Equal(now.Add(7*time.Second)) {
		t.Errorf("from %v to %v", r.Began, r.Ended)
	}
	b.Take(executor.Notice{Target: "web", Kind: executor.NoticeNoPoll, Err: errors.New("it said token-12345")}, now)
	if text := b.Rows()[1].Text; !strings.Contains(text, "it said ***") {
		t.Errorf("the table says %q", text)
	}
	b.Take(executor.Notice{Kind: executor.NoticeRows, Count: 300}, now)
	if b.Targets() != 300 {
		t.Errorf("%d targets", b.Targets())
	}
}

// TestLasting: what has to be read after the table is gone.
func TestLasting(t *testing.T) {
	for _, n := range []executor.Notice{
		event("api", "rollout.failed", ""), event("api", "job.failed", "stable"),
		{Target: "api", Kind: executor.NoticeWarning, Text: "beware"},
		{Target: "api", Kind: executor.NoticeLog, Title: "hook", Text: "output"},
		{Target: "api", Kind: executor.NoticeNoAnswer, Err: errors.New("lost")},
		{Target: "api", Kind: executor.NoticeOrder, Order: &rollout.Order{By: "ada", Command: "cancel"}},
	} {
		if !live.Lasting(n) {
			t.Errorf("%+v is gone with the table", n)
		}
	}
	for _, n := range []executor.Notice{
		event("api", "effect.succeeded", "canary-10"), event("api", "rollout.created", ""),
		{Target: "api", Kind: executor.NoticePoll},
		{Target: "api", Kind: executor.NoticeProgress, Operation: &driver.Operation{Status: driver.Running}},
	} {
		if live.Lasting(n) {
			t.Errorf("%+v stays", n)
		}
	}
	if text := strings.Join(live.Layout(board(t).Rows(), 0, live.Size{Columns: 80, Lines: 30}, live.Style{}, noon()), ""); text != "" {
		t.Errorf("an empty board shows %q", text)
	}
}
