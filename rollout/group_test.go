package rollout

import (
	"testing"
	"time"
)

func waves(wait time.Duration, tolerate int, sizes ...int) *Waves {
	return &Waves{Sizes: sizes, Wait: Duration(wait), Tolerate: tolerate}
}

// TestHalt: the failure is saved, and nobody begins anything more.
func TestHalt(t *testing.T) {
	f := newFleet(t, "a", "b", "c")
	for _, n := range []string{"a", "b"} {
		f.rigs[n].script["stable/deploy"] = []string{"run"}
	}
	f.rigs["a"].script["poll deploy"] = []string{"fail"}
	f.rigs["c"].script["stable/predeploy"] = []string{"interrupted"}
	g := f.promote(Promotion{OnFailure: OnFailureHalt}, gated(JobVerify), func(s *Spec) {
		if s.Target.Name == "c" {
			gated(JobPredeploy)(s)
		}
	})
	f.run()
	f.want("b had begun and goes on, c does not begin", "a deploy", "b deploy", "c checks stable/predeploy", "b checks stable/verify")
	f.wantAll("states", f.states("p1"), []State{StateFailed, StateSucceeded, StateInProgress})
	h := g.Promotion.Halted
	f.wantAll("halted", []any{h.By, h.Rollout, h.Cause, h.At}, []any{"a", "r2-to-a-0001", ExecutionFailed, t0})
	w := f.next("c").Waiting
	f.wantAll("c waits for a's decision", []any{w.Kind, w.Cause, w.Target}, []any{WaitOperator, CauseHalted, "a"})
	if err := f.apply("a", RetryJob{By: person("bob")}); err != nil {
		t.Fatal(err)
	}
	f.run()
	f.want("then they go on", "a deploy", "c checks stable/predeploy", "a checks stable/verify", "c deploy", "c checks stable/verify")
	f.wantAll("not halted", g.Promotion.Halted == nil, true)
	f.wantAll("ended", g.Promotion.EndTime, t0)
}

// TestHaltIsReadAgain by another job that loads the promotion entry.
func TestHaltIsReadAgain(t *testing.T) {
	f := newFleet(t, "a", "b")
	g := f.promote(Promotion{OnFailure: OnFailureHalt, Halted: &Halt{By: "elsewhere"}})
	g.Promotion.Members = f.names
	w, halted := g.waitHalted("a")
	f.wantAll("halted", []any{halted, w.Target, w.Cause}, []any{true, "elsewhere", CausePast})
}

// TestHaltNobodyCanTakeUp: a later rollout went to work where it failed.
func TestHaltNobodyCanTakeUp(t *testing.T) {
	f := newFleet(t, "a", "b")
	f.rigs["a"].script["stable/deploy"] = []string{"fail"}
	f.promote(Promotion{OnFailure: OnFailureHalt}, canary("10"), func(s *Spec) {
		if s.Target.Name == "a" {
			s.Phases = PhasesOf(nil, false)
		}
	})
	f.rigs["a"].script["canary-10/weight"] = []string{"denied"}
	f.run()
	if err := f.apply("a", Create{Spec: planFor("a", release("r3"), promotion("p2"))}); err != nil {
		t.Fatal(err)
	}
	f.run()
	f.wantAll("why", f.next("b").Waiting.Cause, CausePast)
}

func planFor(name string, change ...func(*Spec)) Spec {
	s := plan(change...)
	s.Target = targetOf(name)
	return s
}

func TestContinueLeavesTheOthersAlone(t *testing.T) {
	f := newFleet(t, "a", "b")
	f.rigs["a"].script["stable/deploy"] = []string{"fail"}
	g := f.promote(Promotion{})
	f.run()
	f.wantAll("states", f.states("p1"), []State{StateFailed, StateSucceeded})
	f.wantAll("halted", g.Promotion.Halted == nil, true)
}

