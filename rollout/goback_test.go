package rollout

import (
	"testing"
	"time"

	"sluice/stages/driver"
)

// back has bob go back, and runs it. It finds the rollback.
func (s *rig) back(t GoBack) *Execution {
	s.t.Helper()
	if t.By.Login == "" {
		t.By = person("bob")
	}
	if t.Promotion == "" {
		t.Promotion = "p-back"
	}
	s.must(s.apply(t))
	s.run()
	for i := range s.r.Rollouts {
		if s.r.Rollouts[i].Spec.Promotion == t.Promotion && s.r.Rollouts[i].Rollout.RollbackOfRollout != "" {
			return &s.r.Rollouts[i]
		}
	}
	s.t.Fatal("there is no rollback")
	return nil
}

func TestRollbackGoesToTheBaseline(t *testing.T) {
	s := newRig(t)
	s.start(canary("10"), waits(time.Minute), gated(JobPredeploy, JobVerify))
	s.after(time.Minute)
	from, goal, err := s.r.BackFrom("")
	s.must(err)
	s.want("from and to", []string{from.Rollout.Name, goal.Release.ID, string(goal.Baseline)}, []string{"r2-to-web-0001", "r1", `{"stable":"r1"}`})
	back := s.back(GoBack{})
	s.want("name", back.Rollout.Name, "r1-to-web-0001")
	s.want("states", states(back), "SUCCEEDED stable=SUCCEEDED")
	s.want("whatever stands", back.Steps[0].Call.Changes[0].Options.Resolved, true)
	s.want("of", back.Rollout.RollbackOfRollout, "r2-to-web-0001")
	s.want("by", s.rollout("r2-to-web-0001").Rollout.RolledBackByRollouts, []string{"r1-to-web-0001"})
	s.want("runs", s.runs, "r1")
	s.want("release", s.r.Release.ID, "r1")
	s.want("checks are skipped", s.checks, []string{"canary-10/predeploy", "canary-10/verify", "stable/verify"})
}

func TestRollbackRunsTheChecksThatSaySo(t *testing.T) {
	s := newRig(t)
	s.start(func(p *Spec) {
		p.Gates.Verify = []Gate{{Run: []string{"a"}}, {Run: []string{"b"}, OnRollback: true}}
		p.Gates.Postdeploy = []Gate{{Run: []string{"c"}, OnRollback: true}}
	})
	back := s.back(GoBack{})
	s.want("jobs", jobs(t, back, "stable"), "deploy=SUCCEEDED verify=SUCCEEDED postdeploy=SUCCEEDED")
	s.want("gates", back.Spec.Gates.Verify[0].Run, []string{"b"})
}

// TestRollbackOfTheVeryFirst: what ran before is known to the platform alone.
func TestRollbackOfTheVeryFirst(t *testing.T) {
	s := newRig(t)
	s.r.Release = nil
	s.want("previous", s.start().Previous.ID, "")
	back := s.back(GoBack{})
	s.want("name", back.Rollout.Name, "before-r2-to-web-0001")
	s.want("the release is pinned when it is read back", back.Spec.Release.ID, "r1")
}

func TestRollbackWhereNothingRan(t *testing.T) {
	s := newRig(t)
	s.start()
	s.r.Rollouts[0].Baseline = []byte("null")
	_, _, err := s.r.BackFrom("")
	s.wantReason(err, ReasonNoBaseline)
	s.wantReason(s.apply(GoBack{By: person("bob")}), ReasonNoBaseline)
}

func TestRollbackOfARolloutAtWorkComesBeforeWhatIsQueued(t *testing.T) {
	s := newRig(t)
	name := s.start(canary("10"), waits(time.Hour)).Rollout.Name
	queued := s.start(release("r3"), promotion("p2")).Rollout.Name
	back := s.back(GoBack{})
	s.want("undone", states(s.rollout(name)), "CANCELLED canary-10=SUCCEEDED stable=ABORTED")
	s.want("reason", s.rollout(name).Rollout.FailureReason, "rolled back by r1-to-web-0001")
	s.want("back", back.Rollout.State, StateSucceeded)
	s.want("one effect puts it back", s.sent, []string{"weight 10", "rollback"})
	s.want("what was queued stays so", s.rollout(queued).Rollout.State, StatePending)
	s.setting.Person = true
	s.run()
	s.want("until a person goes on", s.rollout(queued).Rollout.State, StateSucceeded)
}

