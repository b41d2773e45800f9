package view

import (
	"testing"
	"time"

	"sluice/rollout"
	"sluice/stages/driver"
)

// course is a rollout whose effects were read back, a minute each.
func course(command string, kinds ...driver.Change) *rollout.Execution {
	e := &rollout.Execution{Spec: rollout.Spec{Command: command, Target: driver.Target{Name: "a"}}, Times: map[string]time.Time{}}
	e.Rollout.State, e.Rollout.CreateTime = rollout.StateInProgress, t0
	for i, c := range kinds {
		at := t0.Add(time.Duration(i) * time.Hour)
		e.Rollout.Phases = append(e.Rollout.Phases, rollout.Phase{ID: c.Phase, State: rollout.PhaseSucceeded})
		e.Times[c.Phase] = at.Add(2 * time.Minute)
		e.Steps = append(e.Steps, rollout.Step{
			Phase: c.Phase, State: rollout.StepDone, Time: at, Call: driver.Call{Kind: driver.Kind(c.Job), Changes: []driver.Change{c}},
			Operation: &driver.Operation{Ended: at.Add(time.Minute)},
		})
	}
	return e
}

func change(kind driver.Kind, phase, percent string) driver.Change {
	return driver.Change{Job: string(kind), Phase: phase, Percent: percent}
}

// TestReportedTraffic: the share of a rollout's release follows what was read back,
// and nothing else.
func TestReportedTraffic(t *testing.T) {
	e := course(rollout.CommandPromote, change(driver.Weight, "canary-10", "10"), change(driver.Stable, "stable", ""), change(driver.Disable, "stable", ""), change(driver.Rollback, "", ""))
	e.Steps = append(e.Steps, rollout.Step{State: rollout.StepIntended, Call: driver.Call{Kind: driver.Deploy, Changes: []driver.Change{{}}}})
	got := ReportedOf(e)
	want := []TrafficPoint{{t0.Add(time.Minute), 10}, {t0.Add(61 * time.Minute), 100}, {t0.Add(181 * time.Minute), 0}}
	if len(got.Traffic) != len(want) {
		t.Fatalf("traffic %v", got.Traffic)
	}
	for i := range want {
		if got.Traffic[i] != want[i] {
			t.Errorf("%d: %v, want %v", i, got.Traffic[i], want[i])
		}
	}
	if p := got.Phases[0]; !p.Started.Equal(t0) || !p.Ended.Equal(t0.Add(2*time.Minute)) {
		t.Errorf("phase %+v", p)
	}
	back := ReportedOf(course(rollout.CommandRollback, change(driver.Rollback, "stable", "")))
	if len(back.Traffic) != 1 || back.Traffic[0].Percent != 100 {
		t.Errorf("a rollback brings its release all traffic: %v", back.Traffic)
	}
}

// TestReportedEnd: the phase in which a rollout failed ended with it, and traffic was
// back when that was read back.
func TestReportedEnd(t *testing.T) {
	e := course(rollout.CommandPromote, change(driver.Weight, "canary-10", "10"), change(driver.Rollback, "", ""))
	delete(e.Times, "canary-10")
	e.Rollout.State, e.Rollout.DeployEndTime, e.Restored = rollout.StateFailed, t0.Add(30*time.Minute), true
	got := ReportedOf(e)
	if !got.Phases[0].Ended.Equal(e.Rollout.DeployEndTime) || !got.RestoredAt.Equal(t0.Add(61*time.Minute)) || !got.Acted {
		t.Errorf("%+v", got)
	}
}
