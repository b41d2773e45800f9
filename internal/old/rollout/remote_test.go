package rollout

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"sluice/stages/driver"
)

// remoteStand drives a platform that owns its rollouts. state and outcome are
// what it says of the one that was made; commands are done at once.
type remoteStand struct {
	*stand
	state   State
	outcome driver.Outcome
}

func onRemote(s *Spec) { s.Remote = true }

func newRemote(t *testing.T) *remoteStand {
	s := &remoteStand{stand: newStand(t), state: StateInProgress, outcome: driver.Open}
	s.remote = func(kind driver.Kind) (State, driver.Outcome) {
		if kind == driver.Deploy || kind == driver.Rollback {
			return s.state, s.outcome
		}
		return s.state, driver.Succeeded
	}
	return s
}

func (s *remoteStand) becomes(state State, outcome driver.Outcome) {
	s.state, s.outcome = state, outcome
}

func TestRemoteIsMirrored(t *testing.T) {
	s := newRemote(t)
	e := s.start(onRemote)
	s.want("states", states(e), "IN_PROGRESS canary-50=IN_PROGRESS stable=PENDING")
	s.want("our name", e.Rollout.Name, "r2-to-web-0001")
	s.want("theirs", e.PlatformName, "projects/p/rollouts/x")
	s.want("target", e.Rollout.TargetID, "web")
	s.want("due", s.run().Action, ActionFollow)
	var sentBack Rollout
	s.must(json.Unmarshal(e.Change(Due{Kind: driver.Advance}).Remote, &sentBack))
	s.want("the platform hears its own name", sentBack.Name, "projects/p/rollouts/x")
	s.becomes(StateSucceeded, driver.Succeeded)
	s.want("due", s.run().Action, ActionIdle)
	s.want("state", e.Rollout.State, StateSucceeded)
	s.want("sent once", s.sent, []string{"deploy"})
	s.want("phases are the platform's", states(e), "SUCCEEDED canary-50=IN_PROGRESS stable=PENDING")
}

// TestRemoteStatesAreNeverForced: whatever the platform says, time alone
// changes nothing of it.
func TestRemoteStatesAreNeverForced(t *testing.T) {
	for _, state := range []State{StatePending, StatePendingApproval, StatePendingRelease, StateCancelling, StateHalted, "SOMETHING_NEW"} {
		t.Run(string(state), func(t *testing.T) {
			s := newRemote(t)
			s.becomes(state, driver.Open)
			e := s.start(onRemote, approved(ApprovalSpec{Quorum: 1, Timeout: Duration(time.Minute)}), func(p *Spec) { p.Timeout = Duration(48 * time.Hour) })
			_, err := e.Approve(&s.r, Voter{Actor: "bob"}, s.now)
			s.must(err)
			s.run()
			s.want("due", s.after(24*time.Hour).Action, ActionFollow)
			s.want("state", e.Rollout.State, state)
			s.want("rejected", slices.ContainsFunc(s.r.Events, func(e Event) bool { return e.Type == "rollout.rejected" }), false)
		})
	}
}

func TestRemoteWithoutARolloutStillEnds(t *testing.T) {
	s := newStand(t)
	e := s.start(onRemote)
	s.want("state", e.Rollout.State, StateSucceeded)
	s.want("sent once", s.sent, []string{"deploy"})
}

func TestRemoteKeepsThePlatformsCause(t *testing.T) {
	s := newRemote(t)
	e := s.start(onRemote)
	e.Rollout.DeployFailureCause = VerificationConfigNotFound
	s.becomes(StateFailed, driver.Failed)
	e.failRemote(&s.r, ExecutionFailed, "no verify", s.now)
	s.want("cause", e.Rollout.DeployFailureCause, VerificationConfigNotFound)
}

// TestRemoteCommands: each is asked for, sent once while the rollout is
// followed, and the rollout goes on.
func TestRemoteCommands(t *testing.T) {
	for name, c := range map[string]struct {
		state State
		do    func(*remoteStand, *Execution) error
		sent  string
	}{
		"approve": {StatePendingApproval, func(s *remoteStand, e *Execution) error { return e.AskApproval(&s.r, true, Voter{Actor: "bob"}, s.now) }, "approve"},
		"reject": {StatePendingApproval, func(s *remoteStand, e *Execution) error {
			return e.AskApproval(&s.r, false, Voter{Actor: "bob"}, s.now)
		}, "reject"},
		"advance": {StateInProgress, func(s *remoteStand, e *Execution) error {
			e.Rollout.Phases[0].State = PhaseSucceeded
			return e.Advance(&s.r, "", "bob", s.now)
		}, "advance stable"},
		"cancel": {StatePendingApproval, func(s *remoteStand, e *Execution) error { return e.Cancel(&s.r, "bob", s.now) }, "cancel"},
		"retry-job": {StateInProgress, func(s *remoteStand, e *Execution) error {
			e.Rollout.Phases[0].DeploymentJobs.DeployJob.State = JobFailed
			return e.RetryJob(&s.r, "", "", "bob", s.now)
		}, "retryJob canary-50"},
		"ignore-job": {StateHalted, func(s *remoteStand, e *Execution) error {
			e.Rollout.Phases[0].DeploymentJobs.DeployJob.State = JobFailed
			return e.IgnoreJob(&s.r, "canary-50", "", "bob", s.now)
		}, "ignoreJob canary-50"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRemote(t)
			s.becomes(c.state, driver.Open)
			e := s.start(onRemote)
			s.must(c.do(s, e))
			s.wantRefusal(c.do(s, e), string(c.state), "asked for already")
			s.want("due", s.run().Action, ActionFollow)
			s.want("sent", s.sent, []string{"deploy", c.sent})
			s.run()
			s.want("sent once", len(s.sent), 2)
		})
	}
}