// TestWhatAutomationQueuedStaysBlocked, also when a person goes on.
func TestWhatAutomationQueuedStaysBlocked(t *testing.T) {
	s := newRig(t)
	s.start(canary("10"))
	queued := s.start(release("r3"), promotion("p2"), automatic).Rollout.Name
	s.back(GoBack{})
	s.setting.Person = true
	s.wantWait(s.run(), WaitLock, 0)
	s.must(s.apply(EndBlock{ID: "went-back-r2-to-web-0001-automation", By: person("bob")}))
	s.run()
	s.want("state", s.rollout(queued).Rollout.State, StateSucceeded)
}

// TestGoingBackWhileAnEffectIsUnderWay: it is awaited, then undone, once.
func TestGoingBackWhileAnEffectIsUnderWay(t *testing.T) {
	for name, c := range map[string]struct{ answer, sent string }{
		"takes effect": {"done", "[deploy rollback]"},
		"breaks":       {"fail", "[deploy rollback]"},
		"had none":     {"denied", "[deploy rollback]"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRig(t)
			s.script["stable/deploy"], s.script["poll deploy"] = []string{"run"}, []string{"run", c.answer}
			name := s.start().Rollout.Name
			s.must(s.apply(GoBack{Promotion: "p-back", By: person("bob")}))
			s.want("it is awaited", []any{s.run().Action, s.rollout(name).Rollout.State}, []any{ActionFollow, StateCancelling})
			s.wantReason(s.apply(GoBack{By: person("carol")}), ReasonGoingBack)
			s.run()
			s.want("undone", s.rollout(name).Rollout.State, StateCancelled)
			s.want("sent", s.sent, c.sent)
			s.want("runs", s.runs, "r1")
		})
	}
}

// TestGoingBackWhileAnAnswerIsLost: it is looked for, and whatever is found the
// person has decided already.
func TestGoingBackWhileAnAnswerIsLost(t *testing.T) {
	for _, found := range []string{"done", "foreign", "absent"} {
		t.Run(found, func(t *testing.T) {
			s := newRig(t)
			s.script["stable/deploy"], s.script["lookup deploy"] = []string{"lost"}, []string{found}
			s.start()
			back := s.back(GoBack{})
			s.run()
			s.want("runs", s.runs, "r1")
			s.want("back", back.Rollout.State, StateSucceeded)
		})
	}
}

func TestGoingBackWhileItIsCancelled(t *testing.T) {
	s := newRig(t)
	s.script["stable/rollback"], s.script["poll rollback"] = []string{"run"}, []string{"run"}
	name := s.start(canary("10")).Rollout.Name
	s.must(s.apply(Cancel{By: person("bob")}))
	s.run()
	back := s.back(GoBack{})
	s.run()
	s.want("undone", s.rollout(name).Rollout.State, StateCancelled)
	s.want("back", back.Rollout.State, StateSucceeded)
	s.want("runs", s.runs, "r1")
}

func TestGoingBackAnswersAQuestion(t *testing.T) {
	s, e := asking(t)
	name := e.Rollout.Name
	back := s.back(GoBack{})
	s.want("undone", s.rollout(name).Rollout.State, StateCancelled)
	s.want("runs", s.runs, "r1")
	s.want("back", back.Rollout.State, StateSucceeded)
}

