package rollout

import "slices"

// eventsPerRollout bounds the events beside the rollouts.
const eventsPerRollout = 50

// trim drops the oldest finished rollouts, promotions and events beyond what is
// wanted. What is open stays, the newest success, and the newest rollout of all.
func (r *Record) trim(history int) {
	if history <= 0 {
		return
	}
	keep := r.kept()
	r.Rollouts = dropOldest(r.Rollouts, history, func(e Execution) bool { return keep[e.Rollout.Name] })
	r.Promotions = dropOldest(r.Promotions, history, func(p Promotion) bool { return p.Status == PromotionPending })
	open := map[int64]bool{}
	for _, event := range openActions(r.Events) {
		open[event.ID] = true
	}
	r.Events = dropOldest(r.Events, history*eventsPerRollout, func(e Event) bool { return open[e.ID] })
}

// dropOldest drops what need not be kept from the front until want are left.
func dropOldest[T any](list []T, want int, keep func(T) bool) []T {
	surplus := len(list) - want
	return slices.DeleteFunc(list, func(v T) bool {
		if surplus <= 0 || keep(v) {
			return false
		}
		surplus--
		return true
	})
}

// kept names the rollouts that stay whatever the bound: those that are not
// over, the newest success, the newest of all, and what a rollback is about as
// long as the other of the two is kept for one of these reasons.
func (r *Record) kept() map[string]bool {
	keep := map[string]bool{r.newestSuccess(): true}
	for i := range r.Rollouts {
		if e := &r.Rollouts[i]; !e.Over() || i == len(r.Rollouts)-1 {
			keep[e.Rollout.Name] = true
		}
	}
	for _, e := range r.Rollouts {
		switch undone := e.Rollout.RollbackOfRollout; {
		case undone == "":
		case keep[e.Rollout.Name] || keep[undone]:
			keep[e.Rollout.Name], keep[undone] = true, true
		}
	}
	return keep
}

func (r *Record) newestSuccess() string {
	for _, e := range slices.Backward(r.Rollouts) {
		if e.Rollout.State == StateSucceeded {
			return e.Rollout.Name
		}
	}
	return ""
}
