package rollout

import (
	"errors"
	"slices"
	"time"
)

func (t AddOrder) apply(r *Record, now time.Time) error {
	if slices.ContainsFunc(r.Orders, func(o Order) bool { return o.ID == t.Order.ID }) {
		return nil
	}
	o := t.Order
	if o.At.IsZero() {
		o.At = now.UTC()
	}
	r.Orders = append(r.Orders, o)
	sayOrder(r, "order.given", o, o.Reason, now)
	return nil
}

func (t EndOrder) apply(r *Record, now time.Time) error {
	i := slices.IndexFunc(r.Orders, func(o Order) bool { return o.ID == t.ID })
	if i < 0 {
		return &RefusedError{Command: "end an order of", Target: r.Target, Reason: ReasonNoOrder, Other: t.ID}
	}
	o := r.Orders[i]
	r.Orders = slices.Delete(r.Orders, i, i+1)
	sayOrder(r, "order.ended", o, "", now)
	return nil
}

// CarryOut does what an order says, and ends it. The order ends also where the
// target's state refuses it: an event then says why.
func (t CarryOut) apply(r *Record, now time.Time) error {
	i := slices.IndexFunc(r.Orders, func(o Order) bool { return o.ID == t.ID })
	if i < 0 {
		return &RefusedError{Command: "carry out an order of", Target: r.Target, Reason: ReasonNoOrder, Other: t.ID}
	}
	carryOut(r, r.Orders[i], now)
	return nil
}

// carryOutDue carries out the orders that are the holder's: to advance, to end a
// job, and those to go back for which nobody waits any more.
func (r *Record) carryOutDue(now time.Time) bool {
	changed := false
	for _, o := range slices.Clone(r.Orders) {
		if o.Back() && now.Before(o.WaitsUntil) {
			continue
		}
		carryOut(r, o, now)
		changed = true
	}
	return changed
}

func carryOut(r *Record, o Order, now time.Time) {
	err := o.do(r, now)
	r.Orders = slices.DeleteFunc(r.Orders, func(have Order) bool { return have.ID == o.ID })
	var refused *RefusedError
	switch {
	case err == nil:
		sayOrder(r, "order.done", o, "", now)
	case errors.As(err, &refused) && refused.Unchanged():
		sayOrder(r, "order.unchanged", o, err.Error(), now)
	default:
		sayOrder(r, "order.refused", o, err.Error(), now)
	}
}

// do makes the order's transition.
func (o Order) do(r *Record, now time.Time) error {
	t, err := o.transition(r)
	if err != nil {
		return err
	}
	return Apply(r, t, now)
}

// transition is what the order wants done.
func (o Order) transition(r *Record) (Transition, error) {
	by := Actor{Login: o.By, Person: o.Person, RunURL: o.RunURL, Reason: o.Reason, Overrides: o.Overrides}
	switch o.Command {
	case OrderCancel:
		return Cancel{Rollout: o.Rollout, By: by}, nil
	case OrderReject:
		return Vote{Rollout: o.Rollout, Voter: Voter{Actor: by, Teams: o.Teams, Comment: o.Reason}}, nil
	case OrderAdvance:
		return Advance{Rollout: o.Rollout, Phase: o.Phase, Jump: o.Jump, By: by}, nil
	case OrderTerminate:
		return Terminate{Rollout: o.Rollout, Phase: o.Phase, Job: o.Job, By: by}, nil
	case OrderDisableCanary:
		e, err := r.rolloutFor(OrderDisableCanary, o.Rollout)
		if err != nil {
			return nil, err
		}
		spec := e.Spec
		spec.Promotion = o.promotion()
		return DisableCanary{Spec: spec, By: by}, nil
	case OrderRollback:
		return o.goBack(r, by)
	default:
		return nil, &RefusedError{Command: o.Command, Target: r.Target, Reason: ReasonUnknownOrder}
	}
}

// promotion is the one that what the order makes belongs to.
func (o Order) promotion() string {
	if o.Promotion != "" {
		return o.Promotion
	}
	return o.ID
}

func (o Order) goBack(r *Record, by Actor) (Transition, error) {
	t := GoBack{Promotion: o.promotion(), By: by}
	if o.Release == "" {
		return t, nil
	}
	goals := r.Goals(nil)
	i := slices.IndexFunc(goals, func(g Goal) bool { return g.Release.ID == o.Release })
	if i < 0 {
		return nil, &RefusedError{Command: string(ToRollBack), Target: r.Target, Reason: ReasonNoGoal, Release: o.Release}
	}
	t.Goal = &goals[i]
	return t, nil
}

// sayOrder notes in the history what became of an order.
func sayOrder(r *Record, kind string, o Order, message string, now time.Time) {
	r.AddEvent(Event{
		Type: kind, Time: now.UTC(), Actor: o.By, Rollout: o.Rollout, Phase: o.Phase, Message: message,
		Info: map[string]string{"order": o.ID, "command": o.Command},
	})
}
