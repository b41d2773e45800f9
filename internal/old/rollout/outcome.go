package rollout

import (
	"encoding/json"
	"slices"
	"time"
)

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
	Results         json.RawMessage `json:"results,omitzero"` // what the platform itself says of its work, as it says it
	Effect          bool            `json:"-"`                // something took effect, or may have: a failure is no mere refusal
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
	o.Effect, o.Results = slices.ContainsFunc(e.Steps, Step.acted), e.results()
	o.State, o.Rollout, o.Release, o.Promotion = e.Rollout.State, e.Rollout.Name, e.Spec.Release.ID, e.Spec.Promotion
	if p, _, ok := e.current(); ok && !e.Over() {
		o.Phase = p.ID
	}
	o.Status, o.ErrorMessage = r.share(e)
	if back := e.Rollout.RolledBackByRollouts; o.Status == PromotionSucceeded && len(back) > 0 {
		o.Status, o.ErrorMessage = PromotionFailed, "rolled back by "+back[len(back)-1]
	}
	return o
}

// results are what the platform said beside the outcome of its newest work.
func (e *Execution) results() json.RawMessage {
	for _, s := range slices.Backward(e.Steps) {
		if s.Operation == nil {
			continue
		}
		if r := s.Operation.Results[e.Spec.Target.Name]; len(r.Data) > 0 {
			return r.Data
		}
	}
	return nil
}

// Sum sums targets up into a status: failed before pending before succeeded
// before unchanged. Where all that did not succeed failed without any effect,
// the whole was refused.
func Sum(targets []TargetOutcome) Status {
	if failed(targets) {
		if slices.ContainsFunc(targets, func(t TargetOutcome) bool { return t.Effect }) {
			return StatusFailed
		}
		return StatusRefused
	}
	return unfailed(targets)
}

func failed(targets []TargetOutcome) bool {
	return slices.ContainsFunc(targets, func(t TargetOutcome) bool { return t.Status == PromotionFailed })
}

func unfailed(targets []TargetOutcome) Status {
	status := StatusUnchanged
	for _, t := range targets {
		switch {
		case t.Status == PromotionPending:
			status = StatusPending
		case !t.Unchanged && status == StatusUnchanged:
			status = StatusSucceeded
		}
	}
	return status
}