// TestGoingBackFromWhatHasNotBegun withdraws it and makes no rollback.
func TestGoingBackFromWhatHasNotBegun(t *testing.T) {
	for name, change := range map[string]func(*Spec){
		"waits for approval": approved(ApprovalSpec{Quorum: 1}),
		"before its effect":  gated(JobPredeploy),
	} {
		t.Run(name, func(t *testing.T) {
			s := newRig(t)
			s.script["stable/predeploy"] = []string{"interrupted"}
			e := s.start(change)
			s.must(s.apply(GoBack{By: person("bob")}))
			s.want("withdrawn", []any{e.Rollout.State, e.Rollout.FailureReason}, []any{StateCancelled, "withdrawn by bob"})
			s.want("nothing else", []any{s.run().Action, len(s.r.Rollouts), len(s.sent)}, []any{ActionIdle, 1, 0})
			s.wantReason(s.apply(GoBack{By: person("bob")}), ReasonNothing)
		})
	}
}

// TestRepeatedRollbackIsUnchanged: bug 7, a second one put the bad release back.
func TestRepeatedRollbackIsUnchanged(t *testing.T) {
	s := newRig(t)
	s.start(release("bad"), promotion("p1"))
	s.start(release("good"), promotion("p2"))
	s.start(release("worse"), promotion("p3"))
	s.back(GoBack{})
	s.want("runs", s.runs, "good")
	for range 2 {
		refused := s.refusal(s.apply(GoBack{By: person("bob")}), ReasonThere)
		s.want("which is no failure", refused.Unchanged(), true)
	}
	s.want("runs", s.runs, "good")
}

func TestGoingBackFromWhatWasRestoredIsUnchanged(t *testing.T) {
	s := newRig(t)
	s.start(promotion("p0"), release("r1b"))
	s.script["canary-10/verify"] = []string{"fail"}
	s.start(canary("10"), gated(JobVerify))
	s.want("restored", s.runs, "r1b")
	s.wantReason(s.apply(GoBack{By: person("bob")}), ReasonThere)
}

// TestGoingBackToANamedRelease: what ran here before and was good.
func TestGoingBackToANamedRelease(t *testing.T) {
	s := newRig(t)
	for i, r := range []string{"r2", "r3", "r4"} {
		s.start(release(r), promotion("p"+string(rune('1'+i))))
	}
	var h History
	goals := s.r.Goals(&h)
	var ids []string
	for _, g := range goals {
		ids = append(ids, g.Release.ID)
	}
	s.want("goals, the newest first", ids, []string{"r3", "r2", "r1"})
	s.back(GoBack{Goal: &goals[1]})
	s.want("runs", s.runs, "r2")
	for _, name := range []string{"r3-to-web-0001", "r4-to-web-0001"} {
		s.want(name+" was rolled back", s.rollout(name).Rollout.RolledBackByRollouts, []string{"r2-to-web-0002"})
	}
	s.want("what it went back to was not", len(s.rollout("r2-to-web-0001").Rollout.RolledBackByRollouts), 0)
	s.wantReason(s.apply(GoBack{Goal: &goals[1], By: person("bob")}), ReasonThere)
	s.back(GoBack{Goal: &goals[2], Promotion: "p-further"})
	s.want("further", s.runs, "r1")
	s.want("what was gone back from is blocked", blockLines(&s.r), []string{"wentBack r4 everybody", "wentBack  automation", "wentBack r2 everybody", "wentBack  automation"})
}

// TestGoalsSurviveInTheHistory, which only a command that looks for one loads.
func TestGoalsSurviveInTheHistory(t *testing.T) {
	s := newRig(t)
	h := NewHistory("shop", "web")
	for i, r := range []string{"r2", "r3", "r4"} {
		s.start(release(r), promotion("p"+string(rune('1'+i))))
		h.Add(Seal(&s.r, nil, Setting{}, everyEvent, s.now), 0)
	}
	s.want("the record knows the newest", len(s.r.Goals(nil)), 1)
	goals := s.r.Goals(&h)
	s.want("the history the others", len(goals), 3)
	s.back(GoBack{Goal: &goals[2]})
	s.want("runs", s.runs, "r1")
}

