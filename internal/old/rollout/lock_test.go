package rollout

import (
	"testing"
	"time"

	"sluice/stages/driver"
)

func TestPersonsLock(t *testing.T) {
	lock := func(s *stand) { s.r.Lock = &Lock{Holder: "carol", Actor: "carol", Since: s.now, Person: true} }
	t.Run("stops new effects", func(t *testing.T) {
		s := newStand(t)
		lock(s)
		e := s.start(gated(JobPredeploy))
		due := s.run()
		s.wantWait(due, WaitLock, 0)
		s.want("by", due.Waiting.By+" "+due.Waiting.Command, "carol sluice unlock --target web")
		s.want("sent", len(s.sent)+len(s.checks), 0)
		s.r.Lock = nil
		s.run()
		s.want("state", e.Rollout.State, StateSucceeded)
	})
	t.Run("stops the next phase", func(t *testing.T) {
		s := newStand(t)
		s.start(canary("10"), waits(time.Minute))
		lock(s)
		s.wantWait(s.after(time.Minute), WaitLock, 0)
		s.want("sent", s.sent, []string{"weight 10"})
	})
	t.Run("never keeps traffic from being put back", func(t *testing.T) {
		s := newStand(t)
		s.script["canary-10/weight"] = []string{"run"}
		s.script["canary-10/verify"] = []string{"fail"}
		e := s.start(canary("10"), gated(JobVerify))
		lock(s)
		s.run()
		s.want("runs", s.runs, "r1")
		s.want("state", e.Rollout.State, StateFailed)
	})
	t.Run("nor a rollback that was begun", func(t *testing.T) {
		s := newStand(t)
		name := s.start().Rollout.Name
		back, err := Rollback(&s.r, name, plan(promotion("p2")), s.now)
		s.must(err)
		s.want("first effect", Next(&s.r, s.now, View{}).Action, ActionWait)
		lock(s)
		s.run()
		s.want("runs", s.runs, "r1")
		s.want("kind", back.Spec.Phases[0].Effects[0], driver.Rollback)
	})
}

func TestHaltedBySibling(t *testing.T) {
	s := newStand(t)
	s.start(canary("10"), waits(time.Minute))
	s.view = View{Halted: "api"}
	due := s.after(time.Minute)
	s.wantWait(due, WaitOperator, 0)
	s.want("command", due.Waiting.Command, "sluice retry-job --target api")
	s.want("other command", due.Waiting.Or, "sluice ignore-job --target api")
	s.view = View{}
	s.run()
	s.want("sent", s.sent, []string{"weight 10", "stable"})
}
