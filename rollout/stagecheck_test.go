package rollout

import "testing"

// TestStageChecksRunOnce: predeploy before the first of the wave, the others when
// all of it have come that far.
func TestStageChecksRunOnce(t *testing.T) {
	f := newFleet(t, "a", "b")
	f.promote(Promotion{}, staged(JobPredeploy, JobVerify, JobPostdeploy))
	f.run()
	f.want("in order", "wave 0 checks stable/predeploy", "a deploy", "b deploy", "wave 0 checks stable/verify", "wave 0 checks stable/postdeploy")
	f.wantAll("states", f.states("p1"), []State{StateSucceeded, StateSucceeded})
}

// TestStageChecksBesideTheTargetsOwn: predeploy the stage's first, verify last.
func TestStageChecksBesideTheTargetsOwn(t *testing.T) {
	f := newFleet(t, "a", "b")
	f.promote(Promotion{}, gated(JobPredeploy, JobVerify), staged(JobPredeploy, JobVerify))
	f.run()
	f.want("in order",
		"wave 0 checks stable/predeploy", "a checks stable/predeploy", "b checks stable/predeploy", "a deploy", "b deploy",
		"a checks stable/verify", "b checks stable/verify", "wave 0 checks stable/verify")
	f.wantAll("states", f.states("p1"), []State{StateSucceeded, StateSucceeded})
}

func TestStageChecksOncePerWave(t *testing.T) {
	f := newFleet(t, "a", "b", "c")
	f.promote(Promotion{OnFailure: OnFailureHalt, Waves: waves(0, 0, 1, 3)}, staged(JobPredeploy, JobVerify))
	f.run()
	f.want("in order",
		"wave 0 checks stable/predeploy", "a deploy", "wave 0 checks stable/verify",
		"wave 1 checks stable/predeploy", "b deploy", "c deploy", "wave 1 checks stable/verify")
}

// TestAFailedStageCheckFailsTheWave, once retried it runs once more for all.
func TestAFailedStageCheckFailsTheWave(t *testing.T) {
	f := newFleet(t, "a", "b")
	f.script["stable/verify"] = []string{"fail"}
	f.promote(Promotion{}, staged(JobVerify))
	f.run()
	f.wantAll("states", f.states("p1"), []State{StateFailed, StateFailed})
	e, _ := f.rigs["b"].r.Of("p1")
	f.wantAll("reason", e.Rollout.FailureReason, "stable/verify failed for the stage")
	f.done = nil
	for _, n := range f.names {
		if err := f.apply(n, RetryJob{By: person("bob")}); err != nil {
			t.Fatal(err)
		}
		f.run()
	}
	f.want("once", "wave 0 checks stable/verify")
	f.wantAll("states", f.states("p1"), []State{StateSucceeded, StateSucceeded})
}

// TestWhoComesLateIsCheckedToo: a target that asked holds nobody up, and has the
// check run again.
func TestWhoComesLateIsCheckedToo(t *testing.T) {
	f := newFleet(t, "a", "b")
	f.rigs["b"].script["stable/deploy"], f.rigs["b"].script["lookup deploy"] = []string{"lost"}, []string{"foreign"}
	f.promote(Promotion{}, staged(JobPredeploy, JobVerify))
	f.run()
	f.wantAll("a is over", f.states("p1"), []State{StateSucceeded, StateInProgress})
	f.done = nil
	if err := f.apply("b", RetryJob{By: person("bob")}); err != nil {
		t.Fatal(err)
	}
	f.run()
	f.want("b is checked, and not predeployed again", "b deploy", "wave 0 checks stable/verify")
	f.wantAll("states", f.states("p1"), []State{StateSucceeded, StateSucceeded})
}

// TestACheckThatWasInterruptedRunsAgain, by whoever loads the promotion next.
func TestACheckThatWasInterruptedRunsAgain(t *testing.T) {
	f := newFleet(t, "a")
	g := f.promote(Promotion{}, staged(JobVerify))
	for range 10 {
		Settle(&f.rigs["a"].r, g, Setting{}, f.now)
		due := f.next("a")
		if due.Action == ActionStageCheck {
			g.StartCheck("a", due, f.now)
			break
		}
		f.rigs["a"].do(due)
		f.changed("a")
	}
	f.wantAll("it runs", f.next("a").Waiting.Kind, WaitCheck)
	f.groups["p1"] = NewGroup(g.Promotion, f.records())
	f.done = nil
	f.run()
	f.want("again", "wave 0 checks stable/verify")
	f.wantAll("states", f.states("p1"), []State{StateSucceeded})
}

// TestNoGroupNoPass: without the group a check of scope stage is never passed over.
func TestNoGroupNoPass(t *testing.T) {
	s := newRig(t)
	s.start(staged(JobVerify))
	due := s.run()
	s.want("due", due.Action, ActionStageCheck)
	s.want("state", s.r.Rollouts[0].Rollout.State, StateInProgress)
}

// TestAnUndecidedStageCheckAsks: it fails nobody. What a person has run again decides
// for the whole wave, what they ignore for that target alone.
func TestAnUndecidedStageCheckAsks(t *testing.T) {
	f := newFleet(t, "a", "b")
	f.script["stable/verify"] = []string{"unclear"}
	f.promote(Promotion{}, staged(JobVerify))
	f.run()
	f.wantAll("states", f.states("p1"), []State{StateInProgress, StateInProgress})
	for _, n := range f.names {
		due := f.next(n)
		f.wantAll(n, []any{due.Action, due.Waiting.Kind, due.Waiting.Cause, due.Waiting.Message},
			[]any{ActionWait, WaitOperator, CauseUndecided, "stable/verify told nothing"})
	}
	f.done = nil
	if err := f.apply("a", RetryJob{By: person("bob")}); err != nil {
		t.Fatal(err)
	}
	f.run()
	f.want("once", "wave 0 checks stable/verify")
	f.wantAll("states", f.states("p1"), []State{StateSucceeded, StateSucceeded})
}

func TestIgnoringAnUndecidedStageCheck(t *testing.T) {
	f := newFleet(t, "a", "b")
	f.script["stable/verify"] = []string{"unclear", "fail"}
	f.promote(Promotion{}, staged(JobVerify))
	f.run()
	if err := f.apply("a", IgnoreJob{By: person("bob")}); err != nil {
		t.Fatal(err)
	}
	f.run()
	f.wantAll("a alone goes on", f.states("p1"), []State{StateSucceeded, StateInProgress})
	if err := f.apply("b", RetryJob{By: person("bob")}); err != nil {
		t.Fatal(err)
	}
	f.run()
	f.wantAll("run again it fails", f.states("p1"), []State{StateSucceeded, StateFailed})
}