func TestABlockedReleaseIsNoGoal(t *testing.T) {
	s := newRig(t)
	s.start()
	s.must(s.apply(AddBlock{Block: abandonOf("r1")}))
	s.wantReason(s.apply(GoBack{By: person("bob")}), ReasonBlocked)
	s.back(GoBack{By: Actor{Login: "bob", Person: true, Overrides: []string{"abandon-r1"}}})
	s.want("runs", s.runs, "r1")
}

// TestRolloutsThatChangedNoReleaseAreSkipped.
func TestRolloutsThatChangedNoReleaseAreSkipped(t *testing.T) {
	s := newRig(t)
	s.start()
	s.start(promotion("p2")) // r2 again
	from, _, err := s.r.BackFrom("")
	s.must(err)
	s.want("from", from.Rollout.Name, "r2-to-web-0001")
	s.back(GoBack{})
	s.want("runs", s.runs, "r1")
}

func TestGoingBackFromAnOlderPromotionIsRefused(t *testing.T) {
	s := newRig(t)
	s.start()
	s.start(release("r3"), promotion("p2"))
	_, _, err := s.r.BackFrom("p1")
	s.wantReason(err, ReasonNewer)
}

func TestFailedRollbackCanBeRepeated(t *testing.T) {
	s := newRig(t)
	name := s.start().Rollout.Name
	s.script["stable/rollback"] = []string{"denied"}
	back := s.back(GoBack{})
	s.want("state", back.Rollout.State, StateFailed)
	s.want("not rolled back", len(s.rollout(name).Rollout.RolledBackByRollouts), 0)
	trial := s.r.Clone()
	s.must(Apply(&trial, RetryJob{Rollout: back.Rollout.Name, By: person("bob")}, s.now))
	s.back(GoBack{Promotion: "p-again"})
	s.want("runs", s.runs, "r1")
}

// TestACancelledRollbackLeavesTheCanaryToTheNext.
func TestACancelledRollbackLeavesTheCanaryToTheNext(t *testing.T) {
	s := newRig(t)
	name := s.start(canary("10")).Rollout.Name
	s.must(s.apply(GoBack{Promotion: "p-back", By: person("bob")}))
	s.must(s.apply(Cancel{By: person("bob")}))
	s.run()
	s.want("the canary stands", s.runs, "r1+10%r2")
	from, _, err := s.r.BackFrom("")
	s.must(err)
	s.want("it can be gone back from", from.Rollout.Name, name)
	s.back(GoBack{Promotion: "p-again"})
	s.want("runs", s.runs, "r1")
}

func TestPersonGoesBack(t *testing.T) {
	for name, back := range map[string]Transition{
		"rollback":       GoBack{By: person("bob")},
		"cancel":         Cancel{By: person("bob")},
		"disable-canary": DisableCanary{Spec: plan(canary("10")), By: person("bob")},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRig(t)
			s.start(canary("10"))
			s.must(s.apply(back))
			s.run()
			s.want("blocks", blockLines(&s.r), []string{"wentBack r2 everybody", "wentBack  automation"})
			s.wantReason(s.apply(Create{Spec: plan(promotion("p2"))}), ReasonBlocked)
			s.wantReason(s.apply(Create{Spec: plan(promotion("p2"), release("r3"), automatic)}), ReasonBlocked)
			s.must(s.apply(Create{Spec: plan(promotion("p2"), release("r3"))}))
			s.want("a newer release of a person's ends both", len(s.r.Blocks), 0)
		})
	}
}

// TestAnOlderReleaseEndsNoBlock.
func TestAnOlderReleaseEndsNoBlock(t *testing.T) {
	s := newRig(t)
	s.start(func(p *Spec) { p.Release.CreateTime = t0 })
	s.back(GoBack{})
	s.must(s.apply(Create{Spec: plan(promotion("p2"), release("r0"), func(p *Spec) { p.Release.CreateTime = t0.Add(-time.Hour) })}))
	s.want("blocks", len(s.r.Blocks), 2)
}

