package rollout

import (
	"testing"
	"time"
)

func (s *rig) order(o Order) {
	s.t.Helper()
	if o.ID == "" {
		o.ID = "o1"
	}
	o.By, o.Person = "bob", true
	s.must(s.apply(AddOrder{Order: o}))
}

// TestAnOrderToGoBackStopsTheHolder: it begins nothing more, finishes what is
// under way and lets go; whoever ordered acts then.
func TestAnOrderToGoBackStopsTheHolder(t *testing.T) {
	for _, command := range []string{OrderCancel, OrderRollback, OrderDisableCanary} {
		t.Run(command, func(t *testing.T) {
			s := newRig(t)
			s.script["canary-10/weight"], s.script["poll weight"] = []string{"run"}, []string{"run", "done"}
			s.start(canary("10", "50"), waits(time.Minute))
			s.order(Order{Command: command, WaitsUntil: s.now.Add(5 * time.Minute)})
			s.want("what is under way goes on", s.run().Action, ActionFollow)
			due := s.run()
			s.want("then it lets go", []any{due.Action, due.Waiting.Order.ID, due.Waiting.By}, []any{ActionYield, "o1", "bob"})
			s.want("and begins nothing", s.after(time.Minute).Action, ActionYield)
			s.want("sent", s.sent, []string{"weight 10"})
			s.must(s.apply(CarryOut{ID: "o1"}))
			s.run()
			s.want("runs", s.runs, "r1")
			s.want("the order is done", []int{len(s.r.Orders), countEvents(&s.r, "order.done", "")}, []int{0, 1})
			s.want("a person went back", len(s.r.Blocks), 2)
		})
	}
}

// TestTheHolderCarriesOutWhatNobodyWaitsFor.
func TestTheHolderCarriesOutWhatNobodyWaitsFor(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"))
	s.order(Order{Command: OrderCancel, WaitsUntil: s.now.Add(5 * time.Minute)})
	s.want("not before", s.after(4*time.Minute).Action, ActionYield)
	s.after(time.Minute)
	s.want("then it does", []any{e.Rollout.State, s.runs}, []any{StateCancelled, "r1"})
}

func TestAnOrderRejects(t *testing.T) {
	s := newRig(t)
	e := s.start(approved(ApprovalSpec{Quorum: 1}))
	s.order(Order{Command: OrderReject})
	s.run()
	s.want("state", e.Rollout.State, StateApprovalRejected)
}

// TestAnOrderToAdvance lets the holder begin the next phase.
func TestAnOrderToAdvance(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"), waits(time.Hour))
	s.order(Order{Command: OrderAdvance, WaitsUntil: s.now.Add(5 * time.Minute)})
	s.run()
	s.want("state", e.Rollout.State, StateSucceeded)
	s.want("orders", len(s.r.Orders), 0)
}

// TestAnOrderThatCannotBeCarriedOut ends, and the history says why.
func TestAnOrderThatCannotBeCarriedOut(t *testing.T) {
	for name, c := range map[string]struct {
		order Order
		event string
	}{
		"no phase waits":  {Order{Command: OrderAdvance}, "order.refused"},
		"no such goal":    {Order{Command: OrderRollback, Release: "r99"}, "order.refused"},
		"no such command": {Order{Command: "dance"}, "order.refused"},
		"back already":    {Order{Command: OrderRollback}, "order.unchanged"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRig(t)
			s.start()
			s.back(GoBack{})
			s.order(c.order)
			s.run()
			s.want(c.event, countEvents(&s.r, c.event, ""), 1)
			s.want("orders", len(s.r.Orders), 0)
			s.want("runs", s.runs, "r1")
		})
	}
}

func TestOrdersByID(t *testing.T) {
	s := newRig(t)
	s.start(canary("10"))
	s.order(Order{Command: OrderCancel})
	s.order(Order{Command: OrderCancel})
	s.want("once", len(s.r.Orders), 1)
	s.must(s.apply(EndOrder{ID: "o1"}))
	s.wantReason(s.apply(EndOrder{ID: "o1"}), ReasonNoOrder)
	s.wantReason(s.apply(CarryOut{ID: "o1"}), ReasonNoOrder)
}

func TestAnOrderForANamedGoal(t *testing.T) {
	s := newRig(t)
	s.start()
	s.start(release("r3"), promotion("p2"))
	s.order(Order{Command: OrderRollback, Release: "r1", Promotion: "p-back"})
	s.run()
	s.want("runs", s.runs, "r1")
}
