package rollout

import (
	"strings"
	"testing"
	"time"

	"sluice/analysis"
)

// measured gives the canary an analysis of these checks.
func measured(gates ...Gate) func(*Spec) {
	return func(s *Spec) { s.Gates.Analysis = gates }
}

func metric(interval time.Duration, failures int) Gate {
	return Gate{Metric: &analysis.Metric{
		Source: analysis.Source{Prometheus: &analysis.Prometheus{URL: "http://p", Query: "errors"}},
		Limits: analysis.Limits{Condition: analysis.Condition{Op: "<", Bound: 0.5}},
		Pace:   analysis.Pace{Interval: analysis.Duration(interval), Failures: failures},
	}}
}

// bake starts a canary of half an hour whose looks answer by the script of
// canary-10/analysis: "0.1" is a value, "missing", "early" and "decide" are none.
func bake(t *testing.T, change ...func(*Spec)) (*rig, *Execution) {
	s := newRig(t)
	e := s.start(append([]func(*Spec){canary("10"), waits(30 * time.Minute), measured(metric(10*time.Minute, 0)), restores}, change...)...)
	return s, e
}

func restores(s *Spec) { s.Restore = true }

// looks answers what a rig's script says about what is measured.
func (s *rig) looks(due Due) []Look {
	e := s.rollout(due.Rollout)
	var all []Look
	for _, d := range e.ChecksDue(due.Phase, due.Job, s.now) {
		sample := analysis.Pass("0")
		switch answer := s.answer(due.Phase + "/" + due.Job); answer {
		case "done":
		case "fail":
			sample = analysis.Fail("1", "1 is not < 0.5")
		case "missing":
			sample = analysis.Missing("there is no data")
		case "early":
			sample = analysis.Missing("too early")
			sample.Early = true
		case "decide":
			sample = analysis.Unclear("0.5", "0.5 is in the inconclusive range")
		}
		sample.At = s.now
		all = append(all, Look{Check: d.Index, Sample: sample})
	}
	return all
}

// verdicts are those of a measure's looks, in their order.
func verdicts(e *Execution) string {
	var all []string
	for _, m := range e.Measures {
		for _, sample := range m.Samples {
			all = append(all, sample.At.Sub(t0).String()+"="+string(sample.Verdict))
		}
	}
	return strings.Join(all, " ")
}

// TestAnalysisIsLookedAtByWhoeverComes: a bake of half an hour that is measured
// every ten minutes takes three looks, and who comes between changes nothing.
func TestAnalysisIsLookedAtByWhoeverComes(t *testing.T) {
	s, e := bake(t)
	s.wantWait(s.run(), WaitBake, 10*time.Minute)
	s.wantWait(s.after(4*time.Minute), WaitBake, 6*time.Minute) // too soon
	s.wantWait(s.after(6*time.Minute), WaitBake, 10*time.Minute)
	s.wantWait(s.after(9*time.Minute), WaitBake, 10*time.Minute) // soon enough for who comes by
	s.after(11 * time.Minute)
	s.want("looks", verdicts(e), "10m0s=passed 19m0s=passed 30m0s=passed")
	s.want("states", states(e), "SUCCEEDED canary-10=SUCCEEDED stable=SUCCEEDED")
	s.want("what was measured", []any{e.Measures[0].Name, e.Measures[0].Condition, e.Measures[0].Taken}, []any{"metric errors", "< 0.5", 3})
}

// TestAFailingLookPutsTrafficBackAtOnce.
func TestAFailingLookPutsTrafficBackAtOnce(t *testing.T) {
	s, e := bake(t)
	s.script["canary-10/analysis"] = []string{"done", "fail"}
	s.after(10 * time.Minute)
	s.after(10 * time.Minute)
	s.want("states", states(e), "FAILED canary-10=FAILED stable=ABORTED")
	s.want("sent", s.sent, []string{"weight 10", "rollback"})
	s.want("why", e.Rollout.FailureReason, "analysis failed in canary-10: metric errors: 1 is not < 0.5")
	s.want("looks", verdicts(e), "10m0s=passed 20m0s=failed")
}

// TestFailuresThatMayBe: so many looks may fail, and one more may not.
func TestFailuresThatMayBe(t *testing.T) {
	s, e := bake(t, measured(metric(10*time.Minute, 1)))
	s.script["canary-10/analysis"] = []string{"fail", "done", "fail"}
	s.after(10 * time.Minute)
	s.want("after one", e.Rollout.State, StateInProgress)
	s.after(10 * time.Minute)
	s.after(10 * time.Minute)
	s.want("after two", states(e), "FAILED canary-10=FAILED stable=ABORTED")
}

