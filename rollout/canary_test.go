package rollout

import (
	"strings"
	"testing"
	"time"
)

// failedAt runs a canary whose job of a phase fails.
func failedAt(t *testing.T, job string, change ...func(*Spec)) (*rig, *Execution) {
	s := newRig(t)
	s.script[job] = []string{"fail"}
	all := append([]func(*Spec){canary("10", "50"), gated(JobVerify)}, change...)
	return s, s.start(all...)
}

func TestFailedCheckPutsTrafficBack(t *testing.T) {
	s, e := failedAt(t, "canary-10/verify")
	s.want("states", states(e), "FAILED canary-10=FAILED canary-50=ABORTED stable=ABORTED")
	s.want("jobs", jobs(t, e, "canary-10"), "deploy=SUCCEEDED verify=FAILED")
	s.want("sent", s.sent, []string{"weight 10", "rollback"})
	s.want("runs", s.runs, "r1")
	s.want("restored", e.Restored, true)
	s.want("reason", e.Rollout.FailureReason, "canary-10/verify failed")
	s.want("cause", e.Rollout.DeployFailureCause, ExecutionFailed)
}

func TestHeldCanaryStands(t *testing.T) {
	s, e := failedAt(t, "canary-10/verify", holds)
	s.want("states", states(e), "FAILED canary-10=FAILED canary-50=ABORTED stable=ABORTED")
	s.want("sent", s.sent, []string{"weight 10"})
	s.want("runs", s.runs, "r1+10%r2")
}

func TestRetryAfterRestoreAppliesThePhaseAgain(t *testing.T) {
	s, e := failedAt(t, "canary-10/verify")
	s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.wantWait(s.run(), WaitPerson, 24*time.Hour)
	s.want("sent", s.sent, []string{"weight 10", "rollback", "weight 10"})
	s.want("states", states(e), "IN_PROGRESS canary-10=SUCCEEDED canary-50=PENDING stable=PENDING")
	s.want("runs", s.runs, "r1+10%r2")
	s.want("checks", s.checks, []string{"canary-10/verify", "canary-10/verify"})
	s.want("no reason any more", e.Rollout.FailureReason+string(e.Rollout.DeployFailureCause), "")
}

func TestRetryOfHeldOnlyChecksAgain(t *testing.T) {
	s, e := failedAt(t, "canary-10/verify", holds)
	s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, Phase: "canary-10", Job: "verify", By: person("bob")}))
	s.run()
	s.want("sent", s.sent, []string{"weight 10"})
	s.want("state", states(e), "IN_PROGRESS canary-10=SUCCEEDED canary-50=PENDING stable=PENDING")
	s.want("job runs", e.Rollout.Phases[0].DeploymentJobs.VerifyJob.JobRun, "r2-to-web-0001/canary-10-verify-2")
}

func TestRetryOfALaterCheckLooksAtTheCanaryAnew(t *testing.T) {
	s, e := failedAt(t, "canary-10/analysis", gated(JobAnalysis), waits(10*time.Minute))
	s.want("restored", s.runs, "r1")
	s.after(time.Hour)
	s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.wantWait(s.run(), WaitBake, 10*time.Minute)
	s.want("checks", s.checks, []string{"canary-10/verify", "canary-10/analysis", "canary-10/verify", "canary-10/analysis"})
	s.want("runs", s.runs, "r1+10%r2")
}

func TestRetriedAnalysisBakesAnew(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/analysis"] = []string{"ok", "ok", "fail"}
	e := s.start(canary("10"), holds, gated(JobAnalysis), waits(10*time.Minute))
	s.after(time.Minute)
	s.after(time.Minute)
	s.want("failed in the bake", e.Rollout.State, StateFailed)
	s.after(time.Hour)
	s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.wantWait(s.run(), WaitBake, 10*time.Minute)
}

// TestRetryOfStableAfterRestore: the canary is made to stand again before it is promoted.
func TestRetryOfStableAfterRestore(t *testing.T) {
	s := newRig(t)
	s.script["stable/stable"] = []string{"denied"}
	e := s.start(canary("10"), waits(time.Minute))
	s.after(time.Minute)
	s.want("states", states(e), "FAILED canary-10=SUCCEEDED stable=FAILED")
	s.want("sent", s.sent, []string{"weight 10", "stable", "rollback"})
	s.want("runs", s.runs, "r1")
	s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("sent", s.sent[3:], []string{"weight 10", "stable"})
	s.want("states", states(e), "SUCCEEDED canary-10=SUCCEEDED stable=SUCCEEDED")
	s.want("runs", s.runs, "r2+0%r2")
}

