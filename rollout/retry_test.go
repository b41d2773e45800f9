package rollout

import (
	"testing"
	"time"
)

// TestAHigherAttemptTakesUpWhatFailed where it stands.
// TestRetryRefusedBeforeItStarts: an effect that is refused before its job started
// again ends no action of the run before once more.
func TestRetryRefusedBeforeItStarts(t *testing.T) {
	s := newRig(t)
	s.script["stable/deploy"] = []string{"fail"}
	s.start()
	for range 2 {
		s.must(s.apply(RetryJob{By: person("bob")}))
		Settle(&s.r, nil, s.setting, s.now)
		due := Next(&s.r, nil, s.setting, s.now)
		s.want("due", due.Action, ActionEffect)
		s.must(s.apply(Refuse{Due: due, Cause: ExecutionFailed, Message: "the source runs something else"}))
		Settle(&s.r, nil, s.setting, s.now)
	}
	ended := 0
	for _, e := range s.r.Events {
		if e.Type == "job.failed" && e.Action != "" {
			ended++
		}
	}
	s.want("how often the job's run was over", ended, 1)
}

func TestAHigherAttemptTakesUpWhatFailed(t *testing.T) {
	s, e := failedAt(t, "canary-10/verify", holds)
	s.now = s.now.Add(23 * time.Hour)
	s.must(s.apply(Retry{Rollout: e.Rollout.Name, Attempt: 2, By: person("bob")}))
	s.run()
	s.want("checked again, nothing sent again", []any{s.sent, len(s.checks)}, []any{[]string{"weight 10"}, 2})
	s.want("state", states(e), "IN_PROGRESS canary-10=SUCCEEDED canary-50=PENDING stable=PENDING")
	s.wantReason(s.apply(Retry{Rollout: e.Rollout.Name, Attempt: 2, By: person("bob")}), ReasonAlready)
	s.wantReason(s.apply(Retry{Rollout: e.Rollout.Name, Attempt: 3, By: person("bob")}), ReasonNotFailed)
}

func TestAHigherAttemptIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		before func(*rig)
		by     Actor
		reason Reason
	}{
		"after a day":             {func(s *rig) { s.now = s.now.Add(24*time.Hour + 1) }, person("bob"), ReasonTooLate},
		"under a lock":            {func(s *rig) { s.lock() }, person("bob"), ReasonBlocked},
		"under a newer rollout":   {func(s *rig) { s.start(release("r3"), promotion("p2")) }, person("bob"), ReasonNewer},
		"by automation, restored": {func(*rig) {}, Actor{Login: "cron"}, ReasonBlocked},
	} {
		t.Run(name, func(t *testing.T) {
			s, e := failedAt(t, "canary-10/verify")
			rollout := e.Rollout.Name
			c.before(s)
			s.wantReason(s.apply(Retry{Rollout: rollout, Attempt: 2, By: c.by}), c.reason)
		})
	}
	t.Run("when its approval ran out", func(t *testing.T) {
		s := newRig(t)
		s.start(approved(ApprovalSpec{Quorum: 1, Timeout: Duration(time.Hour)}))
		s.after(time.Hour)
		s.wantReason(s.apply(Retry{Attempt: 2, By: person("bob")}), ReasonExpired)
	})
}

// TestAnExpiredApprovalCanBeAskedForAgain.
func TestAnExpiredApprovalCanBeAskedForAgain(t *testing.T) {
	s := newRig(t)
	e := s.start(approved(ApprovalSpec{Quorum: 1, Timeout: Duration(time.Hour)}))
	s.wantReason(s.apply(AskAgain{By: person("bob")}), ReasonState)
	s.after(2 * time.Hour)
	s.must(s.apply(AskAgain{By: person("bob")}))
	s.wantWait(s.run(), WaitApproval, time.Hour)
	s.must(s.apply(Vote{Approve: true, Voter: voter("carol", "")}))
	s.run()
	s.want("state", e.Rollout.State, StateSucceeded)
}

func TestAnExpiredApprovalUnderANewerRollout(t *testing.T) {
	s := newRig(t)
	name := s.start(approved(ApprovalSpec{Quorum: 1, Timeout: Duration(time.Hour)})).Rollout.Name
	s.after(time.Hour)
	s.start(release("r3"), promotion("p2"))
	s.wantReason(s.apply(AskAgain{Rollout: name, By: person("bob")}), ReasonNewer)
}

