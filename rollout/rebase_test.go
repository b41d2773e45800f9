package rollout

import (
	"testing"
	"time"
)

// TestRebase takes over what others save beside a lease, and nothing else.
func TestRebase(t *testing.T) {
	s := newRig(t)
	s.must(s.apply(TakeLease{Run: "run-1"}))
	s.start(canary("10"))
	s.lock()
	s.order(Order{ID: "mine", Command: OrderAdvance})
	base := s.r.Clone()
	theirs := base.Clone()
	theirs.Generation = 7
	for _, tr := range []Transition{
		EndBlock{ID: "lock", By: person("carol")}, AddBlock{Block: abandonOf("r9")}, AddOrder{Order: Order{ID: "o2", Command: OrderCancel, By: "dave", WaitsUntil: s.now.Add(time.Minute)}},
	} {
		s.must(Apply(&theirs, tr, s.now))
	}
	s.must(s.apply(EndOrder{ID: "mine"})) // meanwhile
	s.must(s.apply(AddBlock{Block: abandonOf("r5")}))
	if !Rebase(&s.r, base, theirs) {
		t.Fatal("it is not taken over")
	}
	s.want("blocks", []string{s.r.Blocks[0].ID, s.r.Blocks[1].ID}, []string{"abandon-r5", "abandon-r9"})
	s.want("orders", []any{len(s.r.Orders), s.r.Orders[0].ID}, []any{1, "o2"})
	s.want("generation", s.r.Generation, 7)
	if err := s.r.check(); err != nil {
		t.Error(err)
	}
	s.want("both sides' events", []int{countEvents(&s.r, "block.placed", ""), countEvents(&s.r, "order.ended", "")}, []int{3, 1})
	s.want("the order counts at once", s.run().Action, ActionYield)
}

func TestRebaseRefuses(t *testing.T) {
	for name, change := range map[string]func(*Record){
		"another lease":      func(r *Record) { r.Lease = "run-2" },
		"a rollout's state":  func(r *Record) { r.Rollouts[0].Rollout.State = StateCancelling },
		"another release":    func(r *Record) { r.Release.ID = "r5" },
		"an unknown field":   func(r *Record) { r.Unknown = []byte(`{"x":1}`) },
		"a rollout too many": func(r *Record) { r.Rollouts = append(r.Rollouts, r.Rollouts[0]) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newRig(t)
			s.must(s.apply(TakeLease{Run: "run-1"}))
			s.start(canary("10"))
			base, theirs := s.r.Clone(), s.r.Clone()
			s.must(Apply(&theirs, AddBlock{Block: lockOf("carol")}, s.now))
			change(&theirs)
			before := encoded(t, s.r)
			if Rebase(&s.r, base, theirs) || string(before) != string(encoded(t, s.r)) {
				t.Error("it was taken over")
			}
		})
	}
}

func TestLease(t *testing.T) {
	s := newRig(t)
	s.must(s.apply(TakeLease{Run: "a"}))
	s.must(s.apply(TakeLease{Run: "a"}))
	s.want("who holds it", s.refusal(s.apply(TakeLease{Run: "b"}), ReasonLeased).Other, "a")
	s.must(s.apply(LetGo{Run: "b"}))
	s.want("not theirs to let go", s.r.Lease, "a")
	s.must(s.apply(TakeLease{Run: "b", From: "a"}))
	s.must(s.apply(LetGo{Run: "b"}))
	s.want("free", s.r.Lease, "")
}
