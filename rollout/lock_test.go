package rollout

import (
	"errors"
	"testing"
	"time"
)

func TestALockStopsNewEffects(t *testing.T) {
	s := newRig(t)
	e := s.create(plan(gated(JobPredeploy)), false)
	s.lock()
	due := s.run()
	s.wantWait(due, WaitLock, 0)
	s.want("whose", due.Waiting.By+" "+due.Waiting.Block.ID, "carol lock")
	s.want("sent", len(s.sent)+len(s.checks), 0)
	s.unlock()
	s.run()
	s.want("state", e.Rollout.State, StateSucceeded)
}

func TestALockStopsTheNextPhase(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"), waits(time.Minute))
	s.lock()
	s.wantWait(s.after(time.Minute), WaitLock, 0)
	s.want("sent", s.sent, []string{"weight 10"})
	s.want("the next phase has not begun", e.Rollout.Phases[1].State, PhasePending)
	s.wantReason(s.apply(Advance{By: person("bob")}), ReasonBlocked)
	s.must(s.apply(Advance{By: Actor{Login: "bob", Person: true, Overrides: []string{"lock"}}}))
	s.run()
	s.want("who passes the block has it passed", s.sent, []string{"weight 10", "stable"})
}

func TestALockNeverKeepsTrafficFromBeingPutBack(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/weight"] = []string{"run"}
	s.script["canary-10/verify"] = []string{"fail"}
	e := s.start(canary("10"), gated(JobVerify))
	s.lock()
	s.run()
	s.want("runs", s.runs, "r1")
	s.want("state", e.Rollout.State, StateFailed)
}

func TestALockLetsARollbackPass(t *testing.T) {
	s := newRig(t)
	s.start()
	s.lock()
	s.must(s.apply(GoBack{By: person("bob")}))
	s.run()
	s.want("runs", s.runs, "r1")
	s.want("the history names the block", countEvents(&s.r, "block.passed", "lock"), 1)
}

// TestALockOfBothWays stops going back too, the locker included.
func TestALockOfBothWays(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/weight"] = []string{"run"}
	s.script["canary-10/verify"] = []string{"fail"}
	s.start(canary("10"), gated(JobVerify))
	block := lockOf("carol")
	block.BothWays = true
	s.must(s.apply(AddBlock{Block: block}))
	s.wantReason(s.apply(Cancel{By: person("carol")}), ReasonBlocked)
	s.wantReason(s.apply(GoBack{By: person("carol")}), ReasonBlocked)
	s.wantWait(s.run(), WaitLock, 0)
	s.want("traffic stays", s.runs, "r1+10%r2")
	s.must(s.apply(Cancel{By: Actor{Login: "carol", Person: true, Overrides: []string{"lock"}}}))
	s.unlock()
	s.run()
	s.want("traffic", s.runs, "r1")
}

// TestTimeStandsStillUnderALock, and goes on from where it stood.
func TestTimeStandsStillUnderALock(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"))
	s.now = s.now.Add(20 * time.Hour)
	s.lock()
	s.wantWait(s.after(100*time.Hour), WaitLock, 0)
	s.want("not overdue", e.Rollout.State, StateInProgress)
	s.unlock()
	s.wantWait(s.run(), WaitPerson, 4*time.Hour)
	s.after(4 * time.Hour)
	s.want("then it is", e.Rollout.DeployFailureCause, DeadlineExceeded)
}

func TestApprovalsStandStillUnderALock(t *testing.T) {
	s := newRig(t)
	e := s.start(approved(ApprovalSpec{Quorum: 1, Timeout: Duration(time.Hour)}))
	s.after(30 * time.Minute)
	s.lock()
	s.wantWait(s.after(5*time.Hour), WaitLock, 0)
	s.wantReason(s.apply(Vote{Approve: true, Voter: voter("bob", "")}), ReasonBlocked)
	s.unlock()
	s.wantWait(s.run(), WaitApproval, 30*time.Minute)
	s.must(s.apply(Vote{Approve: true, Voter: voter("bob", "")}))
	s.run()
	s.want("state", e.Rollout.State, StateSucceeded)
}

// TestABlockEndsByItself: its time is over although nobody looked then.
func TestABlockEndsByItself(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"))
	block := lockOf("carol")
	block.Until = s.now.Add(10 * time.Hour)
	s.must(s.apply(AddBlock{Block: block}))
	s.wantWait(s.after(time.Hour), WaitLock, 9*time.Hour)
	s.after(19 * time.Hour)
	s.want("ten hours do not count", e.Deadline(), t0.Add(34*time.Hour))
}

// TestWhoEndsABlock: somebody else's takes a reason.
func TestWhoEndsABlock(t *testing.T) {
	s := newRig(t)
	s.lock()
	s.wantReason(s.apply(EndBlock{ID: "nope", By: person("bob")}), ReasonNoBlock)
	s.wantReason(s.apply(EndBlock{ID: "lock", By: person("bob")}), ReasonNoReason)
	s.must(s.apply(EndBlock{ID: "lock", By: Actor{Login: "bob", Person: true, Reason: "carol is away"}}))
	s.want("blocks", len(s.r.Blocks), 0)
}

func countEvents(r *Record, kind, block string) int {
	n := 0
	for _, e := range r.Events {
		if e.Type == kind && (block == "" || e.Info["block"] == block) {
			n++
		}
	}
	return n
}

// TestARefusalNamesEveryBlock that stands in the way, once.
func TestARefusalNamesEveryBlock(t *testing.T) {
	names := func(err error) (ids []string) {
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Reason != ReasonBlocked {
			t.Fatalf("refused with %v", err)
		}
		for _, b := range refused.Blocks {
			ids = append(ids, b.ID)
		}
		return ids
	}
	s := newRig(t)
	s.start()
	s.lock()
	ways := lockOf("dave")
	ways.ID, ways.BothWays = "ways", true
	s.must(s.apply(AddBlock{Block: ways}))
	s.must(s.apply(AddBlock{Block: Block{ID: "leaks", Kind: BlockAbandon, Release: "r1", Whom: Everybody}}))
	s.must(s.apply(AddBlock{Block: Block{ID: "other", Kind: BlockAbandon, Release: "r9", Whom: Everybody}}))
	s.want("forward", names(s.apply(Create{Spec: plan(release("r1"), promotion("p2"))})), []string{"lock", "ways", "leaks"})
	s.want("back", names(s.apply(GoBack{By: person("bob")})), []string{"ways", "leaks"})
	s.want("its canary", names(s.apply(DisableCanary{Spec: plan(), By: person("bob")})), []string{"ways"})
	passing := Actor{Login: "bob", Person: true, Overrides: []string{"ways"}}
	s.want("what is left", names(s.apply(GoBack{By: passing})), []string{"leaks"})
}
