package rollout

import "slices"

// What is told of a rollout beside its resource. All of it only reads.

// AtPhase is the id of the first phase that is not over; "" where all are, or
// where the platform has told of none.
func (e *Execution) AtPhase() string {
	p, _, ok := e.Rollout.current()
	if !ok || e.Over() {
		return ""
	}
	return p.ID
}

// Meant are the rollouts that a command to the target is meant for where no
// rollout is named: those that wait for approval, where it is about one; else the
// one at work, else the newest. promotion "" allows those of any.
func (r *Record) Meant(i Intention, promotion string) []string {
	var names []string
	of := func(e *Execution) bool { return promotion == "" || e.Spec.Promotion == promotion }
	for j := range r.Rollouts {
		e := &r.Rollouts[j]
		if of(e) && e.Rollout.State == StatePendingApproval && (i == ToApprove || i == ToReject) {
			names = append(names, e.Rollout.Name)
		}
	}
	if len(names) > 0 {
		return names
	}
	if e, ok := r.Active(); ok && of(e) {
		return []string{e.Rollout.Name}
	}
	for j := range slices.Backward(r.Rollouts) {
		if e := &r.Rollouts[j]; of(e) {
			return []string{e.Rollout.Name}
		}
	}
	return nil
}
