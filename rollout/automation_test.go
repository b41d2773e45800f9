package rollout

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/api/clouddeploy/v1"

	"sluice/stages/driver"
)

func repairRule(attempts int, wait time.Duration, back bool) Rule {
	rule := Rule{Name: "repair-1", Kind: AutomationRepair, Stage: "production", Retry: &RetryRule{Attempts: attempts, Wait: Duration(wait)}}
	if back {
		rule.Back = &BackRule{}
	}
	return rule
}

var robot = Actor{Login: "automation"}

// repair runs a rule when it is due and says in how long; false where it does nothing.
func (s *rig) repair(rule Rule) (time.Duration, bool) {
	s.t.Helper()
	step, ok := s.r.RepairDue(rule)
	if !ok {
		return 0, false
	}
	in := step.At.Sub(s.now)
	if in > 0 {
		s.now = step.At
	}
	s.must(s.apply(Repair{Rule: rule, By: robot}))
	s.run()
	return in, true
}

// TestRepairHelps: a job that fails twice passes at the second attempt, although the
// canary's traffic was put back each time.
func TestRepairHelps(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/verify"] = []string{"fail", "fail"}
	e := s.start(canary("10"), waits(time.Minute), restores, gated(JobVerify))
	s.want("failed", []any{e.Rollout.State, e.Restored}, []any{StateFailed, true})
	rule := repairRule(3, 5*time.Minute, true)
	in, _ := s.repair(rule)
	s.want("after the wait", in, 5*time.Minute)
	s.want("failed again", e.Rollout.State, StateFailed)
	in, _ = s.repair(rule)
	s.want("after twice the wait", in, 10*time.Minute)
	s.after(time.Minute)
	s.want("states", states(e), "SUCCEEDED canary-10=SUCCEEDED stable=SUCCEEDED")
	run := e.Automation[0]
	s.want("the run", []any{len(e.Automation), run.Name, run.State, len(run.Attempts), run.Job}, []any{1, "repair-1-0001", AutomationSucceeded, 2, JobVerify})
	var there clouddeploy.Rollout
	strictly(t, e.Rollout, &there)
	s.want("as Cloud Deploy tells it", there.Metadata.Automation.RepairAutomationRuns, []string{"repair-1-0001"})
}

// TestRepairForNothing: where no attempt helps the target goes back, and stays
// there: nothing is left for a rule to do.
func TestRepairForNothing(t *testing.T) {
	s := newRig(t)
	s.script["stable/verify"] = []string{"fail", "fail", "fail"}
	e := s.start(gated(JobVerify))
	rule := repairRule(2, 0, true)
	for range 2 {
		_, ok := s.repair(rule)
		s.want("an attempt", []any{ok, e.Rollout.State}, []any{true, StateFailed})
	}
	_, ok := s.repair(rule)
	s.want("goes back", ok, true)
	e = s.rollout(e.Rollout.Name)
	s.want("the run", []any{e.Automation[0].State, len(e.Automation[0].Attempts), e.Automation[0].Rollback != ""}, []any{AutomationFailed, 2, true})
	s.want("what runs", []any{s.runs.Stable, s.sent}, []any{"r1", []string{"deploy", "rollback"}})
	_, ok = s.repair(rule)
	s.want("no more", ok, false)
}

// TestRepairOfWhatWentBack: traffic that is back already is not put back again, and
// automation stays blocked there.
func TestRepairOfWhatWentBack(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/verify"] = []string{"fail", "fail"}
	e := s.start(canary("10"), waits(time.Minute), restores, gated(JobVerify))
	rule := repairRule(1, 0, false)
	s.repair(rule)
	_, ok := s.repair(rule)
	s.want("used up", []any{ok, e.Automation[0].State, e.Automation[0].Text}, []any{false, AutomationFailed, "no attempt helped"})
	blocked := len(s.r.Blocks.Stopping(Question{Intention: ToPromote, Release: "r2"}, s.now)) > 0
	s.want("automation is blocked", blocked, true)
}

// TestRepairLeavesAlone: other jobs and phases, what succeeded, what went back, and a
// rollout behind which another waits.
func TestRepairLeavesAlone(t *testing.T) {
	s := newRig(t)
	s.start()
	_, ok := s.r.RepairDue(repairRule(1, 0, true))
	s.want("succeeded", ok, false)

	s = newRig(t)
	s.script["stable/verify"] = []string{"fail", "fail", "fail"}
	e := s.start(gated(JobVerify))
	other := repairRule(1, 0, true)
	other.Jobs = []string{JobDeploy}
	_, ok = s.r.RepairDue(other)
	s.want("another job", ok, false)
	other.Jobs, other.Phases = nil, []string{"canary-10"}
	_, ok = s.r.RepairDue(other)
	s.want("another phase", ok, false)
	s.lock()
	rule := repairRule(1, 0, true)
	if err := s.apply(Repair{Rule: rule, By: robot}); err == nil {
		t.Error("a lock does not stop a rule")
	}
	s.unlock()
	s.repair(rule)
	s.must(s.apply(Create{Spec: plan(func(p *Spec) { p.Release.ID = "r3" })}))
	_, ok = s.r.RepairDue(rule)
	s.want("a newer one is the newest", []any{ok, e.Rollout.Name != ""}, []any{false, true})
}

