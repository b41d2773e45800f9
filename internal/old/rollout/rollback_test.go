package rollout

import (
	"testing"
	"time"
)

// back rolls a rollout back and runs it.
func (s *stand) back(undone string, change ...func(*Spec)) *Execution {
	s.t.Helper()
	back, err := Rollback(&s.r, undone, plan(append([]func(*Spec){promotion("p-back")}, change...)...), s.now)
	s.must(err)
	name := back.Rollout.Name
	s.run()
	return s.rollout(name)
}

func TestRollbackGoesToTheBaseline(t *testing.T) {
	s := newStand(t)
	s.start(canary("10"), waits(time.Minute), gated(JobPredeploy, JobVerify))
	s.after(time.Minute)
	undone, err := s.r.RolledBack("")
	s.must(err)
	s.want("undone", undone.Rollout.Name, "r2-to-web-0001")
	trial := s.r.Clone()
	planned, err := Rollback(&trial, undone.Rollout.Name, plan(), s.now)
	s.must(err)
	s.want("whatever stands", planned.Change(Due{}).Options.Resolved, true)
	back := s.back(undone.Rollout.Name)
	s.want("name", back.Rollout.Name, "r1-to-web-0001")
	s.want("states", states(back), "SUCCEEDED stable=SUCCEEDED")
	s.want("of", back.Rollout.RollbackOfRollout, "r2-to-web-0001")
	s.want("by", s.rollout("r2-to-web-0001").Rollout.RolledBackByRollouts, []string{"r1-to-web-0001"})
	s.want("runs", s.runs, "r1")
	s.want("release", s.r.Release.ID, "r1")
	s.want("checks are skipped", s.checks, []string{"canary-10/predeploy", "canary-10/verify", "stable/verify"})

	_, err = s.r.RolledBack("")
	s.wantRefusal(err, "as it was", "no rollout of ours has changed it")
}

func TestRollbackRunsTheChecksThatSaySo(t *testing.T) {
	s := newStand(t)
	gates := func(p *Spec) {
		p.Gates.Verify = []Gate{{Run: []string{"a"}}, {Run: []string{"b"}, OnRollback: true}}
		p.Gates.Postdeploy = []Gate{{Run: []string{"c"}, OnRollback: true}}
	}
	name := s.start(gates).Rollout.Name
	back := s.back(name)
	s.want("jobs", jobs(t, back, "stable"), "deploy=SUCCEEDED verify=SUCCEEDED postdeploy=SUCCEEDED")
	s.want("gates", back.Spec.Gates.Verify[0].Run, []string{"b"})
}

// TestRollbackOfTheVeryFirst: what ran before is known to the platform alone.
func TestRollbackOfTheVeryFirst(t *testing.T) {
	s := newStand(t)
	s.r.Release = nil
	name := s.start().Rollout.Name
	s.want("previous", s.rollout(name).Previous, "")
	s.r.Promotions = []Promotion{{ID: "p-back", Status: PromotionPending, Rollout: "before-r2-to-web-0001"}}
	back := s.back(name)
	s.want("name", back.Rollout.Name, "before-r2-to-web-0001")
	s.want("the release is pinned when it is read back", back.Spec.Release.ID, "r1")
	Seal(&s.r, s.now, 0)
	s.want("promotion", s.r.Promotions[0].Release, "r1")
	s.want("outcome", OutcomeOf(&s.r, back).Release, "r1")
}

func TestRollbackWhereNothingRan(t *testing.T) {
	s := newStand(t)
	s.start()
	s.r.Rollouts[0].Baseline = []byte("null")
	_, err := s.r.RolledBack("")
	s.wantRefusal(err, "SUCCEEDED", "nothing ran on the target before it")
	_, err = Rollback(&s.r, "r2-to-web-0001", plan(), s.now)
	s.wantRefusal(err, "SUCCEEDED", "nothing ran")
	if _, err := Rollback(&s.r, "nope", plan(), s.now); err == nil {
		t.Error("no rollout is rolled back")
	}
}

func TestRollbackOfARolloutAtWork(t *testing.T) {
	s := newStand(t)
	name := s.start(canary("10"), waits(time.Hour)).Rollout.Name
	queued := s.start(release("r3"), promotion("p2")).Rollout.Name
	back := s.back(name)
	s.want("undone", states(s.rollout(name)), "CANCELLED canary-10=SUCCEEDED stable=ABORTED")
	s.want("reason", s.rollout(name).Rollout.FailureReason, "rolled back by r1-to-web-0001")
	s.want("back", back.Rollout.State, StateSucceeded)
	s.want("what was queued comes after it", s.sent, []string{"weight 10", "rollback", "deploy"})
	s.want("queued", s.rollout(queued).Rollout.State, StateSucceeded)
}

func TestRollbackAnswersAQuestion(t *testing.T) {
	s, e := asking(t)
	name := e.Rollout.Name
	back := s.back(name)
	s.want("undone", s.rollout(name).Rollout.State, StateCancelled)
	s.want("runs", s.runs, "r1")
	s.want("back", back.Rollout.State, StateSucceeded)
}