// TestRemoteCommandUnderWay is not sent twice.
func TestRemoteCommandUnderWay(t *testing.T) {
	s := newRemote(t)
	s.remote = func(driver.Kind) (State, driver.Outcome) { return s.state, driver.Open }
	e := s.start(onRemote)
	s.must(e.Cancel(&s.r, "bob", s.now))
	s.run()
	s.run()
	s.want("sent", s.sent, []string{"deploy", "cancel"})
	s.after(time.Hour)
	s.want("given up after operationTimeout", e.Steps[1].State, StepFailed)
	s.want("the rollout is as it was", e.Rollout.State, StateInProgress)
	s.want("and followed", Next(&s.r, s.now, View{}).Kind, driver.Deploy)
}

func TestRemoteRollback(t *testing.T) {
	s := newRemote(t)
	name := s.start(onRemote).Rollout.Name
	_, err := Rollback(&s.r, name, plan(promotion("p2")), s.now)
	s.must(err)
	s.run()
	s.want("the one at work is cancelled first", s.sent, []string{"deploy", "cancel"})
	s.becomes(StateCancelled, driver.Failed)
	s.run()
	s.want("undone", s.rollout(name).Rollout.State, StateCancelled)
	s.want("then the platform rolls back", s.sent, []string{"deploy", "cancel", "rollback"})
}

func TestRemoteRollbackIsLinked(t *testing.T) {
	s := newRemote(t)
	s.becomes(StateSucceeded, driver.Succeeded)
	name := s.start(onRemote).Rollout.Name
	back := s.back(name)
	s.want("of", back.Rollout.RollbackOfRollout, name)
	s.want("by", s.rollout(name).Rollout.RolledBackByRollouts, []string{back.Rollout.Name})
	s.want("sent", s.sent, []string{"deploy", "rollback"})
}

func TestRemoteDeadline(t *testing.T) {
	s := newRemote(t)
	s.becomes(StatePendingApproval, driver.Open)
	e := s.start(onRemote)
	s.after(23 * time.Hour)
	s.want("not before its time", e.Rollout.State, StatePendingApproval)
	s.after(time.Hour)
	s.want("state", e.Rollout.State, StateFailed)
	s.want("cause", e.Rollout.DeployFailureCause, DeadlineExceeded)
	s.want("reason", e.Rollout.FailureReason, "the rollout took longer than timeout 24h0m0s; it may still be running on the platform")
	s.want("phases are the platform's", e.Rollout.Phases[0].State, PhaseInProgress)
}

func TestRemoteQuestion(t *testing.T) {
	lost := func(t *testing.T) (*remoteStand, *Execution) {
		s := newRemote(t)
		s.script["deploy"], s.script["lookup deploy"] = []string{"lost"}, []string{"foreign"}
		e := s.start(onRemote)
		s.wantWait(s.run(), WaitOperator, 0)
		return s, e
	}
	t.Run("retry-job repeats it", func(t *testing.T) {
		s, e := lost(t)
		s.must(e.RetryJob(&s.r, "", "", "bob", s.now))
		s.run()
		s.want("sent", s.sent, []string{"deploy"})
	})
	t.Run("ignore-job accepts what stands", func(t *testing.T) {
		s, e := lost(t)
		s.must(e.IgnoreJob(&s.r, "", "deploy", "bob", s.now))
		s.want("due", s.run().Action, ActionIdle)
		s.want("state", e.Rollout.State, StateSucceeded)
	})
	t.Run("cancel leaves it", func(t *testing.T) {
		s, e := lost(t)
		s.must(e.Cancel(&s.r, "bob", s.now))
		s.want("due", s.run().Action, ActionIdle)
		s.want("state", e.Rollout.State, StateCancelled)
	})
}

func TestRemoteBeforeItIsSent(t *testing.T) {
	s := newRemote(t)
	s.r.Lock = &Lock{Person: true, Actor: "carol"}
	e := s.start(onRemote)
	s.wantWait(s.run(), WaitLock, 0)
	s.wantRefusal(e.Advance(&s.r, "", "bob", s.now), "IN_PROGRESS", "the platform has not got it yet")
	trial := s.r.Clone()
	x, _ := trial.Active()
	s.must(x.Cancel(&trial, "bob", s.now))
	s.want("cancelled here", x.Rollout.State, StateCancelled)
	s.after(25 * time.Hour)
	s.want("overdue", e.Rollout.State, StateFailed)
}

func TestRemoteWithdrawnIsSentAgain(t *testing.T) {
	s := newRemote(t)
	s.script["deploy"] = []string{"withdraw"}
	e := s.start(onRemote)
	s.want("due", s.run().Action, ActionFollow)
	s.want("state", e.Rollout.State, StateInProgress)
}

func TestDiffers(t *testing.T) {
	s := newRemote(t)
	e := s.start(onRemote)
	s.want("same", e.Differs(s.theirs(e, StateInProgress)), false)
	s.want("another state", e.Differs(s.theirs(e, StateSucceeded)), true)
	s.want("no rollout", e.Differs([]byte(`[`)), false)
}
