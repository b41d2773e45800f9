package rollout

import "time"

func (t TakeLease) apply(r *Record, _ time.Time) error {
	if r.Lease != "" && r.Lease != t.Run && r.Lease != t.From {
		return &RefusedError{Command: "take", Target: r.Target, Reason: ReasonLeased, Other: r.Lease}
	}
	r.Lease = t.Run
	for i := range r.Rollouts {
		for j := range r.Rollouts[i].Steps {
			if s := &r.Rollouts[i].Steps[j]; s.State == StepIntended && t.AbsentAfter.After(s.AbsentAfter) {
				s.AbsentAfter = t.AbsentAfter.UTC()
			}
		}
	}
	return nil
}

func (t LetGo) apply(r *Record, _ time.Time) error {
	if r.Lease == t.Run {
		r.Lease = ""
	}
	return nil
}
