package rollout

import (
	"strings"
	"testing"
	"time"

	"sluice/stages/driver"
)

func ended(by, reason string) Terminate {
	return Terminate{By: Actor{Login: by, Person: true, Reason: reason}}
}

// TestTerminateACheck: the job fails, traffic goes back as after a failure, and a
// person goes on from there.
func TestTerminateACheck(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/verify"] = []string{"interrupted"}
	e := s.start(canary("10"), waits(time.Minute), restores, gated(JobVerify))
	s.must(s.apply(ended("bob", "it hangs")))
	s.run()
	s.want("states", states(e), "FAILED canary-10=FAILED stable=ABORTED")
	s.want("why", e.Rollout.FailureReason, "verify was terminated in canary-10: by bob: it hangs")
	s.want("sent", s.sent, []string{"weight 10", "rollback"})
	s.must(s.apply(RetryJob{By: person("bob")}))
	s.run()
	s.after(time.Minute)
	s.want("taken up again", states(e), "SUCCEEDED canary-10=SUCCEEDED stable=SUCCEEDED")
	s.want("no more", e.Terminated, "")
}

// TestTerminateAnAnalysis: also where nobody looks at it at the moment, and where a
// person was to decide about it.
func TestTerminateAnAnalysis(t *testing.T) {
	s, e := bake(t)
	s.must(s.apply(ended("bob", "")))
	s.run()
	s.want("states", states(e), "FAILED canary-10=FAILED stable=ABORTED")
	s, e = bake(t)
	s.after(25 * time.Minute)
	s.want("asks", e.Undecided != nil, true)
	s.must(s.apply(Terminate{Phase: "canary-10", Job: JobAnalysis, By: person("bob")}))
	s.run()
	s.want("states", states(e), "FAILED canary-10=FAILED stable=ABORTED")
	s.want("asks no more", e.Undecided == nil, true)
}

// TestTerminatedIsNotRepaired: what somebody ended no rule begins again, until a
// person does.
func TestTerminatedIsNotRepaired(t *testing.T) {
	s := newRig(t)
	s.script["stable/verify"] = []string{"interrupted", "fail"}
	e := s.start(gated(JobVerify))
	s.must(s.apply(ended("bob", "")))
	Settle(&s.r, nil, s.setting, s.now)
	s.want("failed", e.Rollout.State, StateFailed)
	_, due := s.r.RepairDue(repairRule(3, 0, true))
	s.want("a rule", due, false)
	s.must(s.apply(RetryJob{By: person("bob")}))
	s.run()
	_, due = s.r.RepairDue(repairRule(3, 0, true))
	s.want("a rule after another failure", due, true)
}

// TestTerminateWhatThePlatformIsAt is asked of the platform, before it is followed
// further.
func TestTerminateWhatThePlatformIsAt(t *testing.T) {
	s := newRig(t)
	s.script["stable/deploy"], s.script["poll/deploy"] = []string{"run"}, []string{"run"}
	e := s.start()
	s.want("the platform is at it", e.Steps.AtWork(), true)
	s.must(s.apply(ended("bob", "")))
	s.wantReason(s.apply(ended("bob", "")), ReasonAlready)
	due := Next(&s.r, nil, s.setting, s.now)
	s.want("due", []any{due.Action, due.Kind, due.Phase, due.Job}, []any{ActionEffect, driver.Terminate, PhaseStable, JobDeploy})
	s.lock()
	s.want("a lock stops no end", Next(&s.r, nil, s.setting, s.now).Action, ActionEffect)
}

// TestTerminatedOnThePlatform: once it is stopped there the job's failure says who did
// it, before what the platform says. While that goes on nobody does it again.
func TestTerminatedOnThePlatform(t *testing.T) {
	s := newRig(t)
	s.script["stable/deploy"], s.script["poll deploy"] = []string{"run"}, []string{"run", "fail"}
	s.script["stable/terminate"], s.script["poll terminate"] = []string{"run"}, []string{"run"}
	e := s.start()
	s.must(s.apply(ended("bob", "too slow")))
	s.run()
	s.want("sent", s.sent, []string{"deploy", "terminate"})
	s.wantReason(s.apply(ended("carol", "")), ReasonAlready)
	for range 4 {
		s.run()
	}
	s.want("state", e.Rollout.State, StateFailed)
	if want := "deploy was terminated in stable: by bob: too slow: "; !strings.HasPrefix(e.Rollout.FailureReason, want) {
		t.Errorf("%q, want %q and why", e.Rollout.FailureReason, want)
	}
}

// TestTerminateRefused says what runs, and what does not.
func TestTerminateRefused(t *testing.T) {
	s, e := bake(t)
	s.wantRefusal(s.apply(Terminate{Job: JobVerify, By: person("bob")}), StateInProgress, "job verify is not at work")
	s.must(s.apply(Cancel{By: person("bob")}))
	s.run()
	s.wantReason(s.apply(Terminate{Rollout: e.Rollout.Name, By: person("bob")}), ReasonState)

	s, _ = asking(t)
	s.wantReason(s.apply(ended("bob", "")), ReasonUnsure)

	s = newRig(t)
	e = s.start(canary("10"), waits(time.Hour))
	s.wantReason(s.apply(ended("bob", "")), ReasonNotRunning)
	both := lockOf("carol")
	both.BothWays = true
	s.must(s.apply(AddBlock{Block: both}))
	s.wantReason(s.apply(ended("bob", "")), ReasonBlocked)
	s.want("it goes on", e.Rollout.State, StateInProgress)
}

// TestTerminateThePlatformsOwn: its job's run is ended, and the rollout is what the
// platform says that it is then.
func TestTerminateThePlatformsOwn(t *testing.T) {
	s := newRemote(t)
	e := s.start(onRemote)
	e.Rollout.Phases[0].State, e.Rollout.Phases[0].DeploymentJobs.DeployJob.State = PhaseInProgress, JobInProgress
	s.must(s.apply(ended("bob", "")))
	s.run()
	s.want("sent", s.sent, []string{"deploy", "terminate"})
	s.becomes(StateFailed, driver.Failed)
	s.run()
	s.want("state", []any{e.Rollout.State, e.Terminated != ""}, []any{StateFailed, true})

	s = newRemote(t)
	e = s.start(onRemote)
	e.Rollout.Phases[0].State, e.Rollout.Phases[0].DeploymentJobs.DeployJob.State = PhaseInProgress, JobInProgress
	s.must(s.apply(ended("bob", "")))
	s.script["terminate"], s.script["canary-50/terminate"] = []string{"refuse"}, []string{"refuse"}
	s.run()
	s.want("refused by the platform", []any{e.Rollout.State, e.Terminated}, []any{StateInProgress, ""})
}

// TestOrderToTerminate: the run that holds the target ends the job, and goes on.
func TestOrderToTerminate(t *testing.T) {
	s, e := bake(t)
	s.must(s.apply(AddOrder{Order: Order{ID: "o-1", Command: OrderTerminate, Phase: "canary-10", Job: JobAnalysis, By: "bob", Person: true, Reason: "no use"}}))
	_, back := s.r.Orders.Back()
	s.want("is no going back", back, false)
	s.run()
	s.want("states", states(e), "FAILED canary-10=FAILED stable=ABORTED")
	s.want("why", e.Rollout.FailureReason, "analysis was terminated in canary-10: by bob: no use")
	s.want("carried out", len(s.r.Orders), 0)
}
