package rollout

import (
	"testing"
	"time"

	"sluice/stages/driver"
)

func TestCancelWhileWaiting(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10", "50"), gated(JobVerify))
	s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
	s.want("cancelling", e.Rollout.State, StateCancelling)
	s.run()
	s.want("states", states(e), "CANCELLED canary-10=SUCCEEDED canary-50=ABORTED stable=ABORTED")
	s.want("jobs untouched by the rollback", jobs(t, e, "canary-50"), "deploy=ABORTED verify=ABORTED")
	s.want("runs", s.runs, "r1")
	s.want("no failure cause", e.Rollout.DeployFailureCause, "")
}

func TestCancelBeforeAnyEffect(t *testing.T) {
	s := newRig(t)
	s.script["stable/predeploy"] = []string{"interrupted"}
	e := s.start(gated(JobPredeploy))
	s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("states", states(e), "CANCELLED stable=ABORTED")
	s.want("sent", len(s.sent), 0)
}

// TestCancelUnderWay: an effect under way is waited for; what it leaves decides.
func TestCancelUnderWay(t *testing.T) {
	for name, c := range map[string]struct {
		phase   string // at which effect
		answer  string // how its operation ends
		sent    string
		runs    string
		states  string
		touched bool
	}{
		"weight takes effect": {"canary-10/weight", "done", "[weight 10 rollback]", "r1", "CANCELLED canary-10=ABORTED stable=ABORTED", false},
		"weight breaks":       {"canary-10/weight", "fail", "[weight 10 rollback]", "r1", "CANCELLED canary-10=FAILED stable=ABORTED", false},
		"stable takes effect": {"stable/stable", "done", "[weight 10 stable]", "r2+0%r2", "CANCELLED canary-10=SUCCEEDED stable=ABORTED", true},
		"stable had none":     {"stable/stable", "denied", "[weight 10 stable rollback]", "r1", "CANCELLED canary-10=SUCCEEDED stable=FAILED", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRig(t)
			s.script[c.phase] = []string{"run"}
			kind := c.phase[len(c.phase)-6:]
			s.script["poll "+kind] = []string{"run", c.answer}
			e := s.start(canary("10"), waits(time.Minute), holds)
			if kind == "stable" {
				s.after(time.Minute)
			}
			s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
			s.run()
			s.want("still under way", e.Rollout.State, StateCancelling)
			s.run()
			s.want("states", states(e), c.states)
			s.want("sent", s.sent, c.sent)
			s.want("runs", s.runs, c.runs)
			s.want("touched", e.Touched(), c.touched)
			s.want("what was cancelled did not fail", e.Rollout.DeployFailureCause, "")
		})
	}
}

func TestCancelOfAnEffectThatHadNone(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/weight"], s.script["lookup weight"] = []string{"lost"}, []string{"denied"}
	e := s.start(canary("10"))
	s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("states", states(e), "CANCELLED canary-10=FAILED stable=ABORTED")
	s.want("nothing is put back", len(s.sent), 0)
}

func TestCancelWhileIntended(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/weight"] = []string{"lost"}
	e := s.start(canary("10"))
	s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run() // it had taken effect
	s.want("sent", s.sent, []string{"rollback"})
	s.want("state", e.Rollout.State, StateCancelled)
}

// TestCancelAnswersAQuestion: a person who cancels has decided.
func TestCancelAnswersAQuestion(t *testing.T) {
	t.Run("before anything was sent", func(t *testing.T) {
		s := newRig(t)
		e := s.start(canary("10"), waits(time.Minute))
		s.runs = traffic{Stable: "hotfix"}
		s.wantWait(s.after(time.Minute), WaitOperator, 0)
		s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
		s.run()
		s.want("our canary is put back", s.runs, "r1")
		s.want("state", e.Rollout.State, StateCancelled)
	})
	t.Run("and nothing of ours stands", func(t *testing.T) {
		s := newRig(t)
		e := s.start(approved(ApprovalSpec{Quorum: 1}))
		err := s.apply(Vote{Rollout: e.Rollout.Name, Approve: true, Voter: voter("bob", "")})
		s.must(err)
		Settle(&s.r, nil, Setting{}, s.now)
		s.must(s.apply(AskPerson{Due: Due{Phase: "stable", Job: JobDeploy, Kind: driver.Deploy}, Key: "k", Message: "foreign"}))
		s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
		s.run()
		s.want("sent", len(s.sent), 0)
		s.want("state", e.Rollout.State, StateCancelled)
	})
	t.Run("after it was sent", func(t *testing.T) {
		s := newRig(t)
		s.script["canary-10/weight"], s.script["lookup weight"] = []string{"lost"}, []string{"foreign"}
		e := s.start(canary("10"))
		s.wantWait(s.run(), WaitOperator, 0)
		s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
		s.run()
		s.want("it may stand, so traffic is put back", s.sent, []string{"rollback"})
		s.want("state", e.Rollout.State, StateCancelled)
	})
}

// TestQuestionDuringCancellation: the rollback of a cancellation may be what asks.
func TestQuestionDuringCancellation(t *testing.T) {
	for _, c := range []struct {
		name, runs string
		do         func(*rig, *Execution) error
	}{
		{"cancel repeats it", "r1", func(s *rig, e *Execution) error { return s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}) }},
		{"retry-job repeats it", "r1", func(s *rig, e *Execution) error { return s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}) }},
		{"ignore-job accepts what stands", "r1+10%r2", func(s *rig, e *Execution) error {
			return s.apply(IgnoreJob{Rollout: e.Rollout.Name, By: person("bob")})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newRig(t)
			s.script["stable/rollback"], s.script["lookup rollback"] = []string{"lost"}, []string{"foreign"}
			e := s.start(canary("10"))
			s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
			s.run()
			s.wantWait(s.run(), WaitOperator, 0)
			s.must(c.do(s, e))
			s.run()
			s.want("state", e.Rollout.State, StateCancelled)
			s.want("runs", s.runs, c.runs)
		})
	}
}

func TestQuestionOfAnEffectThatWasCancelled(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/weight"], s.script["lookup weight"] = []string{"lost"}, []string{"foreign"}
	e := s.start(canary("10"))
	s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
	s.wantWait(s.run(), WaitOperator, 0)
	s.wantRefusal(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}), "CANCELLING", "accepts what stands")
	s.must(s.apply(IgnoreJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("state", e.Rollout.State, StateCancelled)
	s.want("nothing is put back", len(s.sent), 0)
}

// TestCancelHeld: a rollout that failed is over, but its canary is not.
func TestCancelHeld(t *testing.T) {
	s, e := failedAt(t, "canary-10/verify", holds)
	s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("states", states(e), "CANCELLED canary-10=FAILED canary-50=ABORTED stable=ABORTED")
	s.want("runs", s.runs, "r1")
	s.wantReason(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}), ReasonThere)

	s, e = failedAt(t, "canary-10/verify") // restored
	s.wantReason(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}), ReasonThere)
}

func TestCancelHeldUnderANewerRollout(t *testing.T) {
	s, e := failedAt(t, "canary-10/verify", holds)
	name := e.Rollout.Name
	s.script["stable/deploy"] = []string{"run"}
	s.start(release("r3"), promotion("p2"))
	s.wantRefusal(s.apply(Cancel{Rollout: s.rollout(name).Rollout.Name, By: person("bob")}), "FAILED", "r3-to-web-0001, has changed the target since")
}
