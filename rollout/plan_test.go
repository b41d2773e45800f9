package rollout

import (
	"encoding/json"
	"time"

	"sluice/stages/driver"
)

func target() driver.Target { return targetOf("web") }

func targetOf(name string) driver.Target {
	return driver.Target{Name: name, Stage: "production", Platform: "moon", Config: json.RawMessage(`{}`)}
}

// plan is a promotion of r2 that a test may change.
func plan(change ...func(*Spec)) Spec {
	s := Spec{
		Promotion: "p1", Command: "promote", Target: target(), Release: driver.Release{ID: "r2"},
		Phases: PhasesOf(nil, false), Restore: true,
		Timeout: Duration(24 * time.Hour), OperationTimeout: Duration(time.Hour), Creator: "alice", Person: true,
	}
	for _, c := range change {
		c(&s)
	}
	return s
}

func canary(percentages ...string) func(*Spec) {
	return func(s *Spec) { s.Phases = PhasesOf(shares(percentages...), false) }
}

func shares(percentages ...string) []PhaseSpec {
	var list []PhaseSpec
	for _, p := range percentages {
		list = append(list, PhaseSpec{ID: "canary-" + p, Percent: p})
	}
	return list
}

func disabled(s *Spec) {
	last := len(s.Phases) - 1
	s.Phases[last] = StablePhase(true)
}

func waits(d time.Duration) func(*Spec) {
	return func(s *Spec) { w := Duration(d); s.Wait = &w }
}

func holds(s *Spec) { s.Restore = false }

func gated(jobs ...string) func(*Spec) {
	return func(s *Spec) {
		gate := []Gate{{Run: []string{"true"}}}
		for _, j := range jobs {
			switch j {
			case JobPredeploy:
				s.Gates.Predeploy = gate
			case JobVerify:
				s.Gates.Verify = gate
			case JobAnalysis:
				s.Gates.Analysis = gate
			case JobPostdeploy:
				s.Gates.Postdeploy = gate
			}
		}
	}
}

// staged gives jobs a check of scope stage beside their own.
func staged(jobs ...string) func(*Spec) {
	return func(s *Spec) {
		for _, j := range jobs {
			gate := Gate{Run: []string{"stage"}, StageScope: true}
			switch j {
			case JobPredeploy:
				s.Gates.Predeploy = append(s.Gates.Predeploy, gate)
			case JobVerify:
				s.Gates.Verify = append(s.Gates.Verify, gate)
			case JobPostdeploy:
				s.Gates.Postdeploy = append(s.Gates.Postdeploy, gate)
			}
		}
	}
}

func approved(a ApprovalSpec) func(*Spec) { return func(s *Spec) { s.Approval = &a } }

func release(id string) func(*Spec) { return func(s *Spec) { s.Release.ID = id } }

func promotion(id string) func(*Spec) { return func(s *Spec) { s.Promotion = id } }
