package rollout

import "time"

func (t TakeLease) apply(r *Record, _ time.Time) error {
	if r.Lease != "" && r.Lease != t.Run && r.Lease != t.From {
		return &RefusedError{Command: "take", Target: r.Target, Reason: ReasonLeased, Other: r.Lease}
	}
	r.Lease = t.Run
	return nil
}

func (t LetGo) apply(r *Record, _ time.Time) error {
	if r.Lease == t.Run {
		r.Lease = ""
	}
	return nil
}