// TestAGapIsInconclusive: where nobody looked for longer than twice the interval
// nothing passes, however good the next look is; a person decides.
func TestAGapIsInconclusive(t *testing.T) {
	s, e := bake(t)
	s.after(10 * time.Minute)
	due := s.after(20*time.Minute + time.Second)
	s.wantWait(due, WaitOperator, 0)
	s.want("why", []any{due.Waiting.Cause, due.Waiting.Job}, []any{CauseUndecided, JobAnalysis})
	s.want("in words", due.Waiting.Message, "analysis is inconclusive in canary-10: metric errors: nobody looked for 20m1s, more than twice the interval 10m0s")
	s.want("the canary stands", s.sent, []string{"weight 10"})
	s.after(time.Hour)
	s.want("nobody looks on", e.Measures[0].Taken, 2)
	s.must(s.apply(IgnoreJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("accepted", states(e), "SUCCEEDED canary-10=SUCCEEDED stable=SUCCEEDED")
	s.want("jobs", jobs(t, e, "canary-10"), "deploy=SUCCEEDED analysis=IGNORED")
}

// TestTwiceTheIntervalIsNoGap: just so long is none.
func TestTwiceTheIntervalIsNoGap(t *testing.T) {
	s, e := bake(t)
	s.after(20 * time.Minute)
	s.after(10 * time.Minute)
	s.want("state", e.Rollout.State, StateSucceeded)
}

// TestAFailureOutweighsAGap: traffic goes back, whoever looked too late.
func TestAFailureOutweighsAGap(t *testing.T) {
	s, e := bake(t)
	s.script["canary-10/analysis"] = []string{"fail"}
	s.after(25 * time.Minute)
	s.want("states", states(e), "FAILED canary-10=FAILED stable=ABORTED")
}

// TestMissingDataIsNoPass: looks that see nothing are like no looks.
func TestMissingDataIsNoPass(t *testing.T) {
	s, e := bake(t)
	s.script["canary-10/analysis"] = []string{"missing", "done", "missing", "missing", "done"}
	s.after(10 * time.Minute)
	s.after(10 * time.Minute)
	due := s.after(10 * time.Minute) // the bake is over, and the last look saw nothing
	s.wantWait(due, WaitBake, time.Minute)
	s.wantWait(s.after(time.Minute), WaitBake, time.Minute)
	s.after(time.Minute)
	s.want("late data", states(e), "SUCCEEDED canary-10=SUCCEEDED stable=SUCCEEDED")

	s, e = bake(t)
	s.script["canary-10/analysis"] = []string{"missing", "missing", "missing"}
	s.after(10 * time.Minute)
	s.after(10 * time.Minute)
	due = s.after(time.Minute + 9*time.Minute)
	s.want("no data", []any{due.Waiting.Cause, e.Rollout.State}, []any{CauseUndecided, StateInProgress})
	s.want("in words", due.Waiting.Message, "analysis is inconclusive in canary-10: metric errors: nothing was seen for 30m0s, more than twice the interval 10m0s; last: there is no data")
}

// TestTooEarlyIsNoGap: before there can be data nothing is missing, and nothing
// passes.
func TestTooEarlyIsNoGap(t *testing.T) {
	s, e := bake(t)
	s.script["canary-10/analysis"] = []string{"early", "early", "early", "done"}
	for range 3 {
		s.after(10 * time.Minute)
	}
	s.want("at the end", e.Rollout.State, StateInProgress)
	s.after(time.Minute)
	s.want("when there is data", e.Rollout.State, StateSucceeded)
}

// TestAPersonDecides: what is in the inconclusive range is theirs at once. Tried
// again it bakes anew; gone back from, traffic goes back.
func TestAPersonDecides(t *testing.T) {
	s, e := bake(t)
	s.script["canary-10/analysis"] = []string{"done", "decide"}
	s.after(10 * time.Minute)
	s.wantWait(s.after(10*time.Minute), WaitOperator, 0)
	s.wantRefusal(s.apply(Advance{Rollout: e.Rollout.Name, By: person("bob")}), StateInProgress, "")
	s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, Phase: "canary-10", Job: JobAnalysis, By: person("bob")}))
	s.wantWait(s.run(), WaitBake, 10*time.Minute)
	s.want("forgotten", len(e.Measures), 0)
	for range 3 {
		s.after(10 * time.Minute)
	}
	s.want("baked anew", []any{e.Rollout.State, verdicts(e)}, []any{StateSucceeded, "30m0s=passed 40m0s=passed 50m0s=passed"})

	s, e = bake(t)
	s.script["canary-10/analysis"] = []string{"decide"}
	s.after(10 * time.Minute)
	s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("cancelled", []any{e.Rollout.State, s.sent, e.Undecided == nil}, []any{StateCancelled, []string{"weight 10", "rollback"}, true})
}

