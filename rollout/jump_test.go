package rollout

import (
	"testing"
	"time"
)

// TestJump: a person advances to a later phase, and those between are SKIPPED.
func TestJump(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10", "20", "50"), waits(time.Hour))
	s.must(s.apply(Advance{Rollout: e.Rollout.Name, Phase: "canary-50", Jump: true, By: person("bob")}))
	s.run()
	s.want("states", states(e), "IN_PROGRESS canary-10=SUCCEEDED canary-20=SKIPPED canary-50=SUCCEEDED stable=PENDING")
	s.want("sent", s.sent, []string{"weight 10", "weight 50"})
	p, _ := e.Rollout.Phase("canary-20")
	s.want("why", p.SkipMessage, "bob advanced to canary-50")
	s.must(s.apply(Advance{Rollout: e.Rollout.Name, Phase: "stable", Jump: true, By: person("bob")}))
	s.run()
	s.want("state", e.Rollout.State, StateSucceeded)
}

// TestJumpForwardsOnly: not back, not to what does not exist, not while a phase is at
// work, and without the word to jump only the next; a refusal changes nothing.
func TestJumpForwardsOnly(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10", "50"), waits(time.Hour))
	before := states(e)
	for _, phase := range []string{"canary-10", "canary-99"} {
		if err := s.apply(Advance{Rollout: e.Rollout.Name, Phase: phase, Jump: true, By: person("bob")}); err == nil {
			t.Errorf("it jumps to %s", phase)
		}
	}
	s.wantRefusal(s.apply(Advance{Rollout: e.Rollout.Name, Phase: "stable", By: person("bob")}), StateInProgress, "canary-50")
	s.lock()
	if err := s.apply(Advance{Rollout: e.Rollout.Name, Phase: "stable", Jump: true, By: person("bob")}); err == nil {
		t.Error("a lock does not stop it")
	}
	s.want("nothing changed", states(e), before)
}
