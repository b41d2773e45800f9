package rollout

import (
	"testing"
	"time"
)

// window is a policy by the clock, from one time to another, known outside the
// records.
func window(from, to time.Time, change func(*Block)) Outside {
	return func(_ *Record, q Question, now time.Time) []Block {
		b := Block{ID: "freeze", Kind: BlockPolicy, Whom: Everybody, At: from, Until: to}
		change(&b)
		if now.Before(from) || !b.stops(q, now) {
			return nil
		}
		return []Block{b}
	}
}

// frozen is a rig whose freeze lasts from one hour to ten hours from now.
func frozen(t *testing.T, change func(*Block)) *rig {
	s := newRig(t)
	s.setting.Outside = window(t0.Add(time.Hour), t0.Add(10*time.Hour), change)
	return s
}

func TestAPolicyHoldsWhatStands(t *testing.T) {
	s := frozen(t, func(b *Block) { b.Standing, b.Resume = StandingHold, ResumeAutomatic })
	e := s.start(canary("10"), waits(2*time.Hour))
	s.after(2 * time.Hour)
	due := s.run()
	s.wantWait(due, WaitPolicy, 8*time.Hour)
	s.want("which", due.Waiting.Block.ID, "freeze")
	s.want("traffic stands", s.runs, "r1+10%r2")
	s.after(8 * time.Hour)
	s.want("it goes on by itself", e.Rollout.State, StateSucceeded)
}

// TestWhatAPolicyHeldIsTakenUpByAPerson unless the policy says otherwise; its
// time stands still until then.
func TestWhatAPolicyHeldIsTakenUpByAPerson(t *testing.T) {
	for name, takeUp := range map[string]func(*rig){
		"a person's run": func(s *rig) { s.setting.Person = true },
		"advance":        func(s *rig) { s.must(s.apply(Advance{By: person("bob")})) },
	} {
		t.Run(name, func(t *testing.T) {
			s := frozen(t, func(*Block) {})
			e := s.start(canary("10"), waits(2*time.Hour))
			s.after(2 * time.Hour)
			due := s.after(100 * time.Hour)
			s.wantWait(due, WaitPerson, 0)
			s.want("why", due.Waiting.Cause, CauseResume)
			takeUp(s)
			s.run()
			s.want("state", e.Rollout.State, StateSucceeded)
		})
	}
}

func TestAPolicyLetsFinish(t *testing.T) {
	s := frozen(t, func(b *Block) { b.Standing = StandingFinish })
	e := s.start(canary("10"), waits(2*time.Hour))
	s.after(2 * time.Hour)
	s.want("state", e.Rollout.State, StateSucceeded)
	next := s.create(plan(release("r3"), promotion("p2")), false)
	s.wantWait(s.run(), WaitPolicy, 8*time.Hour)
	s.want("what has not begun waits", next.Rollout.State, StatePending)
}

func TestAPolicyPutsTrafficBack(t *testing.T) {
	s := frozen(t, func(b *Block) { b.Standing = StandingBack })
	e := s.start(canary("10"), waits(2*time.Hour))
	s.after(time.Hour)
	s.want("state", e.Rollout.State, StateCancelled)
	s.want("traffic", s.runs, "r1")
	s.want("automation does not begin again", blockLines(&s.r), []string{"restored  automation"})
}

// TestTwoPolicies: what one lets finish another may hold, and one that puts traffic
// back does so behind another and under a lock.
func TestTwoPolicies(t *testing.T) {
	both := func(standing ...string) *rig {
		s := newRig(t)
		s.setting.Outside = func(r *Record, q Question, now time.Time) []Block {
			var list []Block
			for _, how := range standing {
				list = append(list, window(t0.Add(time.Hour), t0.Add(10*time.Hour), func(b *Block) { b.ID, b.Standing = how, how })(r, q, now)...)
			}
			return list
		}
		return s
	}
	s := both(StandingFinish, StandingHold)
	s.start(canary("10"), waits(2*time.Hour))
	due := s.after(2 * time.Hour)
	s.wantWait(due, WaitPolicy, 8*time.Hour)
	s.want("which", due.Waiting.Block.ID, StandingHold)

	s = both(StandingHold, StandingBack)
	s.start(canary("10"), waits(2*time.Hour))
	s.lock()
	s.after(time.Hour)
	s.want("traffic", s.runs, "r1")
}