// TestRollBackFromWhereItIs: bug 5, a at 10 % went on to 100 % before it went back.
func TestRollBackFromWhereItIs(t *testing.T) {
	f := newFleet(t, "a", "b", "c")
	f.rigs["b"].script["canary-10/verify"] = []string{"fail"}
	f.rigs["c"].script["canary-10/weight"] = []string{"run", "run"}
	f.rigs["c"].script["poll weight"] = []string{"run", "run", "run", "run", "run", "run", "run", "run", "run", "run"}
	f.promote(Promotion{OnFailure: OnFailureRollback}, canary("10", "50"), gated(JobVerify), waits(0))
	f.run()
	f.wantAll("a turns back at 10 %, b was restored, c is awaited", f.runs(), []string{"r1", "r1", "r1"})
	for _, line := range f.done {
		if line == "a weight 50" || line == "a stable" {
			t.Errorf("a went on: %q", f.done)
		}
	}
	f.rigs["c"].script["poll weight"] = nil
	f.run()
	f.wantAll("states", f.states("p1"), []State{StateCancelled, StateFailed, StateCancelled})
	f.wantAll("runs", f.runs(), []string{"r1", "r1", "r1"})
	status, message, _ := f.rigs["a"].r.ShareOf("p1")
	f.wantAll("share", []any{status, message}, []any{PromotionFailed, "b failed and the stage says onFailure: rollback; rolled back by r1-to-a-0001"})
	f.wantAll("automation is blocked", blockLines(&f.rigs["a"].r), []string{"restored  automation"})
}

// TestRollBackWithdrawsWhatHasNotBegun, and takes back what SUCCEEDED.
func TestRollBackWithdrawsWhatHasNotBegun(t *testing.T) {
	f := newFleet(t, "a", "b", "c")
	f.rigs["b"].script["stable/verify"] = []string{"fail"}
	f.promote(Promotion{OnFailure: OnFailureRollback}, gated(JobVerify), func(s *Spec) {
		if s.Promotion == "p1" {
			s.Approval = nil
		}
	})
	e, _ := f.rigs["c"].r.Of("p1")
	e.Rollout.State, e.Spec.Approval = StatePendingApproval, &ApprovalSpec{Quorum: 1}
	f.run()
	f.wantAll("runs", f.runs(), []string{"r1", "r1", "r1"})
	f.wantAll("states", f.states("p1"), []State{StateCancelled, StateFailed, StateCancelled})
	f.wantAll("c never began", len(f.rigs["c"].sent), 0)
}

func TestTakeBackTheWaveOrThePromotion(t *testing.T) {
	for scope, want := range map[string][]string{
		TakeBackWave:      {"r2", "r1", "r1", "r1"},
		TakeBackPromotion: {"r1", "r1", "r1", "r1"},
	} {
		t.Run(scope, func(t *testing.T) {
			f := newFleet(t, "a", "b", "c", "d")
			f.rigs["c"].script["stable/verify"] = []string{"fail"}
			f.promote(Promotion{OnFailure: OnFailureRollback, TakeBack: scope, Waves: waves(0, 0, 1, 3, 4)}, gated(JobVerify))
			f.run()
			f.wantAll("runs", f.runs(), want)
			f.wantAll("d never began", len(f.rigs["d"].sent), 0)
			f.wantAll("d", f.states("p1")[3], StateCancelled)
		})
	}
}

func TestWaves(t *testing.T) {
	f := newFleet(t, "a", "b", "c", "d")
	g := f.promote(Promotion{OnFailure: OnFailureHalt, Waves: waves(10*time.Minute, 0, 1, 3, 4)})
	f.run()
	f.want("one first", "a deploy")
	due := f.next("b")
	f.wantAll("b waits for the wave", []any{due.Waiting.Kind, due.Wave, due.Waiting.Wave, due.Waiting.Until}, []any{WaitWave, 1, 0, t0.Add(10 * time.Minute)})
	f.wantAll("d for its own, nobody knows how long", f.next("d").Waiting, Waiting{Kind: WaitWave, Wave: 1})
	f.after(10 * time.Minute)
	f.want("then two", "b deploy", "c deploy")
	f.after(10 * time.Minute)
	f.want("then the rest", "d deploy")
	f.wantAll("ends", len(g.Promotion.WaveEnds), 3)
	f.wantAll("time does not count before", f.rigs["d"].r.Rollouts[0].Rollout.DeployStartTime, t0.Add(20*time.Minute))
}

func TestWavesTolerate(t *testing.T) {
	f := newFleet(t, "a", "b", "c")
	f.rigs["a"].script["stable/deploy"] = []string{"fail"}
	g := f.promote(Promotion{OnFailure: OnFailureHalt, Waves: waves(0, 1, 2, 3)})
	f.run()
	f.wantAll("states", f.states("p1"), []State{StateFailed, StateSucceeded, StateSucceeded})
	f.wantAll("halted", g.Promotion.Halted == nil, true)
}

