package check

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/analysis"
	"sluice/internal/sandbox/metrics"
	"sluice/rollout"
	"sluice/stages/driver"
)

// bakeStory is a canary that bakes under a reconcile every ten minutes, in virtual
// time, with the machine and the checks that a run has.
type bakeStory struct {
	t      *testing.T
	bed    *bed
	record rollout.Record
	lines  []string
	runs   int // invocations that had something to do: each is billed as a minute
	looks  int
}

func newBakeStory(t *testing.T, b *bed) *bakeStory {
	wait := rollout.Duration(30 * time.Minute)
	target := driver.Target{Name: "api", Stage: "production", Platform: "moon"}
	s := &bakeStory{t: t, bed: b, record: rollout.New("shop", target)}
	errors, latency := promMetric("errors", 0.01), cloudwatchMetric(0.5)
	s.apply(rollout.Create{Runs: driver.Release{ID: "v1"}, Spec: rollout.Spec{
		Promotion: "p1", Command: rollout.CommandPromote, Target: target, Release: driver.Release{ID: "v2"}, Phases: rollout.PhasesOf([]rollout.PhaseSpec{{ID: "canary-10", Percent: "10"}, {ID: "canary-50", Percent: "50"}}, false),
		Wait: &wait, Restore: true, Timeout: rollout.Duration(24 * time.Hour), OperationTimeout: rollout.Duration(time.Hour), Creator: "anna", Person: true,
		Gates: rollout.Gates{Analysis: []rollout.Gate{errors, latency}},
	}})
	return s
}

func (s *bakeStory) apply(t rollout.Transition) {
	s.t.Helper()
	if err := rollout.Apply(&s.record, t, time.Now()); err != nil {
		s.t.Fatal(err)
	}
}

// say notes what happened, with the time since the story began.
func (s *bakeStory) say(format string, args ...any) {
	at := time.Since(start)
	s.lines = append(s.lines, fmt.Sprintf("%d:%02d  ", int(at.Hours()), int(at.Minutes())%60)+fmt.Sprintf(format, args...))
}

// invocation does what is due, as promote and reconcile do.
func (s *bakeStory) invocation() {
	s.t.Helper()
	before := len(s.lines)
	for range 100 {
		now := time.Now()
		rollout.Settle(&s.record, nil, rollout.Setting{}, now)
		due := rollout.Next(&s.record, nil, rollout.Setting{}, now)
		switch due.Action {
		case rollout.ActionEffect:
			s.effect(due)
		case rollout.ActionCheck:
			s.check(due)
		default:
			if len(s.lines) > before {
				s.runs++
			}
			return
		}
	}
	s.t.Fatal("there is no end to what is due")
}

func (s *bakeStory) effect(due rollout.Due) {
	e, _ := s.record.Rollout(due.Rollout)
	key, change := e.CallKey(due), e.Change(due)
	call := driver.Call{Key: key, Kind: due.Kind, Changes: []driver.Change{change}, Intended: time.Now()}
	s.apply(rollout.Intend{Due: due, Call: call, Before: []byte(`{}`), After: []byte(`{}`)})
	s.apply(rollout.Answer{Key: key, Operation: driver.Operation{Status: driver.Done, Results: map[string]driver.Result{"api": {Outcome: driver.Succeeded}}}})
	switch due.Kind {
	case driver.Weight:
		s.say("v2 has %s %%", change.Percent)
	case driver.Stable:
		s.say("v2 has all of the traffic")
	default:
		s.say("traffic is back on v1")
	}
}

func (s *bakeStory) check(due rollout.Due) {
	s.apply(rollout.StartJob{Due: due})
	e, _ := s.record.Rollout(due.Rollout)
	var looks []rollout.Look
	for _, d := range e.ChecksDue(due.Phase, due.Job, time.Now()) {
		sample := s.bed.Look(s.t.Context(), d.Gate, Vars{}, d.Window)
		looks = append(looks, rollout.Look{Check: d.Index, Sample: sample})
		s.looks++
		name := map[int]string{0: "errors", 1: "5XXError"}[d.Index]
		s.say("%s %s: %s", name, sample.Value, sample.Verdict)
	}
	s.apply(rollout.Looked{Due: due, Looks: looks})
}

// tell runs the story to its end and says what it cost.
func (s *bakeStory) tell() string {
	s.invocation()
	for s.record.Unfinished() && time.Since(start) < 3*time.Hour {
		time.Sleep(10 * time.Minute)
		s.invocation()
	}
	e, _ := s.record.Newest()
	s.say("%s: %d looks, %d invocations, as many billed minutes", e.Rollout.State, s.looks, s.runs)
	return strings.Join(s.lines, "\n") + "\n"
}

// TestBakeStories: the stories of docs/analysis.md are what happens, and the same
// series give the same verdicts whenever they are told.
func TestBakeStories(t *testing.T) {
	page, err := os.ReadFile("../../docs/analysis.md")
	if err != nil {
		t.Fatal(err)
	}
	steady := metrics.Series{Value: metrics.Steady(0.002)}
	for name, errors := range map[string]metrics.Series{
		"good": steady,
		"bad":  {Value: metrics.From(start.Add(45*time.Minute), metrics.Steady(0.002), metrics.Steady(0.04))},
	} {
		var told []string
		for range 2 {
			synctest.Test(t, func(t *testing.T) {
				b := newBed()
				b.prometheus.Answer("errors", errors)
				b.cloudwatch.Answer(cloudwatchKey, metrics.Series{Value: metrics.Steady(0.02)})
				told = append(told, newBakeStory(t, b).tell())
			})
		}
		if told[0] != told[1] {
			t.Errorf("%s: told twice it is\n%s\nand\n%s", name, told[0], told[1])
		}
		if !strings.Contains(string(page), "```text\n"+told[0]+"```") {
			t.Errorf("%s: docs/analysis.md has no such story:\n%s", name, told[0])
		}
	}
}

// TestNoisyIsNotBad: over a bake noise around a good value fails nothing, and a few
// looks that are late or throttled change no verdict.
func TestNoisyIsNotBad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed()
		b.prometheus.Answer("errors", metrics.Series{Value: metrics.Noisy(1, 0.004, 0.001)})
		b.cloudwatch.Answer(cloudwatchKey, metrics.Series{Value: metrics.Noisy(2, 0.02, 0.005), Late: time.Minute})
		b.cloudwatch.Throttle(2)
		s := newBakeStory(t, b)
		s.tell()
		e, _ := s.record.Newest()
		verdicts := map[analysis.Verdict]int{}
		for _, m := range e.Measures {
			for _, sample := range m.Samples {
				verdicts[sample.Verdict]++
			}
		}
		if e.Rollout.State != rollout.StateSucceeded || verdicts[analysis.Passed] != 12 || slices.Contains(s.lines, "failed") {
			t.Errorf("%s, %v:\n%s", e.Rollout.State, verdicts, strings.Join(s.lines, "\n"))
		}
	})
}
