package rollout

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"sluice/stages/driver"
)

// remoteRig drives a platform that owns its rollouts. state and outcome are
// what it says of the one that was made; commands are done at once.
type remoteRig struct {
	*rig
	state   State
	outcome driver.Outcome
}

func onRemote(s *Spec) { s.Remote = true }

func newRemote(t *testing.T) *remoteRig {
	s := &remoteRig{rig: newRig(t), state: StateInProgress, outcome: driver.Open}
	s.remote = func(kind driver.Kind) (State, driver.Outcome) {
		if kind == driver.Deploy || kind == driver.Rollback {
			return s.state, s.outcome
		}
		return s.state, driver.Succeeded
	}
	return s
}

func (s *remoteRig) becomes(state State, outcome driver.Outcome) {
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
			err := s.apply(Vote{Rollout: e.Rollout.Name, Approve: true, Voter: voter("bob", "")})
			s.must(err)
			s.run()
			s.want("due", s.after(24*time.Hour).Action, ActionFollow)
			s.want("state", e.Rollout.State, state)
			s.want("rejected", slices.ContainsFunc(s.r.Events, func(e Event) bool { return e.Type == "rollout.rejected" }), false)
		})
	}
}

func TestRemoteWithoutARolloutStillEnds(t *testing.T) {
	s := newRig(t)
	e := s.start(onRemote)
	s.want("state", e.Rollout.State, StateSucceeded)
	s.want("sent once", s.sent, []string{"deploy"})
}

func TestRemoteKeepsThePlatformsCause(t *testing.T) {
	s := newRemote(t)
	e := s.start(onRemote)
	e.Rollout.DeployFailureCause = VerificationConfigNotFound
	s.becomes(StateFailed, driver.Failed)
	mirror{e}.failed(&s.r, "", "", ExecutionFailed, "no verify", s.now)
	s.want("cause", e.Rollout.DeployFailureCause, VerificationConfigNotFound)
}