func TestSkipOpensTheWave(t *testing.T) {
	f := newFleet(t, "a", "b", "c")
	f.rigs["a"].script["stable/deploy"] = []string{"fail"}
	g := f.promote(Promotion{OnFailure: OnFailureHalt, Waves: waves(0, 0, 2, 3)})
	f.run()
	f.wantAll("c waits", f.states("p1")[2], StatePending)
	wantReason(t, g.Skip(Skip{Target: "z", By: "bob", Reason: "?"}), ReasonNotMember)
	wantReason(t, g.Skip(Skip{Target: "a", By: "bob"}), ReasonNoReason)
	for range 2 {
		if err := g.Skip(Skip{Target: "a", By: "bob", Reason: "it is broken"}); err != nil {
			t.Fatal(err)
		}
	}
	f.run()
	f.wantAll("c went on", f.states("p1")[2], StateSucceeded)
	f.wantAll("recorded once", []any{len(g.Promotion.Skips), g.Promotion.Halted == nil}, []any{1, true})
}

func wantReason(t *testing.T, err error, reason Reason) {
	t.Helper()
	(&rig{t: t}).wantReason(err, reason)
}

func TestIgnoreJobOpensTheWave(t *testing.T) {
	f := newFleet(t, "a", "b")
	f.rigs["a"].script["stable/verify"] = []string{"fail"}
	f.promote(Promotion{OnFailure: OnFailureHalt, Waves: waves(0, 0, 1, 2)}, gated(JobVerify))
	f.run()
	if err := f.apply("a", IgnoreJob{By: person("bob")}); err != nil {
		t.Fatal(err)
	}
	f.run()
	f.wantAll("states", f.states("p1"), []State{StateSucceeded, StateSucceeded})
}

// TestTheFailureOfALaterWaveThatWasRolledBackClosesIt.
func TestARolledBackMemberClosesItsWave(t *testing.T) {
	f := newFleet(t, "a", "b")
	f.promote(Promotion{OnFailure: OnFailureHalt, Waves: waves(time.Hour, 0, 1, 2)})
	f.run()
	if err := f.apply("a", GoBack{Promotion: "p-back", By: person("bob")}); err != nil {
		t.Fatal(err)
	}
	f.rigs["a"].now = f.now
	f.rigs["a"].run()
	f.changed("a")
	f.after(2 * time.Hour)
	f.wantAll("b does not begin", f.states("p1")[1], StatePending)
	f.wantAll("runs", f.runs(), []string{"r1", "r1"})
}

// TestTheWaveKnowsWhatMovedToTheHistory.
func TestTheWaveKnowsWhatMovedToTheHistory(t *testing.T) {
	f := newFleet(t, "a", "b")
	g := f.promote(Promotion{OnFailure: OnFailureHalt, Waves: waves(time.Hour, 0, 1, 2)})
	f.run()
	a := f.rigs["a"]
	a.start(release("r3"), promotion("p2"))
	a.seal()
	if _, ok := a.r.Of("p1"); ok {
		t.Fatal("the rollout has not moved")
	}
	again := NewGroup(g.Promotion, f.records())
	f.wantAll("it was good", again.counts.waves[0].good, 1)
}

func TestMembersThatWereThereAlready(t *testing.T) {
	f := newFleet(t, "a", "b")
	p := Promotion{ID: "p1", Members: f.names, Unchanged: []string{"a"}, Waves: waves(0, 0, 1, 2), OnFailure: OnFailureHalt}
	if err := f.apply("b", Create{Spec: planFor("b")}); err != nil {
		t.Fatal(err)
	}
	f.groups["p1"] = NewGroup(&p, f.records())
	f.run()
	f.wantAll("b", f.states("p1"), []State{StateSucceeded})
	f.groups["p1"].Changed("a")
	f.wantAll("a stays good", f.groups["p1"].counts.waves[0].good, 1)
}

func TestCallsAreKeptOnce(t *testing.T) {
	var p Promotion
	p.AddCall("k", []string{"a", "b"})
	p.AddCall("k", []string{"z"})
	f := newFleet(t)
	f.wantAll("members", p.Called("k"), []string{"a", "b"})
	p.EndCall("k")
	f.wantAll("forgotten", p.Called("k") == nil, true)
}

// TestWhatFailedIsNotHaltedByItself: retried, it goes on before anybody reacts.
func TestWhatFailedIsNotHaltedByItself(t *testing.T) {
	f := newFleet(t, "a", "b")
	f.rigs["a"].script["stable/deploy"] = []string{"fail"}
	g := f.promote(Promotion{OnFailure: OnFailureHalt})
	f.run()
	s := f.rigs["a"]
	s.must(s.apply(RetryJob{By: person("bob")}))
	f.wantAll("due", Next(&s.r, g, Setting{}, f.now).Action, ActionEffect)
}
