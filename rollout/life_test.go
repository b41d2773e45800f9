package rollout

import (
	"testing"
	"time"
)

func TestPlainPromotion(t *testing.T) {
	s := newRig(t)
	e := s.start(gated(JobPredeploy, JobVerify, JobPostdeploy))
	s.want("states", states(e), "SUCCEEDED stable=SUCCEEDED")
	s.want("jobs", jobs(t, e, "stable"), "predeploy=SUCCEEDED deploy=SUCCEEDED verify=SUCCEEDED postdeploy=SUCCEEDED")
	s.want("sent", s.sent, []string{"deploy"})
	s.want("checks", s.checks, []string{"stable/predeploy", "stable/verify", "stable/postdeploy"})
	s.want("runs", s.runs, "r2")
	s.want("release", s.r.Release.ID, "r2")
	s.want("previous", e.Previous.ID, "r1")
	s.want("baseline", string(e.Baseline), `{"stable":"r1"}`)
	s.want("idle", s.run().Action, ActionIdle)
}

func TestCanaryWithWaits(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10", "50"), waits(30*time.Minute), disabled)
	s.want("states", states(e), "IN_PROGRESS canary-10=SUCCEEDED canary-50=PENDING stable=PENDING")
	s.wantWait(s.run(), WaitBake, 30*time.Minute)
	s.wantWait(s.after(29*time.Minute), WaitBake, time.Minute)
	s.want("sent early", s.sent, []string{"weight 10"})

	s.wantWait(s.after(time.Minute), WaitBake, 30*time.Minute)
	s.want("runs", s.runs, "r1+50%r2")
	s.after(30 * time.Minute)
	s.want("sent", s.sent, []string{"weight 10", "weight 50", "stable", "disable"})
	s.want("states", states(e), "SUCCEEDED canary-10=SUCCEEDED canary-50=SUCCEEDED stable=SUCCEEDED")
	s.want("runs", s.runs, "r2")
}

