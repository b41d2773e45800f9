package rollout

import (
	"testing"
	"time"
)

// TestUndone: what a save told that could not be made for every target is put right by
// what is told after it; what others saved beside it stays.
func TestUndone(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"), waits(time.Hour))
	before := s.r.Clone()
	was := names(s.r.Rollouts)

	s.after(time.Hour) // the bake is over, and the rollout too
	s.want("it was over", e.Rollout.State, StateSucceeded)
	s.create(plan(release("r3"), promotion("p2")), false)
	Settle(&s.r, nil, s.setting, s.now)
	s.lock()
	told := len(s.r.Events)

	back := s.r.Undone(before, person("anna"), s.now)
	s.want("rollouts", names(back.Rollouts), was)
	s.want("it is not over", back.Rollouts[0].Rollout.State, StateInProgress)
	s.want("free", back.Lease, "")
	s.want("what others placed", len(back.Blocks), 1)
	s.want("what is open is what was open", actions(back.Events), actions(before.Events))
	s.want("and the rollout is told to be open again", countEvents(&back, "rollout.reopened", ""), 1)
	for i, event := range back.Events[:told] {
		s.want("nothing that was told is taken away", event.ID, s.r.Events[i].ID)
	}
	if err := back.check(); err != nil {
		t.Error(err)
	}
	s.r = back
	s.unlock()
	s.want("the name is not used again", s.create(plan(release("r3"), promotion("p3")), false).Rollout.Name, "r3-to-web-0002")
}

// actions are those that events leave open.
func actions(events []Event) map[string]bool {
	open := map[string]bool{}
	for _, e := range openActions(events) {
		open[e.Action] = true
	}
	return open
}
