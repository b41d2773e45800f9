package rollout

import (
	"testing"
	"time"
)

func TestTimeoutFailsAtTheJobItIsAt(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"))
	s.after(24 * time.Hour)
	s.want("states", states(e), "FAILED canary-10=SUCCEEDED stable=FAILED")
	s.want("cause", e.Rollout.DeployFailureCause, DeadlineExceeded)
	s.want("reason", e.Rollout.FailureReason, "the rollout took longer than timeout 24h0m0s")
	s.want("traffic is put back", s.runs, "r1")
	s.want("ended", e.Rollout.DeployEndTime, t0.Add(24*time.Hour))
}

func TestRetryGivesTheTimeOnceMore(t *testing.T) {
	for name, fail := range map[string]func(*rig) *Execution{
		"after the timeout": func(s *rig) *Execution {
			e := s.start(canary("10"))
			s.after(24 * time.Hour)
			return e
		},
		"long after another failure": func(s *rig) *Execution {
			s.script["canary-10/verify"] = []string{"fail"}
			e := s.start(canary("10"), gated(JobVerify))
			s.now = s.now.Add(48 * time.Hour)
			return e
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRig(t)
			e := fail(s)
			s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
			s.run()
			if e.Rollout.State == StateFailed {
				t.Fatalf("failed again: %s", e.Rollout.FailureReason)
			}
			s.want("it began when it began", e.Rollout.DeployStartTime, t0)
		})
	}
}

func TestOperationTimeout(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/weight"], s.script["poll weight"] = []string{"run"}, []string{"run", "run"}
	e := s.start(canary("10"))
	s.after(59 * time.Minute)
	s.want("still followed", e.Rollout.State, StateInProgress)
	s.after(time.Minute)
	s.want("states", states(e), "FAILED canary-10=FAILED stable=ABORTED")
	s.want("cause", e.Rollout.DeployFailureCause, DeadlineExceeded)
	s.want("reason", e.Rollout.FailureReason, "the operation took longer than operationTimeout 1h0m0s; it may still be running on the platform")
	s.want("it may stand, so traffic is put back", s.sent, []string{"weight 10", "rollback"})
}

func TestOperationTimeoutOfARestore(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/verify"], s.script["canary-10/rollback"] = []string{"fail"}, []string{"run"}
	s.script["poll rollback"] = []string{"run"}
	e := s.start(canary("10"), gated(JobVerify))
	s.run()
	s.after(time.Hour)
	s.want("state", e.Rollout.State, StateFailed)
	s.want("cause", e.Rollout.DeployFailureCause, DeadlineExceeded)
	s.want("reason", e.Rollout.FailureReason, "canary-10/verify failed; and traffic could not be put back: the operation took longer than operationTimeout 1h0m0s; it may still be running on the platform")
}

func TestOperationTimeoutOfACancellation(t *testing.T) {
	s := newRig(t)
	s.script["stable/deploy"], s.script["poll deploy"] = []string{"run"}, []string{"run", "run"}
	e := s.start()
	s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.after(time.Hour)
	s.want("states", states(e), "CANCELLED stable=FAILED")
}

// TestAQuestionHasNoDeadline: a person takes the time they take.
func TestAQuestionHasNoDeadline(t *testing.T) {
	s, e := asking(t)
	s.wantWait(s.after(72*time.Hour), WaitOperator, 0)
	s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("state", e.Rollout.State, StateSucceeded)
}

func TestNoTimeoutMeansNone(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/weight"], s.script["poll weight"] = []string{"run"}, []string{"run"}
	e := s.start(canary("10"), func(p *Spec) { p.Timeout, p.OperationTimeout = 0, 0 })
	s.after(1000 * time.Hour)
	s.want("followed", e.Steps[0].State, StepBegun)
	s.wantWait(s.run(), WaitPerson, 0)
	s.want("state", e.Rollout.State, StateInProgress)
}

func TestApprovalTimeout(t *testing.T) {
	s := newRig(t)
	e := s.start(approved(ApprovalSpec{Quorum: 1, Timeout: Duration(time.Hour)}))
	due := s.run()
	s.wantWait(due, WaitApproval, time.Hour)
	s.now = s.now.Add(time.Hour)
	err := s.apply(Vote{Rollout: e.Rollout.Name, Approve: true, Voter: voter("bob", "")})
	s.wantRefusal(err, "PENDING_APPROVAL", "ran out at 2026-03-01T13:00:00Z")
	s.run()
	s.want("states", states(e), "CANCELLED stable=ABORTED")
	s.want("it was not rejected", e.Rollout.ApprovalState, NeedsApproval)
	s.want("expired", e.Expired, t0.Add(time.Hour))
	s.want("reason", e.Rollout.FailureReason, "nobody approved within 1h0m0s")
	s.want("it never deployed", e.Rollout.DeployEndTime.IsZero(), true)
}

func TestQueuedApprovalsExpireToo(t *testing.T) {
	s := newRig(t)
	s.start(canary("10"))
	queued := s.start(release("r3"), promotion("p2"), approved(ApprovalSpec{Quorum: 1, Timeout: Duration(time.Hour)})).Rollout.Name
	s.after(time.Hour)
	s.want("state", s.rollout(queued).Rollout.State, StateCancelled)
}