// TestRemoteCommands: each is asked for, sent once while the rollout is
// followed, and the rollout goes on.
func TestRemoteCommands(t *testing.T) {
	for name, c := range map[string]struct {
		state State
		do    func(*remoteRig, *Execution) error
		sent  string
	}{
		"approve": {StatePendingApproval, func(s *remoteRig, e *Execution) error {
			return s.apply(Vote{Rollout: e.Rollout.Name, Approve: true, Voter: voter("bob", "")})
		}, "approve"},
		"reject": {StatePendingApproval, func(s *remoteRig, e *Execution) error {
			return s.apply(Vote{Rollout: e.Rollout.Name, Approve: false, Voter: voter("bob", "")})
		}, "reject"},
		"advance": {StateInProgress, func(s *remoteRig, e *Execution) error {
			e.Rollout.Phases[0].State = PhaseSucceeded
			return s.apply(Advance{Rollout: e.Rollout.Name, By: person("bob")})
		}, "advance stable"},
		"cancel": {StatePendingApproval, func(s *remoteRig, e *Execution) error {
			return s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")})
		}, "cancel"},
		"retry-job": {StateInProgress, func(s *remoteRig, e *Execution) error {
			e.Rollout.Phases[0].DeploymentJobs.DeployJob.State = JobFailed
			return s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")})
		}, "retryJob canary-50"},
		"ignore-job": {StateHalted, func(s *remoteRig, e *Execution) error {
			e.Rollout.Phases[0].DeploymentJobs.DeployJob.State = JobFailed
			return s.apply(IgnoreJob{Rollout: e.Rollout.Name, Phase: "canary-50", By: person("bob")})
		}, "ignoreJob canary-50"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRemote(t)
			s.becomes(c.state, driver.Open)
			e := s.start(onRemote)
			s.must(c.do(s, e))
			want := map[string]Reason{"cancel": ReasonGoingBack}[name]
			if want == "" {
				want = ReasonAlready
			}
			s.wantReason(c.do(s, e), want)
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
	s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.run()
	s.want("sent", s.sent, []string{"deploy", "cancel"})
	s.after(time.Hour)
	s.want("given up after operationTimeout", e.Steps[1].State, StepFailed)
	s.want("the rollout is as it was", e.Rollout.State, StateInProgress)
	s.want("and followed", Next(&s.r, nil, Setting{}, s.now).Kind, driver.Deploy)
}

func TestRemoteRollback(t *testing.T) {
	s := newRemote(t)
	name := s.start(onRemote).Rollout.Name
	s.must(s.apply(GoBack{Promotion: "p2", By: person("bob")}))
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
	back := s.back(GoBack{})
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
	lost := func(t *testing.T) (*remoteRig, *Execution) {
		s := newRemote(t)
		s.script["deploy"], s.script["lookup deploy"] = []string{"lost"}, []string{"foreign"}
		e := s.start(onRemote)
		s.wantWait(s.run(), WaitOperator, 0)
		return s, e
	}
	t.Run("retry-job repeats it", func(t *testing.T) {
		s, e := lost(t)
		s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
		s.run()
		s.want("sent", s.sent, []string{"deploy"})
	})
	t.Run("ignore-job accepts what stands", func(t *testing.T) {
		s, e := lost(t)
		s.must(s.apply(IgnoreJob{Rollout: e.Rollout.Name, Job: "deploy", By: person("bob")}))
		s.want("due", s.run().Action, ActionIdle)
		s.want("state", e.Rollout.State, StateSucceeded)
	})
	t.Run("cancel leaves it", func(t *testing.T) {
		s, e := lost(t)
		s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
		s.want("due", s.run().Action, ActionIdle)
		s.want("state", e.Rollout.State, StateCancelled)
	})
}

func TestRemoteBeforeItIsSent(t *testing.T) {
	s := newRemote(t)
	e := s.create(plan(onRemote), false)
	s.lock()
	s.wantWait(s.run(), WaitLock, 0)
	s.wantRefusal(s.apply(Advance{Rollout: e.Rollout.Name, By: person("bob")}), "PENDING", "needs a rollout that is IN_PROGRESS")
	s.after(25 * time.Hour)
	s.want("its time stands still", e.Rollout.State, StatePending)
	s.must(s.apply(Cancel{By: person("bob")}))
	s.want("cancelled here", e.Rollout.State, StateCancelled)
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
	for state, want := range map[State]bool{StateInProgress: false, StateSucceeded: true} {
		differs, err := e.Differs(s.theirs(e, state))
		s.must(err)
		s.want(string(state), differs, want)
	}
	if _, err := e.Differs([]byte(`[`)); err == nil {
		t.Error("what cannot be read differs from nothing")
	}
}

// What a platform took back by itself is nothing to go back from, and automation waits
// for a person; what a person here had ended blocks nothing more.
func TestRemoteTookBack(t *testing.T) {
	for name, c := range map[string]struct {
		before func(*remoteRig, *Execution)
		blocks []BlockKind
	}{
		"by itself": {func(*remoteRig, *Execution) {}, []BlockKind{BlockRestored}},
		"because somebody cancelled": {func(s *remoteRig, e *Execution) {
			s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
			s.run()
		}, []BlockKind{BlockWentBack, BlockWentBack}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRemote(t)
			e := s.start(onRemote)
			c.before(s, e)
			s.becomes(StateFailed, driver.Failed)
			s.tookBack = true
			s.run()
			e = s.rollout(e.Rollout.Name)
			s.want("restored", e.Restored, true)
			s.want("it runs", s.r.Release.ID, "r1")
			var kinds []BlockKind
			for _, b := range s.r.Blocks {
				kinds = append(kinds, b.Kind)
			}
			s.want("blocks", kinds, c.blocks)
			s.wantReason(s.apply(GoBack{By: person("bob")}), ReasonThere)
		})
	}
}

// A command that the platform does not take is refused here, and not sent.
func TestRemoteTakes(t *testing.T) {
	s := newRemote(t)
	e := s.start(onRemote, func(p *Spec) { p.Takes = []driver.Kind{driver.Cancel} })
	e.Rollout.Phases[0].DeploymentJobs.DeployJob.State = JobFailed
	s.wantReason(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}), ReasonUnsupported)
	s.wantReason(s.apply(IgnoreJob{Rollout: e.Rollout.Name, By: person("bob")}), ReasonUnsupported)
	s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("sent", s.sent, []string{"deploy", "cancel"})
}