// TestAfterGoingBackNewer: automation may bring other releases.
func TestAfterGoingBackNewer(t *testing.T) {
	s := newRig(t)
	s.start(func(p *Spec) { p.AfterGoingBack = AfterGoingBackNewer })
	s.back(GoBack{})
	s.want("blocks", blockLines(&s.r), []string{"wentBack r2 everybody"})
	s.must(s.apply(Create{Spec: plan(promotion("p2"), release("r3"), automatic)}))
}

// TestAutomaticRestoreBlocksAutomation: it does not send the same canary again.
func TestAutomaticRestoreBlocksAutomation(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/verify"] = []string{"fail"}
	e := s.start(canary("10"), gated(JobVerify), automatic)
	s.want("blocks", blockLines(&s.r), []string{"restored  automation"})
	s.wantReason(s.apply(Create{Spec: plan(promotion("p2"), automatic)}), ReasonBlocked)
	s.wantReason(s.apply(RetryJob{By: Actor{Login: "cron"}}), ReasonBlocked)
	trial := s.r.Clone()
	s.must(Apply(&trial, Create{Spec: plan(promotion("p2"))}, s.now))
	s.want("a person's promote ends it", len(trial.Blocks), 0)
	s.must(s.apply(RetryJob{By: person("bob")}))
	s.want("and so does a person's retry-job", len(s.r.Blocks), 0)
	s.run()
	s.want("which goes on", states(e), "IN_PROGRESS canary-10=SUCCEEDED stable=PENDING")
}

func automatic(s *Spec) { s.Person, s.Creator = false, "cron" }

func blockLines(r *Record) []string {
	var lines []string
	for _, b := range r.Blocks {
		lines = append(lines, string(b.Kind)+" "+b.Release+" "+string(b.Whom))
	}
	return lines
}

// TestReplaceTakesOverWithoutADip: no traffic is put back in between.
func TestReplaceTakesOverWithoutADip(t *testing.T) {
	s := newRig(t)
	old := s.start(canary("10", "50"), waits(time.Hour)).Rollout.Name
	s.must(s.apply(Replace{Create{Spec: plan(release("r3"), promotion("p2"), canary("10"))}}))
	s.run()
	s.want("ended", []any{s.rollout(old).Rollout.State, s.rollout(old).Rollout.FailureReason}, []any{StateCancelled, "replaced by r3-to-web-0001"})
	s.want("sent", s.sent, []string{"weight 10", "weight 10"})
	s.want("runs", s.runs, "r1+10%r3")
	s.back(GoBack{})
	s.want("it goes back to what stood before the older one", s.runs, "r1")
}

func TestReplaceAwaitsWhatIsUnderWay(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/weight"], s.script["poll weight"] = []string{"run"}, []string{"run", "done"}
	old := s.start(canary("10")).Rollout.Name
	s.must(s.apply(Replace{Create{Spec: plan(release("r3"), promotion("p2"))}}))
	s.want("awaited", s.run().Action, ActionFollow)
	s.run()
	s.want("ended", s.rollout(old).Rollout.State, StateCancelled)
	s.want("sent", s.sent, []string{"weight 10", "deploy"})
	s.want("runs", s.runs, "r3")
}

func TestReplaceEndsWhatIsQueued(t *testing.T) {
	s := newRig(t)
	s.start(canary("10"))
	queued := s.start(release("r3"), promotion("p2")).Rollout.Name
	s.must(s.apply(Replace{Create{Spec: plan(release("r4"), promotion("p3"))}}))
	s.run()
	s.want("queued", s.rollout(queued).Rollout.State, StateCancelled)
	s.want("runs", s.runs, "r4")
}

// TestDisableCanaryTakesAnybodysAway.
func TestDisableCanaryTakesAnybodysAway(t *testing.T) {
	s := newRig(t)
	s.runs = traffic{Stable: "r1", Canary: "by hand", Percent: "5"}
	s.must(s.apply(DisableCanary{Spec: plan(release("r1"), promotion("p-off")), By: person("bob")}))
	s.run()
	s.want("runs", s.runs, "r1")
	s.want("sent", s.sent, []string{"disable"})
	s.want("no release was gone back from", len(s.r.Blocks), 0)
}