// TestEmergencyApproval counts, and stays flagged until an approver acknowledges it.
func TestEmergencyApproval(t *testing.T) {
	s := newRig(t)
	e := s.start(approved(ApprovalSpec{Quorum: 1, Approvers: []string{"carol"}}))
	maintainer := voter("mona", "the shop is down")
	s.wantReason(s.apply(Vote{Approve: true, Voter: maintainer}), ReasonNotApprover)
	maintainer.Emergency = true
	s.must(s.apply(Vote{Approve: true, Voter: maintainer}))
	s.run()
	s.want("it counts", e.Rollout.State, StateSucceeded)
	s.want("flagged", e.Flagged(), true)
	s.wantReason(s.apply(Acknowledge{Voter: maintainer}), ReasonNotApprover)
	s.must(s.apply(Acknowledge{Voter: voter("carol", "")}))
	s.want("acknowledged", []any{e.Flagged(), e.Approvals[0].Acknowledged, e.Approvals[0].AckTime}, []any{false, "carol", t0})
	s.wantReason(s.apply(Acknowledge{Voter: voter("carol", "")}), ReasonAlready)
}

// TestWhoApprovesNow: the file's approvers when the approval is given; where it
// names nobody any more, those recorded.
func TestWhoApprovesNow(t *testing.T) {
	for name, c := range map[string]struct {
		now   []string
		teams []string
		login string
		ok    bool
	}{
		"named now":                      {[]string{"dora"}, nil, "dora", true},
		"named then, others now":         {[]string{"dora"}, nil, "carol", false},
		"named then, nobody now":         {nil, nil, "carol", true},
		"a team's member":                {[]string{"@org/ops"}, []string{"@Org/ops"}, "erik", true},
		"another team's":                 {[]string{"@org/ops"}, []string{"@org/dev"}, "erik", false},
		"neither named then nor anybody": {nil, nil, "erik", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRig(t)
			s.start(approved(ApprovalSpec{Quorum: 1, Approvers: []string{"carol"}}))
			v := voter(c.login, "")
			v.Approvers, v.Teams = c.now, c.teams
			err := s.apply(Vote{Approve: true, Voter: v})
			s.want("error", err == nil, c.ok)
		})
	}
}

// TestAPlatformThatCannotBeReached stops its rollout, and the time with it.
func TestAPlatformThatCannotBeReached(t *testing.T) {
	for cause, want := range map[StopCause]WaitCause{StopPlatform: CauseNone, StopBusy: CauseBusy} {
		t.Run(string(cause), func(t *testing.T) {
			s := newRig(t)
			s.script["stable/deploy"] = []string{"lost"}
			e := s.start()
			for range 30 {
				s.must(s.apply(Stopped{Cause: cause, Until: s.now.Add(time.Hour), Message: "503"}))
				due := s.run()
				s.wantWait(due, WaitPlatform, time.Hour)
				s.want("why", []any{due.Waiting.Cause, due.Waiting.Message}, []any{want, "503"})
				s.now = s.now.Add(time.Hour)
			}
			s.run()
			s.want("30 hours did not count", e.Rollout.State, StateSucceeded)
		})
	}
}

func TestReachedEndsTheStop(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"))
	s.must(s.apply(Stopped{Cause: StopPlatform, Until: s.now.Add(time.Hour)}))
	s.now = s.now.Add(time.Hour)
	s.must(s.apply(Reached{}))
	s.want("deadline", e.Deadline(), t0.Add(25*time.Hour))
	s.wantWait(s.run(), WaitPerson, 24*time.Hour)
	s.must(s.apply(Reached{}))
	s.want("once", e.Deadline(), t0.Add(25*time.Hour))
}

// TestAdoptClosesWhatIsOpen: somebody did by hand what was left to do.
func TestAdoptClosesWhatIsOpen(t *testing.T) {
	s, e := asking(t)
	name := e.Rollout.Name
	s.start(release("r3"), promotion("p2"))
	s.must(s.apply(Adopt{Release: s.rollout(name).Spec.Release, By: person("bob"), Close: true}))
	s.want("idle", s.run().Action, ActionIdle)
	for _, e := range s.r.Rollouts {
		s.want(e.Rollout.Name, []any{e.Rollout.State, e.Rollout.FailureReason}, []any{StateCancelled, "closed by bob after a repair by hand"})
	}
	s.want("nothing more is sent", len(s.sent), 0)
	s.want("release", s.r.Release.ID, "r2")
}

func TestACommandIsGivenOnce(t *testing.T) {
	s := newRig(t)
	s.start(canary("10"))
	given := Given{ID: "step-1", Command: "advance", Rollout: "r2-to-web-0001", By: person("bob")}
	s.must(s.apply(given))
	rollout, ok := s.r.WasGiven("step-1")
	s.want("given", []any{rollout, ok}, []any{"r2-to-web-0001", true})
	s.wantReason(s.apply(given), ReasonAlready)
	_, ok = s.r.WasGiven("")
	s.want("nothing has no id", ok, false)
}
