package rollout

import (
	"testing"
	"time"

	"sluice/stages/driver"
)

func TestRemoteRetryOfAFailedRollout(t *testing.T) {
	s := newRemote(t)
	e := s.start(onRemote)
	e.Rollout.Phases[0].DeploymentJobs.DeployJob.State = JobFailed
	s.becomes(StateFailed, driver.Failed)
	s.run()
	s.want("state", e.Rollout.State, StateFailed)
	s.want("idle", s.run().Action, ActionIdle)

	s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.want("not over any more", e.Over(), false)
	status, _, _ := s.r.ShareOf("p1")
	s.want("share", status, PromotionPending)
	s.becomes(StateInProgress, driver.Open)
	s.want("due", s.run().Action, ActionFollow)
	s.want("sent", s.sent, []string{"deploy", "retryJob canary-50"})
	s.want("state", e.Rollout.State, StateInProgress)
	s.becomes(StateSucceeded, driver.Succeeded)
	s.run()
	s.want("state", e.Rollout.State, StateSucceeded)
}

func TestRemoteRetryGivesTheTimeOnceMore(t *testing.T) {
	s := newRemote(t)
	e := s.start(onRemote)
	e.Rollout.Phases[0].DeploymentJobs.DeployJob.State = JobFailed
	s.becomes(StateFailed, driver.Failed)
	s.after(48 * time.Hour)
	s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.becomes(StateInProgress, driver.Open)
	s.run()
	s.want("state", e.Rollout.State, StateInProgress)
}

func TestRemoteCommandRefusedByThePlatform(t *testing.T) {
	s := newRemote(t)
	e := s.start(onRemote)
	s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
	s.script["cancel"] = []string{"refuse"}
	s.want("due", s.run().Action, ActionFollow)
	s.want("state", e.Rollout.State, StateInProgress)
	s.want("nothing is asked any more", len(e.Asked), 0)
	last := s.r.Events[len(s.r.Events)-1]
	s.want("history", last.Type+" "+last.Message, "effect.refused cancel: refused: cancel")
}

func TestRemoteLock(t *testing.T) {
	s := newRemote(t)
	e := s.start(onRemote)
	e.Rollout.Phases[0].State = PhaseSucceeded
	s.must(s.apply(Advance{Rollout: e.Rollout.Name, Phase: "stable", By: person("bob")}))
	s.lock()
	s.wantWait(s.run(), WaitLock, 0)
	e.Asked = nil
	s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("stopping is not stopped", s.sent, []string{"deploy", "cancel"})
}