func TestRollbackRefused(t *testing.T) {
	t.Run("while an effect is under way", func(t *testing.T) {
		s := newStand(t)
		s.script["stable/deploy"] = []string{"run"}
		s.script["poll deploy"] = []string{"run"}
		s.start()
		s.run()
		_, err := s.r.RolledBack("")
		s.wantRefusal(err, "IN_PROGRESS", "an effect is under way")
	})
	t.Run("while it is rolled back already", func(t *testing.T) {
		s := newStand(t)
		name := s.start().Rollout.Name
		_, err := Rollback(&s.r, name, plan(approved(ApprovalSpec{Quorum: 1})), s.now)
		s.must(err)
		_, err = s.r.RolledBack("")
		s.wantRefusal(err, "SUCCEEDED", "its rollback r1-to-web-0001 is PENDING_APPROVAL")
	})
	t.Run("under a newer rollout", func(t *testing.T) {
		s := newStand(t)
		s.start()
		s.start(release("r3"), promotion("p2"))
		_, err := s.r.RolledBack("p1")
		s.wantRefusal(err, "SUCCEEDED", "r3-to-web-0001, has changed the target since")
	})
	t.Run("to an abandoned release", func(t *testing.T) {
		s := newStand(t)
		s.start()
		s.r.Abandon("r1", "carol", "broken", s.now)
		_, err := s.r.RolledBack("")
		s.wantRefusal(err, "SUCCEEDED", "release r1, which ran before it, was abandoned")
	})
	t.Run("where all was put back", func(t *testing.T) {
		s, _ := failedAt(t, "canary-10/verify")
		_, err := s.r.RolledBack("")
		s.wantRefusal(err, "as it was", "no rollout of ours")
	})
	t.Run("while another is at work", func(t *testing.T) {
		s := newStand(t)
		s.start()
		s.script["stable/predeploy"] = []string{"interrupted"}
		s.start(release("r3"), promotion("p2"), gated(JobPredeploy))
		_, err := s.r.RolledBack("")
		s.wantRefusal(err, "SUCCEEDED", "r3-to-web-0001, is at work on the target: it is IN_PROGRESS")
	})
}

// TestRollbackStepByStep: each rollback undoes one rollout more.
func TestRollbackStepByStep(t *testing.T) {
	s := newStand(t)
	s.start()
	s.start(release("r3"), promotion("p2"))
	undone, err := s.r.RolledBack("")
	s.must(err)
	s.back(undone.Rollout.Name)
	s.want("runs", s.runs, "r2")
	undone, err = s.r.RolledBack("")
	s.must(err)
	s.want("next", undone.Rollout.Name, "r2-to-web-0001")
	s.back(undone.Rollout.Name, promotion("p-again"))
	s.want("runs", s.runs, "r1")
}

func TestFailedRollbackCanBeRepeated(t *testing.T) {
	s := newStand(t)
	name := s.start().Rollout.Name
	s.script["stable/rollback"] = []string{"denied"}
	back := s.back(name)
	s.want("state", back.Rollout.State, StateFailed)
	s.want("not rolled back", len(s.rollout(name).Rollout.RolledBackByRollouts), 0)
	t.Run("by retry-job", func(t *testing.T) {
		trial := s.r.Clone()
		e, _ := trial.Rollout(back.Rollout.Name)
		s.must(e.RetryJob(&trial, "", "", "bob", s.now))
	})
	undone, err := s.r.RolledBack("")
	s.must(err)
	s.back(undone.Rollout.Name)
	s.want("runs", s.runs, "r1")
}

func TestSupersede(t *testing.T) {
	s := newStand(t)
	s.script["stable/predeploy"] = []string{"interrupted"}
	e := s.start(gated(JobPredeploy))
	s.must(e.Supersede(&s.r, "r3", s.now))
	s.want("states", states(e), "CANCELLED stable=ABORTED")
	s.want("reason", e.Rollout.FailureReason, "superseded by r3")
	s.wantRefusal(e.Supersede(&s.r, "r4", s.now), "CANCELLED", "it is over")

	s = newStand(t)
	e = s.start(canary("10"))
	s.wantRefusal(e.Supersede(&s.r, "r3", s.now), "IN_PROGRESS", "its deploy job has started")
}

func TestAbandon(t *testing.T) {
	s := newStand(t)
	working := s.start(canary("10")).Rollout.Name
	queued := s.start(promotion("p2")).Rollout.Name
	waiting := s.start(promotion("p3"), approved(ApprovalSpec{Quorum: 1})).Rollout.Name
	other := s.start(promotion("p4"), release("r3")).Rollout.Name
	s.r.Abandon("r2", "carol", "leaks memory", s.now)
	s.r.Abandon("r2", "dave", "again", s.now)
	s.want("marked once", s.r.Abandoned, []Abandonment{{Release: "r2", Actor: "carol", Time: t0, Reason: "leaks memory"}})
	s.want("at work", s.rollout(working).Rollout.State, StateInProgress)
	s.want("other release", s.rollout(other).Rollout.State, StatePending)
	for _, name := range []string{queued, waiting} {
		e := s.rollout(name)
		s.want(name, states(e), "FAILED stable=ABORTED")
		s.want("cause", e.Rollout.DeployFailureCause, ReleaseAbandoned)
		s.want("reason", e.Rollout.FailureReason, "release r2 was abandoned by carol")
	}
	s.script["stable/stable"] = []string{"denied"}
	s.must(s.rollout(working).Advance(&s.r, "", "bob", s.now))
	Settle(&s.r, s.now)
	s.do(Next(&s.r, s.now, View{}))
	s.do(Next(&s.r, s.now, View{}))
	Settle(&s.r, s.now)
	s.wantRefusal(s.rollout(working).RetryJob(&s.r, "", "", "bob", s.now), "FAILED", "release r2 was abandoned")
}

func TestUnknownPreviousIsNotAbandoned(t *testing.T) {
	s := newStand(t)
	s.r.Release = nil
	s.start()
	s.r.Abandon("", "carol", "", s.now)
	_, err := s.r.RolledBack("")
	s.must(err)
}
