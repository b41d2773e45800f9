package rollout

import "time"

// Status sums an invocation up, for the output `status`.
type Status string

// The statuses of an invocation.
const (
	StatusSucceeded   Status = "succeeded"
	StatusUnchanged   Status = "unchanged"
	StatusPending     Status = "pending"
	StatusFailed      Status = "failed"
	StatusRefused     Status = "refused"
	StatusConflict    Status = "conflict"
	StatusError       Status = "error"
	StatusInterrupted Status = "interrupted"
)

// Outcome is what an invocation came to: a view, derived from the records.
type Outcome struct {
	Status    Status
	Promotion string
	Release   string // "" where components differ
	Targets   []TargetOutcome
	Next      time.Time // when something is due; zero where nothing is by itself
}

// TargetOutcome is one target's part of an outcome, as the output `targets` has it.
type TargetOutcome struct {
	Target          string          `json:"target"`
	Stage           string          `json:"stage"`
	Component       string          `json:"component,omitzero"`
	Platform        string          `json:"platform"`
	Status          PromotionStatus `json:"status"`
	State           State           `json:"state"`
	Phase           string          `json:"phase,omitzero"`
	Release         string          `json:"release"`
	PlatformRelease string          `json:"platformRelease"`
	Rollout         string          `json:"rollout"`
	Promotion       string          `json:"promotion,omitzero"`
	ErrorMessage    string          `json:"errorMessage"`
	WaitingFor      *Waiting        `json:"waitingFor,omitzero"`
	Unchanged       bool            `json:"unchanged,omitzero"`
	Generation      int64           `json:"generation,omitzero"`
}

// OutcomeOf is the part of an outcome that r tells about one of its rollouts.
func OutcomeOf(r *Record, e *Execution) TargetOutcome {
	o := TargetOutcome{
		Target: r.Target, Stage: r.Stage, Platform: r.Platform, Generation: r.Generation,
		Status: PromotionSucceeded,
	}
	if r.Release != nil {
		o.PlatformRelease = r.Release.Platform
	}
	if e == nil {
		if r.Release != nil {
			o.Release = r.Release.ID
		}
		return o
	}
	o.State, o.Rollout, o.Release, o.Promotion = e.Rollout.State, e.Rollout.Name, e.Spec.Release.ID, e.Spec.Promotion
	if p, _, ok := e.current(); ok && !e.Rollout.State.Final() {
		o.Phase = p.ID
	}
	switch e.Rollout.State {
	case StateSucceeded:
		if back := e.Rollout.RolledBackByRollouts; len(back) > 0 {
			o.Status, o.ErrorMessage = PromotionFailed, "rolled back by "+back[len(back)-1]
		}
	case StateFailed, StateCancelled, StateApprovalRejected:
		o.Status, o.ErrorMessage = PromotionFailed, e.failure()
	default:
		o.Status = PromotionPending
	}
	return o
}

// Sum sums targets up into a status: failed before pending before succeeded
// before unchanged.
func Sum(targets []TargetOutcome) Status {
	status := StatusUnchanged
	for _, t := range targets {
		switch {
		case t.Status == PromotionFailed:
			return StatusFailed
		case t.Status == PromotionPending:
			status = StatusPending
		case !t.Unchanged && status == StatusUnchanged:
			status = StatusSucceeded
		}
	}
	return status
}
