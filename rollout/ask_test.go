package rollout

import (
	"testing"
	"time"

	"sluice/stages/driver"
)

// asking runs a deploy whose answer was lost and cannot be found.
func asking(t *testing.T, change ...func(*Spec)) (*rig, *Execution) {
	s := newRig(t)
	s.script["stable/deploy"], s.script["lookup deploy"] = []string{"lost"}, []string{"foreign"}
	e := s.start(change...)
	s.wantWait(s.run(), WaitOperator, 0)
	return s, e
}

func TestAskingShowsBothStates(t *testing.T) {
	s, e := asking(t)
	due := s.run()
	s.want("why", []any{due.Waiting.Cause, due.Waiting.Message, due.Waiting.Job}, []any{CauseAsking, "neither before nor after", JobDeploy})
	step, _ := e.Steps.Open()
	s.want("states", string(step.Before)+" "+string(step.After)+" "+string(step.Found), `{"stable":"r1"} {"stable":"r2"} {"stable":"foreign"}`)
	s.want("it may have taken effect", e.Touched(), true)
}

func TestRetryOfAQuestionRepeatsTheEffect(t *testing.T) {
	s, e := asking(t, gated(JobVerify))
	s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.want("the person accepted what stands", e.Change(Due{Kind: driver.Deploy, Phase: "stable"}).Options.Resolved, true)
	s.run()
	s.want("sent", s.sent, []string{"deploy"})
	s.want("states", states(e), "SUCCEEDED stable=SUCCEEDED")
	s.want("withdrawn", e.Steps[0].State+" "+StepState(e.Steps[0].Message), StepWithdrawn+" "+decidedByPerson)
	s.want("only once", e.Change(Due{Kind: driver.Deploy}).Options.Resolved, false)
}

func TestIgnoreOfAQuestionAcceptsWhatStands(t *testing.T) {
	s, e := asking(t, gated(JobVerify))
	s.must(s.apply(IgnoreJob{Rollout: e.Rollout.Name, Phase: "stable", Job: "deploy", By: person("bob")}))
	s.run()
	s.want("sent", len(s.sent), 0)
	s.want("jobs", jobs(t, e, "stable"), "deploy=IGNORED verify=SUCCEEDED")
	s.want("states", states(e), "SUCCEEDED stable=SUCCEEDED")
}

func TestOnlyTheJobThatAsksQualifies(t *testing.T) {
	s, e := asking(t, gated(JobVerify))
	s.wantRefusal(s.apply(RetryJob{Rollout: e.Rollout.Name, Phase: "stable", Job: "verify", By: person("bob")}), "IN_PROGRESS", "stable/deploy asks")
	s.wantRefusal(s.apply(IgnoreJob{Rollout: e.Rollout.Name, Phase: "canary-10", By: person("bob")}), "IN_PROGRESS", "no job canary-10 ")
	s.wantRefusal(s.apply(Advance{Rollout: e.Rollout.Name, By: person("bob")}), "IN_PROGRESS", "phase stable is IN_PROGRESS")
}

// TestSomebodyElseWasThere: Prepare found a foreign change before anything was sent.
func TestSomebodyElseWasThere(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"), waits(time.Minute))
	s.runs = traffic{Stable: "hotfix"}
	s.wantWait(s.after(time.Minute), WaitOperator, 0)
	step, _ := e.Steps.Open()
	s.want("our last effect, and what stands", string(step.Before)+" "+string(step.Found), string(traffic{Stable: "r1", Canary: "r2", Percent: "10"}.json())+` {"stable":"hotfix"}`)
	s.want("it never acted", step.acted(), false)
	s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("sent", s.sent, []string{"weight 10", "stable"})
}

// TestQuestionOfARestore: putting traffic back may be what asks.
func TestQuestionOfARestore(t *testing.T) {
	for _, c := range []struct {
		name, runs string
		answer     func(*rig, *Execution) error
	}{
		{"retry-job repeats it", "r1", func(s *rig, e *Execution) error { return s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}) }},
		{"ignore-job leaves the canary", "r1+10%r2", func(s *rig, e *Execution) error {
			return s.apply(IgnoreJob{Rollout: e.Rollout.Name, By: person("bob")})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newRig(t)
			s.script["canary-10/verify"] = []string{"fail"}
			s.script["canary-10/rollback"], s.script["lookup rollback"] = []string{"lost"}, []string{"foreign"}
			e := s.start(canary("10"), gated(JobVerify))
			s.wantWait(s.run(), WaitOperator, 0)
			s.must(c.answer(s, e))
			s.run()
			s.want("states", states(e), "FAILED canary-10=FAILED stable=ABORTED")
			s.want("runs", s.runs, c.runs)
			s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")})) // now the failed job is meant
			s.wantWait(s.run(), WaitPerson, 24*time.Hour)
			s.want("runs", s.runs, "r1+10%r2")
		})
	}
}

// TestCancelOfACanaryThatWasLeft: what a person left can still be removed.
func TestCancelOfACanaryThatWasLeft(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/verify"] = []string{"fail"}
	s.script["canary-10/rollback"], s.script["lookup rollback"] = []string{"lost"}, []string{"foreign"}
	e := s.start(canary("10"), gated(JobVerify))
	s.run()
	s.must(s.apply(IgnoreJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("left", []any{e.Rollout.State, s.runs}, []any{StateFailed, "r1+10%r2"})
	s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("removed", []any{e.Rollout.State, s.runs}, []any{StateCancelled, "r1"})
}

func TestRetryIsRefusedWhileTrafficIsPutBack(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/verify"], s.script["canary-10/rollback"] = []string{"fail"}, []string{"run"}
	s.script["poll rollback"] = []string{"run"}
	e := s.start(canary("10"), gated(JobVerify))
	s.run()
	s.wantRefusal(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}), "IN_PROGRESS", "an effect is under way")
	s.run()
	s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
}

// TestLookupThatNeverDecides: after operationTimeout a person is asked, and
// not before somebody has looked.
func TestLookupThatNeverDecides(t *testing.T) {
	s := newRig(t)
	s.script["stable/deploy"] = []string{"lost"}
	s.script["lookup deploy"] = []string{"undecided", "foreign"}
	e := s.start()
	s.now = s.now.Add(2 * time.Hour)
	s.want("nobody has looked", Settle(&s.r, nil, Setting{}, s.now), false)
	s.want("due", s.run().Action, ActionConfirm)
	s.wantWait(s.after(0), WaitOperator, 0)
	step, _ := e.Steps.Open()
	s.want("message", step.Message, "whether it took effect could not be found out within operationTimeout 1h0m0s")
}