// TestDisableCanaryBlocksWhatItRan: a canary that is no rollout's at work is gone back
// from too, and before what is queued.
func TestDisableCanaryBlocksWhatItRan(t *testing.T) {
	s := newRig(t)
	s.runs = traffic{Stable: "r1", Canary: "r9", Percent: "5"}
	queued := s.start(approved(ApprovalSpec{Quorum: 1}), release("r3")).Rollout.Name
	s.must(s.apply(DisableCanary{Spec: plan(release("r1"), promotion("p-off")), Canary: driver.Release{ID: "r9"}, By: person("bob")}))
	s.run()
	s.want("runs", s.runs, "r1")
	s.want("sent", s.sent, []string{"disable"})
	s.want("queued", s.rollout(queued).Rollout.State, StatePendingApproval)
	s.wantReason(s.apply(Create{Spec: plan(release("r9"), promotion("p9"))}), ReasonBlocked)
	s.wantReason(s.apply(Create{Spec: plan(automatic, release("r4"), promotion("p4"))}), ReasonBlocked)
}

func TestAbandon(t *testing.T) {
	s := newRig(t)
	working := s.start(canary("10")).Rollout.Name
	queued := s.start(promotion("p2")).Rollout.Name
	waiting := s.start(promotion("p3"), approved(ApprovalSpec{Quorum: 1})).Rollout.Name
	other := s.start(promotion("p4"), release("r3")).Rollout.Name
	s.must(s.apply(AddBlock{Block: abandonOf("r2")}))
	s.must(s.apply(AddBlock{Block: abandonOf("r2")}))
	s.want("placed once", len(s.r.Blocks), 1)
	s.wantWait(s.run(), WaitLock, 0)
	s.want("at work", s.rollout(working).Rollout.State, StateInProgress)
	s.want("other release", s.rollout(other).Rollout.State, StatePending)
	for _, name := range []string{queued, waiting} {
		e := s.rollout(name)
		s.want(name, states(e), "FAILED stable=ABORTED")
		s.want("cause", e.Rollout.DeployFailureCause, ReleaseAbandoned)
		s.want("reason", e.Rollout.FailureReason, "release r2 was abandoned by carol")
	}
	s.wantReason(s.apply(Advance{By: person("bob")}), ReasonBlocked)
	s.wantReason(s.apply(Create{Spec: plan(promotion("p5"))}), ReasonBlocked)
	s.must(s.apply(Cancel{By: person("bob")}))
}

// TestRemoteGoals: the platform knows what stood; the state what SUCCEEDED.
func TestRemoteGoals(t *testing.T) {
	s := newRemote(t)
	s.becomes(StateSucceeded, driver.Succeeded)
	s.start(onRemote)
	s.start(onRemote, release("r3"), promotion("p2"))
	var ids []string
	for _, g := range s.r.Goals(nil) {
		ids = append(ids, g.Release.ID)
	}
	s.want("goals", ids, []string{"r2", "r3", "r1"})
}

// TestBackOverALeftCanary: a canary that a rollout left when its time was over is
// nothing to go back to; what ran before it is.
func TestBackOverALeftCanary(t *testing.T) {
	for name, c := range map[string]struct {
		stands string // what somebody makes of the canary meanwhile; "" nothing
		want   string
	}{
		"as it was left":        {"", "r1"},
		"somebody promoted it":  {"r2", "r2"},
		"somebody took it away": {"r1", "r1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRig(t)
			e := s.start(canary("10"), holds)
			s.after(30 * 24 * time.Hour)
			s.want("given up", states(s.rollout(e.Rollout.Name)), "FAILED canary-10=SUCCEEDED stable=FAILED")
			s.want("its canary stands", s.runs, "r1+10%r2")
			if c.stands != "" {
				s.runs = traffic{Stable: c.stands}
			}
			s.start(release("r3"))
			s.want("runs", s.runs.Stable, "r3")
			s.must(s.apply(GoBack{Promotion: "back", By: person("bob")}))
			s.run()
			s.want("went back", s.runs, c.want)
		})
	}
}