// TestBackoff: the pauses grow by themselves, or double.
func TestBackoff(t *testing.T) {
	linear, double := RetryRule{Wait: Duration(time.Minute)}, RetryRule{Wait: Duration(time.Minute), Exponential: true}
	var got []time.Duration
	for n := range 4 {
		got = append(got, linear.wait(n+1), double.wait(n+1))
	}
	s := newRig(t)
	s.want("pauses", got, []time.Duration{1 * time.Minute, 1 * time.Minute, 2 * time.Minute, 2 * time.Minute, 3 * time.Minute, 4 * time.Minute, 4 * time.Minute, 8 * time.Minute})
}

// TestAutoAdvance: a phase that waits for a person is started by a rule when its time
// is over, and the run is recorded.
func TestAutoAdvance(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"))
	rule := Rule{Name: "advance-1", Kind: AutomationAdvance, Stage: "production", After: Duration(time.Hour)}
	phase, at, ok := s.r.AdvanceDue(rule)
	s.want("due", []any{phase, at, ok}, []any{"stable", t0.Add(time.Hour), true})
	s.must(s.apply(AutoAdvance{Rule: rule, By: robot}))
	s.want("not before", e.Rollout.State, StateInProgress)
	s.now = t0.Add(time.Hour)
	s.must(s.apply(AutoAdvance{Rule: rule, By: robot}))
	s.run()
	s.want("state", []any{e.Rollout.State, e.Automation[0].Name, e.Automation[0].State}, []any{StateSucceeded, "advance-1-0001", AutomationSucceeded})
	rule.Phases = []string{"canary-50"}
	s = newRig(t)
	s.start(canary("10"))
	_, _, ok = s.r.AdvanceDue(rule)
	s.want("another phase", ok, false)
}

// TestPromotedByRule: the rollout says which run made it.
func TestPromotedByRule(t *testing.T) {
	s := newRig(t)
	e := s.start(func(p *Spec) { p.Rule = &Rule{Name: "promote-1", Kind: AutomationPromote, Stage: "staging"} })
	s.want("run", []any{e.Automation[0].Name, e.Automation[0].State, strings.Contains(string(e.Rollout.Metadata), `"promoteAutomationRun":"promote-1-0001"`)}, []any{"promote-1-0001", AutomationSucceeded, true})
	s.want("kind", e.Steps[0].Call.Kind, driver.Deploy)
}

// TestAutoAdvanceThere: a platform's own rollout is advanced by a rule too, from when
// its phase was first seen to be over.
func TestAutoAdvanceThere(t *testing.T) {
	s := newRemote(t)
	e := s.start(onRemote)
	rule := Rule{Name: "advance-1", Kind: AutomationAdvance, Stage: "production", After: Duration(time.Hour)}
	if phase, _, ok := s.r.AdvanceDue(rule); ok {
		t.Errorf("%s is due while the phase before is at work", phase)
	}
	e.Rollout.Phases[0].State = PhaseSucceeded
	notePhases(e, s.now)
	phase, at, ok := s.r.AdvanceDue(rule)
	s.want("due", []any{phase, at, ok}, []any{"stable", s.now.Add(time.Hour), true})
	s.must(s.apply(AutoAdvance{Rule: rule, By: robot}))
	s.want("not before", len(e.Asked), 0)
	s.now = at
	s.must(s.apply(AutoAdvance{Rule: rule, By: robot}))
	if _, _, ok := s.r.AdvanceDue(rule); ok {
		t.Error("it is due again while the platform is told")
	}
	s.run()
	s.want("sent", s.sent, []string{"deploy", "advance stable"})
	s.want("the platform has not begun yet", e.Rollout.Phases[1].State, PhasePending)
	if _, _, ok := s.r.AdvanceDue(rule); ok {
		t.Error("it is due again before the platform was seen at work on what it was told")
	}
	s.now = s.now.Add(time.Minute)
	s.must(s.apply(AutoAdvance{Rule: rule, By: robot}))
	s.run()
	s.want("sent once", s.sent, []string{"deploy", "advance stable"})
	s.want("run", []any{e.Automation[0].Name, e.Automation[0].Phase, e.Automation[0].State}, []any{"advance-1-0001", "stable", AutomationSucceeded})
}
