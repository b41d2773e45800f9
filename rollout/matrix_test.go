package rollout

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// situations are rollouts of ours in every state, what Cloud Deploy's rules allow
// there, and what is so already: that changes nothing and is no failure. Every
// other command is refused.
var situations = []struct {
	name      string
	state     State
	allowed   string
	unchanged string
	build     func(*rig) *Execution
}{
	{"approval", StatePendingApproval, "approve reject cancel rollback", "", func(s *rig) *Execution {
		return s.start(approved(ApprovalSpec{Quorum: 1}))
	}},
	{"queued", StatePending, "cancel rollback", "", func(s *rig) *Execution {
		s.start(canary("10"))
		return s.start(release("r3"), promotion("p2"))
	}},
	{"predeploy at work", StateInProgress, "cancel terminate rollback", "", func(s *rig) *Execution {
		s.script["stable/predeploy"] = []string{"interrupted"}
		return s.start(gated(JobPredeploy))
	}},
	{"effect intended", StateInProgress, "cancel rollback", "", func(s *rig) *Execution {
		s.script["stable/deploy"] = []string{"lost"}
		return s.start()
	}},
	{"effect begun", StateInProgress, "cancel terminate rollback", "", func(s *rig) *Execution {
		s.script["stable/deploy"], s.script["poll deploy"] = []string{"run"}, []string{"run"}
		return s.start()
	}},
	{"effect asks", StateInProgress, "cancel retry-job ignore-job rollback", "", func(s *rig) *Execution {
		s.script["stable/deploy"], s.script["lookup deploy"] = []string{"lost"}, []string{"foreign"}
		e := s.start()
		s.run()
		return e
	}},
	{"verify at work", StateInProgress, "cancel terminate rollback", "", func(s *rig) *Execution {
		s.script["stable/verify"] = []string{"interrupted"}
		return s.start(gated(JobVerify))
	}},
	{"waits for a person", StateInProgress, "advance cancel rollback", "", func(s *rig) *Execution { return s.start(canary("10")) }},
	{"bakes", StateInProgress, "advance cancel rollback", "", func(s *rig) *Execution { return s.start(canary("10"), waits(time.Hour)) }},
	{"analysis bakes", StateInProgress, "cancel terminate rollback", "", func(s *rig) *Execution {
		return s.start(canary("10"), waits(time.Hour), gated(JobAnalysis))
	}},
	{"puts traffic back", StateInProgress, "cancel rollback", "", func(s *rig) *Execution {
		s.script["canary-10/verify"], s.script["canary-10/rollback"] = []string{"fail"}, []string{"run"}
		s.script["poll rollback"] = []string{"run"}
		return s.start(canary("10"), gated(JobVerify))
	}},
	{"putting traffic back asks", StateInProgress, "cancel retry-job ignore-job rollback", "", func(s *rig) *Execution {
		s.script["canary-10/verify"], s.script["canary-10/rollback"] = []string{"fail"}, []string{"lost"}
		s.script["lookup rollback"] = []string{"foreign"}
		e := s.start(canary("10"), gated(JobVerify))
		s.run()
		return e
	}},
	{"cancelling", StateCancelling, "rollback", "cancel", func(s *rig) *Execution {
		s.script["stable/rollback"], s.script["poll rollback"] = []string{"run"}, []string{"run"}
		e := s.start(canary("10"))
		s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
		s.run()
		return e
	}},
	{"cancelling asks", StateCancelling, "cancel retry-job ignore-job rollback", "", func(s *rig) *Execution {
		s.script["stable/rollback"], s.script["lookup rollback"] = []string{"lost"}, []string{"foreign"}
		e := s.start(canary("10"))
		s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
		s.run()
		s.run()
		return e
	}},
	{"succeeded", StateSucceeded, "rollback", "", func(s *rig) *Execution { return s.start() }},
	{"failed and restored", StateFailed, "retry-job ignore-job", "cancel rollback", func(s *rig) *Execution {
		s.script["canary-10/verify"] = []string{"fail"}
		return s.start(canary("10"), gated(JobVerify))
	}},
	{"failed and held", StateFailed, "cancel retry-job ignore-job rollback", "", func(s *rig) *Execution {
		s.script["canary-10/verify"] = []string{"fail"}
		return s.start(canary("10"), gated(JobVerify), holds)
	}},
	{"failed when stable", StateFailed, "retry-job ignore-job rollback", "", func(s *rig) *Execution {
		s.script["stable/verify"] = []string{"fail"}
		return s.start(gated(JobVerify))
	}},
	{"effect refused", StateFailed, "retry-job ignore-job", "rollback", func(s *rig) *Execution {
		s.script["stable/deploy"] = []string{"refuse"}
		return s.start()
	}},
	{"abandoned", StateFailed, "", "rollback", func(s *rig) *Execution {
		e := s.start(approved(ApprovalSpec{Quorum: 1}))
		s.must(s.apply(AddBlock{Block: abandonOf("r2")}))
		s.run()
		return e
	}},
	{"failed under a newer rollout", StateFailed, "", "", func(s *rig) *Execution {
		s.script["stable/verify"] = []string{"fail"}
		name := s.start(gated(JobVerify)).Rollout.Name
		s.start(release("r3"), promotion("p2"))
		return s.rollout(name)
	}},
	{"rejected", StateApprovalRejected, "", "cancel rollback", func(s *rig) *Execution {
		e := s.start(approved(ApprovalSpec{Quorum: 1}))
		s.must(s.apply(Vote{Rollout: e.Rollout.Name, Voter: voter("bob", "")}))
		return e
	}},
	{"gone back", StateSucceeded, "", "rollback", func(s *rig) *Execution {
		name := s.start().Rollout.Name
		s.must(s.apply(GoBack{Promotion: "p-back", By: person("bob")}))
		s.run()
		return s.rollout(name)
	}},
	{"going back", StateSucceeded, "", "rollback", func(s *rig) *Execution {
		name := s.start().Rollout.Name
		s.script["stable/rollback"], s.script["poll rollback"] = []string{"run"}, []string{"run"}
		s.must(s.apply(GoBack{Promotion: "p-back", By: person("bob")}))
		s.run()
		return s.rollout(name)
	}},
	{"expired", StateCancelled, "", "cancel rollback", func(s *rig) *Execution {
		e := s.start(approved(ApprovalSpec{Quorum: 1, Timeout: Duration(time.Hour)}))
		s.after(time.Hour)
		return e
	}},
	{"cancelled", StateCancelled, "", "cancel rollback", func(s *rig) *Execution {
		e := s.start(canary("10"))
		s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
		s.run()
		return e
	}},
}

