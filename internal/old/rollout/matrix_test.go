package rollout

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// situations are rollouts of ours in every state, and the commands that Cloud
// Deploy's rules allow there. Every other command is refused.
var situations = []struct {
	name    string
	state   State
	allowed string
	build   func(*stand) *Execution
}{
	{"approval", StatePendingApproval, "approve reject cancel supersede", func(s *stand) *Execution {
		return s.start(approved(ApprovalSpec{Quorum: 1}))
	}},
	{"queued", StatePending, "cancel supersede", func(s *stand) *Execution {
		s.start(canary("10"))
		return s.start(release("r3"), promotion("p2"))
	}},
	{"predeploy at work", StateInProgress, "cancel supersede", func(s *stand) *Execution {
		s.script["stable/predeploy"] = []string{"interrupted"}
		return s.start(gated(JobPredeploy))
	}},
	{"effect intended", StateInProgress, "cancel", func(s *stand) *Execution {
		s.script["stable/deploy"] = []string{"lost"}
		return s.start()
	}},
	{"effect begun", StateInProgress, "cancel", func(s *stand) *Execution {
		s.script["stable/deploy"], s.script["poll deploy"] = []string{"run"}, []string{"run"}
		return s.start()
	}},
	{"effect asks", StateInProgress, "cancel retry-job ignore-job rollback", func(s *stand) *Execution {
		s.script["stable/deploy"], s.script["lookup deploy"] = []string{"lost"}, []string{"foreign"}
		e := s.start()
		s.run()
		return e
	}},
	{"verify at work", StateInProgress, "cancel rollback", func(s *stand) *Execution {
		s.script["stable/verify"] = []string{"interrupted"}
		return s.start(gated(JobVerify))
	}},
	{"waits for a person", StateInProgress, "advance cancel rollback", func(s *stand) *Execution { return s.start(canary("10")) }},
	{"bakes", StateInProgress, "advance cancel rollback", func(s *stand) *Execution { return s.start(canary("10"), waits(time.Hour)) }},
	{"analysis bakes", StateInProgress, "cancel rollback", func(s *stand) *Execution {
		return s.start(canary("10"), waits(time.Hour), gated(JobAnalysis))
	}},
	{"puts traffic back", StateInProgress, "cancel", func(s *stand) *Execution {
		s.script["canary-10/verify"], s.script["canary-10/rollback"] = []string{"fail"}, []string{"run"}
		s.script["poll rollback"] = []string{"run"}
		return s.start(canary("10"), gated(JobVerify))
	}},
	{"putting traffic back asks", StateInProgress, "cancel retry-job ignore-job rollback", func(s *stand) *Execution {
		s.script["canary-10/verify"], s.script["canary-10/rollback"] = []string{"fail"}, []string{"lost"}
		s.script["lookup rollback"] = []string{"foreign"}
		e := s.start(canary("10"), gated(JobVerify))
		s.run()
		return e
	}},
	{"cancelling", StateCancelling, "", func(s *stand) *Execution {
		s.script["stable/rollback"], s.script["poll rollback"] = []string{"run"}, []string{"run"}
		e := s.start(canary("10"))
		s.must(e.Cancel(&s.r, "bob", s.now))
		s.run()
		return e
	}},
	{"cancelling asks", StateCancelling, "cancel retry-job ignore-job rollback", func(s *stand) *Execution {
		s.script["stable/rollback"], s.script["lookup rollback"] = []string{"lost"}, []string{"foreign"}
		e := s.start(canary("10"))
		s.must(e.Cancel(&s.r, "bob", s.now))
		s.run()
		s.run()
		return e
	}},
	{"succeeded", StateSucceeded, "rollback", func(s *stand) *Execution { return s.start() }},
	{"failed and restored", StateFailed, "retry-job ignore-job", func(s *stand) *Execution {
		s.script["canary-10/verify"] = []string{"fail"}
		return s.start(canary("10"), gated(JobVerify))
	}},
	{"failed and held", StateFailed, "cancel retry-job ignore-job rollback", func(s *stand) *Execution {
		s.script["canary-10/verify"] = []string{"fail"}
		return s.start(canary("10"), gated(JobVerify), holds)
	}},
	{"failed when stable", StateFailed, "retry-job ignore-job rollback", func(s *stand) *Execution {
		s.script["stable/verify"] = []string{"fail"}
		return s.start(gated(JobVerify))
	}},
	{"effect refused", StateFailed, "retry-job ignore-job", func(s *stand) *Execution {
		s.script["stable/deploy"] = []string{"refuse"}
		return s.start()
	}},
	{"abandoned", StateFailed, "", func(s *stand) *Execution {
		e := s.start(approved(ApprovalSpec{Quorum: 1}))
		s.r.Abandon("r2", "carol", "", s.now)
		return e
	}},
	{"failed under a newer rollout", StateFailed, "", func(s *stand) *Execution {
		s.script["stable/verify"] = []string{"fail"}
		name := s.start(gated(JobVerify)).Rollout.Name
		s.start(release("r3"), promotion("p2"))
		return s.rollout(name)
	}},
	{"rejected", StateApprovalRejected, "", func(s *stand) *Execution {
		e := s.start(approved(ApprovalSpec{Quorum: 1}))
		s.must(e.Reject(&s.r, Voter{Actor: "bob"}, s.now))
		return e
	}},
	{"cancelled", StateCancelled, "", func(s *stand) *Execution {
		e := s.start(canary("10"))
		s.must(e.Cancel(&s.r, "bob", s.now))
		s.run()
		return e
	}},
}

// commands are what people can do to a rollout.
var commands = map[string]func(r *Record, e *Execution, now time.Time) error{
	"approve": func(r *Record, e *Execution, now time.Time) error {
		_, err := e.Approve(r, Voter{Actor: "bob"}, now)
		return err
	},
	"reject":     func(r *Record, e *Execution, now time.Time) error { return e.Reject(r, Voter{Actor: "bob"}, now) },
	"advance":    func(r *Record, e *Execution, now time.Time) error { return e.Advance(r, "", "bob", now) },
	"cancel":     func(r *Record, e *Execution, now time.Time) error { return e.Cancel(r, "bob", now) },
	"retry-job":  func(r *Record, e *Execution, now time.Time) error { return e.RetryJob(r, "", "", "bob", now) },
	"ignore-job": func(r *Record, e *Execution, now time.Time) error { return e.IgnoreJob(r, "", "", "bob", now) },
	"supersede":  func(r *Record, e *Execution, now time.Time) error { return e.Supersede(r, "r9", now) },
	"rollback": func(r *Record, e *Execution, now time.Time) error {
		undone, err := r.RolledBack(e.Spec.Promotion)
		if err != nil {
			return err
		}
		_, err = Rollback(r, undone.Rollout.Name, plan(promotion("p-back")), now)
		return err
	},
}

// TestEveryCommandInEveryState: refusals name the state they found and change
// nothing; what is allowed changes something.
func TestEveryCommandInEveryState(t *testing.T) {
	for _, c := range situations {
		s := newStand(t)
		name := c.build(s).Rollout.Name
		if got := s.rollout(name).Rollout.State; got != c.state {
			t.Fatalf("%s: state %s, want %s", c.name, got, c.state)
		}
		for command, do := range commands {
			t.Run(c.name+"/"+command, func(t *testing.T) {
				record := s.r.Clone()
				e, _ := record.Rollout(name)
				before := encoded(t, record)
				err := do(&record, e, s.now)
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
				if refused.State != string(c.state) && refused.State != "as it was" {
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