func TestFailureOfTheFirstWeightRestoresNothing(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/weight"] = []string{"denied"}
	e := s.start(canary("10"))
	s.want("states", states(e), "FAILED canary-10=FAILED stable=ABORTED")
	s.want("sent", s.sent, []string{"weight 10"})
	s.want("touched", e.Touched(), false)
	s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("sent", s.sent, []string{"weight 10", "weight 10"})
}

// TestBrokenWeightIsPutBack: what the platform had begun may stand in part.
func TestBrokenWeightIsPutBack(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/weight"] = []string{"fail"}
	e := s.start(canary("10"))
	s.want("sent", s.sent, []string{"weight 10", "rollback"})
	s.want("reason", e.Rollout.FailureReason, "BROKEN: it broke")
}

func TestFailureAfterStableKeepsTheRelease(t *testing.T) {
	s := newRig(t)
	s.script["stable/verify"] = []string{"fail"}
	e := s.start(canary("10"), waits(time.Minute), gated(JobVerify))
	s.after(time.Minute)
	s.want("states", states(e), "FAILED canary-10=SUCCEEDED stable=FAILED")
	s.want("sent", s.sent, []string{"weight 10", "stable"})
	s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("nothing is sent again", s.sent, []string{"weight 10", "stable"})
	s.want("state", e.Rollout.State, StateSucceeded)
}

func TestFailedDisableIsRepeatedAlone(t *testing.T) {
	s := newRig(t)
	s.script["stable/disable"] = []string{"denied"}
	e := s.start(canary("10"), waits(time.Minute), disabled)
	s.after(time.Minute)
	s.want("state", e.Rollout.State, StateFailed)
	s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("sent", s.sent, []string{"weight 10", "stable", "disable", "disable"})
	s.want("state", e.Rollout.State, StateSucceeded)
}

func TestIgnore(t *testing.T) {
	s, e := failedAt(t, "canary-10/verify", holds)
	s.must(s.apply(IgnoreJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.wantWait(s.run(), WaitPerson, 24*time.Hour)
	s.want("jobs", jobs(t, e, "canary-10"), "deploy=SUCCEEDED verify=IGNORED")
	s.want("states", states(e), "IN_PROGRESS canary-10=SUCCEEDED canary-50=PENDING stable=PENDING")
	s.want("sent", s.sent, []string{"weight 10"})
}

// TestIgnoreAfterRestore: the canary stands again, or its bake would see nothing.
func TestIgnoreAfterRestore(t *testing.T) {
	s, e := failedAt(t, "canary-10/verify", gated(JobAnalysis), waits(time.Minute))
	s.must(s.apply(IgnoreJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.wantWait(s.run(), WaitBake, time.Minute)
	s.want("sent", s.sent, []string{"weight 10", "rollback", "weight 10"})
	s.want("jobs", jobs(t, e, "canary-10"), "deploy=SUCCEEDED verify=IGNORED analysis=IN_PROGRESS")
}

func TestIgnoredWeightGoesOnToTheNext(t *testing.T) {
	s := newRig(t)
	s.script["canary-50/weight"] = []string{"denied"}
	e := s.start(canary("10", "50"), waits(time.Minute))
	s.after(time.Minute)
	s.want("restored", s.runs, "r1")
	s.must(s.apply(IgnoreJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.after(time.Minute)
	s.want("the canary stands before it is promoted", s.sent, []string{"weight 10", "weight 50", "rollback", "weight 50", "stable"})
	s.want("states", states(e), "SUCCEEDED canary-10=SUCCEEDED canary-50=SUCCEEDED stable=SUCCEEDED")
}

func TestFailedRestore(t *testing.T) {
	for _, answer := range []string{"denied", "fail", "refuse"} {
		t.Run(answer, func(t *testing.T) {
			s := newRig(t)
			s.script["canary-10/verify"], s.script["canary-10/rollback"] = []string{"fail"}, []string{answer}
			e := s.start(canary("10"), gated(JobVerify))
			s.want("states", states(e), "FAILED canary-10=FAILED stable=ABORTED")
			if !strings.Contains(e.Rollout.FailureReason, "canary-10/verify failed; and traffic could not be put back: ") {
				t.Errorf("reason %q", e.Rollout.FailureReason)
			}
			s.want("the canary may stand", e.Touched(), true)
			s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
			s.run()
			s.want("tried again", s.runs, "r1")
			s.want("state", e.Rollout.State, StateCancelled)
		})
	}
}

func TestRestoreWithdrawnIsStillToBeDone(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/verify"], s.script["canary-10/rollback"] = []string{"fail"}, []string{"withdraw"}
	e := s.start(canary("10"), gated(JobVerify))
	s.want("not over", e.Rollout.State, StateInProgress)
	s.run()
	s.want("runs", s.runs, "r1")
	s.want("state", e.Rollout.State, StateFailed)
}