func abandonOf(release string) Block {
	return Block{ID: "abandon-" + release, Kind: BlockAbandon, Scope: ScopePipeline, Release: release, Whom: Everybody, By: "carol"}
}

// commands are what people can do to a rollout.
var commands = map[string]func(e *Execution) Transition{
	"approve": func(e *Execution) Transition {
		return Vote{Rollout: e.Rollout.Name, Approve: true, Voter: voter("bob", "")}
	},
	"reject":     func(e *Execution) Transition { return Vote{Rollout: e.Rollout.Name, Voter: voter("bob", "")} },
	"advance":    func(e *Execution) Transition { return Advance{Rollout: e.Rollout.Name, By: person("bob")} },
	"cancel":     func(e *Execution) Transition { return Cancel{Rollout: e.Rollout.Name, By: person("bob")} },
	"retry-job":  func(e *Execution) Transition { return RetryJob{Rollout: e.Rollout.Name, By: person("bob")} },
	"ignore-job": func(e *Execution) Transition { return IgnoreJob{Rollout: e.Rollout.Name, By: person("bob")} },
	"terminate":  func(e *Execution) Transition { return Terminate{Rollout: e.Rollout.Name, By: person("bob")} },
	"rollback": func(e *Execution) Transition {
		return GoBack{Of: e.Spec.Promotion, Promotion: "p-back", By: person("bob")}
	},
}

// TestEveryCommandInEveryState: refusals name the state they found and change
// nothing; what is allowed changes something.
func TestEveryCommandInEveryState(t *testing.T) {
	for _, c := range situations {
		s := newRig(t)
		name := c.build(s).Rollout.Name
		if got := s.rollout(name).Rollout.State; got != c.state {
			t.Fatalf("%s: state %s, want %s", c.name, got, c.state)
		}
		for command, transition := range commands {
			t.Run(c.name+"/"+command, func(t *testing.T) {
				record := s.r.Clone()
				e, _ := record.Rollout(name)
				before := encoded(t, record)
				err := Apply(&record, transition(e), s.now)
				changed := !bytes.Equal(before, encoded(t, record))
				if slices.Contains(strings.Fields(c.allowed), command) {
					if err != nil || !changed {
						t.Errorf("error %v, changed %t; it is allowed", err, changed)
					}
					return
				}
				var refused *RefusedError
				if !errors.As(err, &refused) || changed {
					t.Fatalf("error %v, changed %t; it is to be refused", err, changed)
				}
				if want := slices.Contains(strings.Fields(c.unchanged), command); refused.Unchanged() != want {
					t.Errorf("%v: unchanged %t, want %t", err, refused.Unchanged(), want)
				}
				if refused.State != c.state && refused.Reason != ReasonNothing && refused.Other == "" {
					t.Errorf("refusal %q does not name the state %s", err, c.state)
				}
			})
		}
	}
}

func encoded(t *testing.T, r Record) []byte {
	t.Helper()
	data, err := Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