// TestDryRunEnforcesNothing: it is measured, and that is all.
func TestDryRunEnforcesNothing(t *testing.T) {
	g := metric(10*time.Minute, 0)
	g.DryRun = true
	s, e := bake(t, measured(g))
	s.script["canary-10/analysis"] = []string{"fail", "missing", "decide"}
	for range 3 {
		s.after(10 * time.Minute)
	}
	s.want("state", []any{e.Rollout.State, verdicts(e)}, []any{StateSucceeded, "10m0s=failed 20m0s=inconclusive 30m0s=inconclusive"})
}

// TestMeasuresBesideChecks: in one analysis both are looked at at their own pace.
func TestMeasuresBesideChecks(t *testing.T) {
	s, e := bake(t, measured(Gate{Run: []string{"probe"}}, metric(10*time.Minute, 0)))
	s.want("the check began", len(s.checks), 1)
	s.after(time.Minute)
	s.want("every minute, for who comes by", []any{len(s.checks), len(e.Measures)}, []any{2, 0})
	s.after(9 * time.Minute)
	s.want("both", []any{len(s.checks), e.Measures[0].Taken}, []any{3, 1})
}

// TestSamplesAreBounded: all looks are counted, the newest kept.
func TestSamplesAreBounded(t *testing.T) {
	s, e := bake(t, waits(time.Hour), measured(metric(time.Minute, 0)))
	for range 60 {
		s.after(time.Minute)
	}
	m := e.Measures[0]
	s.want("kept", []any{len(m.Samples), m.Taken, m.Samples[MostSamples-1].At.Sub(t0)}, []any{MostSamples, 60, time.Hour})
	s.want("state", e.Rollout.State, StateSucceeded)
}

// TestOneLookWithoutABake: in another job, and where a person advances, what is
// measured is looked at once; inconclusive, a person decides.
func TestOneLookWithoutABake(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Spec)
		key    string
		want   string
	}{
		"verify":           {func(s *Spec) { s.Gates.Verify = []Gate{metric(0, 3)} }, "canary-10/verify", "verify"},
		"analysis no bake": {func(s *Spec) { s.Gates.Analysis, s.Wait = []Gate{metric(0, 3)}, nil }, "canary-10/analysis", "analysis"},
	} {
		for answer, want := range map[string]string{"fail": "FAILED canary-10=FAILED stable=ABORTED", "missing": "IN_PROGRESS canary-10=IN_PROGRESS stable=PENDING"} {
			s := newRig(t)
			s.script[c.key] = []string{answer}
			e := s.start(canary("10"), waits(time.Minute), restores, c.change)
			s.want(name+" "+answer, states(e), want)
			if answer != "missing" {
				continue
			}
			s.want(name+" is undecided", s.run().Waiting.Cause, CauseUndecided)
			s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
			s.run()
			p, j, _ := e.Rollout.job("canary-10", c.want)
			s.want(name+" tried again", []any{p != nil, j.State}, []any{true, JobSucceeded})
		}
	}
}

// TestAdvancePastAnAnalysis: a person who says why may, nobody else; what was seen
// until then stays.
func TestAdvancePastAnAnalysis(t *testing.T) {
	s, e := bake(t)
	s.after(10 * time.Minute)
	err := s.apply(Advance{By: person("bob")})
	s.wantReason(err, ReasonAnalysis)
	s.wantRefusal(err, StateInProgress, "the analysis of canary-10 goes on until 2026-03-01T12:30:00Z")
	s.wantReason(s.apply(Advance{By: Actor{Login: "automation", Reason: "rule advance-1"}}), ReasonAnalysis)
	why := person("bob")
	why.Reason = "the fix cannot wait"
	s.wantReason(s.apply(Advance{Phase: "canary-10", By: why}), ReasonPhaseState)
	s.want("it goes on", jobs(t, e, "canary-10"), "deploy=SUCCEEDED analysis=IN_PROGRESS")
	s.must(s.apply(Advance{By: why}))
	s.run()
	s.want("states", states(e), "SUCCEEDED canary-10=SUCCEEDED stable=SUCCEEDED")
	s.want("jobs", jobs(t, e, "canary-10"), "deploy=SUCCEEDED analysis=IGNORED")
	s.want("what was seen", verdicts(e), "10m0s=passed")
}

// TestJumpPastAnAnalysis: to a later phase than the next, too.
func TestJumpPastAnAnalysis(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10", "50"), waits(30*time.Minute), restores, measured(metric(10*time.Minute, 0)))
	why := person("bob")
	why.Reason = "the fix cannot wait"
	s.wantReason(s.apply(Advance{Phase: PhaseStable, By: why}), ReasonPhaseOrder)
	s.must(s.apply(Advance{Phase: PhaseStable, Jump: true, By: why}))
	s.run()
	s.want("states", states(e), "SUCCEEDED canary-10=SUCCEEDED canary-50=SKIPPED stable=SUCCEEDED")
}
