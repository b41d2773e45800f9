package rollout

import (
	"testing"
	"time"

	"sluice/stages/driver"
)

// inPhases is a canary of 10 and 50, whose first phase has everything of its own.
func inPhases(own PhaseOwn) func(*Spec) {
	return func(s *Spec) {
		canary("10", "50")(s)
		s.Phases[0].ID, s.Phases[0].Own = "early", &own
		s.Variables = map[string]string{"color": "green"}
		gated(JobVerify, JobAnalysis)(s)
	}
}

// TestPhaseOfItsOwn: a phase that has its own wait, variables and checks has them in
// the place of the rollout's, which the other phases keep.
func TestPhaseOfItsOwn(t *testing.T) {
	s := newRig(t)
	wait := Duration(10 * time.Minute)
	e := s.start(inPhases(PhaseOwn{Wait: &wait, Variables: map[string]string{"color": "blue"}}), waits(time.Hour))
	s.want("early has no checks", jobs(t, e, "early"), "deploy=SUCCEEDED")
	s.want("the other one has", jobs(t, e, "canary-50"), "deploy=PENDING verify=PENDING analysis=PENDING")
	s.want("variables", e.Steps[0].Call.Changes[0].Variables, map[string]string{"color": "blue"})
	s.want("bakes until", s.run().Waiting.Until, e.Times["early"].Add(10*time.Minute))
	s.after(10 * time.Minute)
	s.want("sent", s.sent, []string{"weight 10", "weight 50"})
	s.want("variables", e.Steps[1].Call.Changes[0].Variables, map[string]string{"color": "green"})
}

// TestPhaseByHand: a phase without a wait of its own is advanced by a person, though
// the others bake.
func TestPhaseByHand(t *testing.T) {
	s := newRig(t)
	e := s.start(inPhases(PhaseOwn{Analysis: []Gate{{Run: []string{"look"}}}}), waits(time.Hour))
	s.want("its analysis is over with its looks", jobs(t, e, "early"), "deploy=SUCCEEDED analysis=SUCCEEDED")
	s.want("waits for", s.run().Waiting.Kind, WaitPerson)
	s.must(s.apply(Advance{Rollout: e.Rollout.Name, Phase: "canary-50", By: person("bob")}))
	s.run()
	s.want("sent", s.sent, []string{"weight 10", "weight 50"})
}

// TestStandsAgainAsItStood: a canary that must stand again before it is made stable
// stands as the last phase that was not skipped.
func TestStandsAgainAsItStood(t *testing.T) {
	s := newRig(t)
	e := s.start(inPhases(PhaseOwn{Variables: map[string]string{"color": "blue"}}))
	s.must(s.apply(Advance{Rollout: e.Rollout.Name, Phase: "stable", Jump: true, By: person("bob")}))
	e.Restored = true
	due := Next(&s.r, nil, s.setting, s.now)
	s.want("kind", due.Kind, driver.Weight)
	c := e.Change(due)
	s.want("percent", c.Percent, "10")
	s.want("variables", c.Variables, map[string]string{"color": "blue"})
}

// TestPlannedChecks: a check is told once, with the phases where not all have it.
func TestPlannedChecks(t *testing.T) {
	smoke, long, look := Gate{Run: []string{"smoke"}}, Gate{Run: []string{"long"}}, Gate{Run: []string{"look"}}
	s := plan(canary("10", "50"))
	s.Gates = Gates{Predeploy: []Gate{smoke}, Verify: []Gate{smoke}, Analysis: []Gate{look}}
	s.Phases[0].Own = &PhaseOwn{Verify: []Gate{smoke, long}, Analysis: []Gate{look}}
	r := newRig(t)
	r.want("checks", s.PlannedChecks(), []PlannedCheck{
		{Job: JobPredeploy, Gate: smoke},
		{Job: JobVerify, Gate: smoke},
		{Job: JobVerify, Phases: []string{"canary-10"}, Gate: long},
		{Job: JobAnalysis, Gate: look},
	})
}