func TestCanaryAdvancedByPeople(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"))
	due := s.run()
	s.wantWait(due, WaitPerson, 24*time.Hour)
	s.want("which phase", due.Waiting.Phase, "stable")
	s.wantWait(s.after(5*time.Hour), WaitPerson, 19*time.Hour)
	s.must(s.apply(Advance{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("states", states(e), "SUCCEEDED canary-10=SUCCEEDED stable=SUCCEEDED")
	s.want("without disable", s.runs, "r2+0%r2")
}

func TestAPersonMayCutABakeShort(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"), waits(time.Hour))
	s.must(s.apply(Advance{Rollout: e.Rollout.Name, Phase: "stable", By: person("bob")}))
	s.run()
	s.want("state", e.Rollout.State, StateSucceeded)
}

func TestAnalysisRunsOverTheBake(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"), waits(3*time.Minute), gated(JobVerify, JobAnalysis))
	s.want("checks", s.checks, []string{"canary-10/verify", "canary-10/analysis"})
	s.wantWait(s.run(), WaitBake, 3*time.Minute)
	s.after(30 * time.Second)
	s.want("not sooner than every minute", len(s.checks), 2)
	s.after(30 * time.Second)
	s.want("again", len(s.checks), 3)
	s.after(2 * time.Minute) // one run at the end, and no further bake
	s.want("at the end", s.checks[3:], []string{"canary-10/analysis", "stable/verify"})
	s.want("states", states(e), "SUCCEEDED canary-10=SUCCEEDED stable=SUCCEEDED")
	s.want("no analysis of stable", jobs(t, e, "stable"), "deploy=SUCCEEDED verify=SUCCEEDED")
}

func TestAnalysisWithoutWaitRunsOnce(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"), gated(JobAnalysis))
	s.want("checks", s.checks, []string{"canary-10/analysis"})
	s.wantWait(s.run(), WaitPerson, 24*time.Hour)
	s.want("jobs", jobs(t, e, "canary-10"), "deploy=SUCCEEDED analysis=SUCCEEDED")
}

func TestFirstDeploymentSkipsCanaryPhases(t *testing.T) {
	s := newRig(t)
	s.runs, s.r.Release = traffic{}, nil
	spec := plan(canary("10", "50"), disabled, gated(JobPredeploy, JobPostdeploy))
	e := s.create(spec, true)
	s.run()
	s.want("states", states(e), "SUCCEEDED canary-10=SKIPPED canary-50=SKIPPED stable=SUCCEEDED")
	s.want("skip message", e.Rollout.Phases[0].SkipMessage, SkipFirst)
	s.want("skipped jobs", jobs(t, e, "canary-10"), "deploy=SKIPPED")
	s.want("jobs", jobs(t, e, "stable"), "predeploy=SUCCEEDED deploy=SUCCEEDED postdeploy=SUCCEEDED")
	s.want("sent", s.sent, []string{"deploy"})
	s.want("the plan of others is theirs", spec.Phases[2].Effects, StablePhase(true).Effects)
}

func TestPromoteCanary(t *testing.T) {
	s := newRig(t)
	s.runs = traffic{Stable: "r1", Canary: "r2", Percent: "20"}
	e := s.start(func(p *Spec) { p.Command, p.Phases = "promote-canary", []PhaseSpec{StablePhase(true)} })
	s.want("sent", s.sent, []string{"stable", "disable"})
	s.want("runs", s.runs, "r2")
	s.want("state", e.Rollout.State, StateSucceeded)
}

func TestQueueBehindAnother(t *testing.T) {
	s := newRig(t)
	first := s.start(canary("10"), waits(time.Hour)).Rollout.Name
	second := s.start(release("r3"), promotion("p2")).Rollout.Name
	s.want("second", s.rollout(second).Rollout.State, StatePending)
	s.want("enqueued", s.rollout(second).Rollout.EnqueueTime, t0)
	s.want("not started", s.rollout(second).Rollout.DeployStartTime.IsZero(), true)
	s.after(time.Hour)
	s.want("first", s.rollout(first).Rollout.State, StateSucceeded)
	s.want("second", s.rollout(second).Rollout.State, StateSucceeded)
	s.want("sent", s.sent, []string{"weight 10", "stable", "deploy"})
	s.want("previous is what ran before its first effect", s.rollout(second).Previous.ID, "r2")
}

func TestAnswerLostAndFound(t *testing.T) {
	for answer, want := range map[string]string{"found": "[]", "absent": "[deploy]"} {
		t.Run(answer, func(t *testing.T) {
			s := newRig(t)
			s.script["stable/deploy"] = []string{"lost"}
			s.script["lookup deploy"] = []string{"undecided", map[string]string{"found": "done", "absent": "absent"}[answer]}
			e := s.start()
			s.want("undecided", s.run().Action, ActionConfirm)
			s.want("due", s.run().Action, ActionIdle)
			s.want("state", e.Rollout.State, StateSucceeded)
			s.want("sent again", s.sent, want)
		})
	}
}

func TestOperationIsFollowed(t *testing.T) {
	s := newRig(t)
	s.script["stable/deploy"] = []string{"run"}
	s.script["poll deploy"] = []string{"run", "run"}
	e := s.start()
	s.want("state", states(e), "IN_PROGRESS stable=IN_PROGRESS")
	s.run()
	s.run()
	s.run()
	s.want("state", e.Rollout.State, StateSucceeded)
	s.want("sent once", s.sent, []string{"deploy"})
}

func TestNothingLeftToDo(t *testing.T) {
	s := newRig(t)
	s.script["stable/deploy"] = []string{"unchanged"}
	e := s.start(gated(JobVerify))
	s.want("state", e.Rollout.State, StateSucceeded)
	s.want("sent", len(s.sent), 0)
	s.want("checks run all the same", s.checks, []string{"stable/verify"})
	s.want("step", e.Steps[0].Message, "nothing was left to do")
}

func TestWithdrawnEffectIsSentAsAnother(t *testing.T) {
	s := newRig(t)
	s.script["stable/deploy"] = []string{"withdraw"}
	e := s.start()
	s.run()
	s.want("state", e.Rollout.State, StateSucceeded)
	s.want("keys", []string{e.Steps[0].Call.Key, e.Steps[1].Call.Key}, []string{"r2-to-web-0001/stable/deploy/1", "r2-to-web-0001/stable/deploy/2"})
}

// TestLatePassChangesNothing: a job that is no longer at work cannot pass.
func TestLatePassChangesNothing(t *testing.T) {
	s := newRig(t)
	s.script["stable/verify"] = []string{"fail"}
	e := s.start(gated(JobVerify))
	s.must(s.apply(PassJob{Due: Due{Rollout: e.Rollout.Name, Phase: "stable", Job: JobVerify}}))
	s.must(s.apply(PassJob{Due: Due{Rollout: e.Rollout.Name, Phase: "nowhere", Job: JobVerify}}))
	s.want("jobs", jobs(t, e, "stable"), "deploy=SUCCEEDED verify=FAILED")
}

func TestCheckInterruptedRunsAgain(t *testing.T) {
	s := newRig(t)
	s.script["stable/verify"] = []string{"interrupted"}
	e := s.start(gated(JobVerify))
	s.want("jobs", jobs(t, e, "stable"), "deploy=SUCCEEDED verify=IN_PROGRESS")
	s.run()
	s.want("state", e.Rollout.State, StateSucceeded)
	s.want("checks", len(s.checks), 2)
	s.want("one run of the job", e.Runs["stable/verify"], 1)
}
