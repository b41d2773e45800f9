package rollout

import (
	"encoding/json"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"sluice/stages/driver"
)

// StepState is how far an effect is.
type StepState string

// The states of an effect.
const (
	StepIntended  StepState = "intended"  // saved; whether it was sent is not known
	StepBegun     StepState = "begun"     // the platform works on it
	StepDone      StepState = "done"      // read back
	StepFailed    StepState = "failed"    // the platform said no, or it took too long
	StepWithdrawn StepState = "withdrawn" // proven never sent, or given up by a person
	StepAsking    StepState = "asking"    // cannot be decided: a person must
)

// Step is one effect on the platform.
type Step struct {
	Call      driver.Call       `json:"call"`             // with this target's change alone
	Shared    bool              `json:"shared,omitzero"`  // the call has several targets: [Promotion.Calls] names them
	Phase     string            `json:"phase"`            //
	Job       string            `json:"job"`              //
	Attempt   int               `json:"attempt,omitzero"` // of the phase
	State     StepState         `json:"state"`
	Asked     *Request          `json:"asked,omitzero"`  // what it answers, where it is outside the order of jobs
	Unsure    bool              `json:"unsure,omitzero"` // nobody knows whether it took effect
	Before    json.RawMessage   `json:"before,omitempty"`
	After     json.RawMessage   `json:"after,omitempty"` // predicted, then read back
	Found     json.RawMessage   `json:"found,omitempty"` // asking: what stands instead
	Operation *driver.Operation `json:"operation,omitzero"`
	Message   string            `json:"message,omitzero"`
	Time      time.Time         `json:"time"`
	Looked    int               `json:"looked,omitzero"` // how many invocations could not find out what an intended effect did
	// AbsentAfter is when it may be concluded that an intended effect is absent: the
	// run that intended it was lost, and may still send it before.
	AbsentAfter time.Time      `json:"absentAfter,omitzero"`
	Unknown     jsontext.Value `json:",embed"`
}

// Open reports whether the effect still needs an answer.
func (s Step) Open() bool {
	return s.State == StepIntended || s.State == StepBegun || s.State == StepAsking
}

// acted reports whether the effect stands on the platform, or may stand there.
// What the platform had begun may stand in part even where it failed.
func (s Step) acted() bool {
	switch s.State {
	case StepIntended, StepBegun, StepDone:
		return true
	case StepFailed:
		return s.Unsure || s.Operation != nil
	default:
		return s.Unsure
	}
}

// TookBack reports whether the effect failed and its platform left the target as it
// was before it, or put it back by itself.
func (s Step) TookBack() bool {
	if s.State != StepFailed || s.Operation == nil || len(s.Call.Changes) == 0 {
		return false
	}
	return s.Operation.Results[s.Call.Changes[0].Target.Name].Restored
}

// waiting is what the platform was last seen to wait for a person to do.
func (s Step) waiting(target string) string {
	if s.State != StepBegun || s.Operation == nil {
		return ""
	}
	return s.Operation.Results[target].Waiting
}

// waitsUntil is when the platform ends that wait by itself; zero where it does not.
func (s Step) waitsUntil(target string) time.Time {
	if s.Operation == nil {
		return time.Time{}
	}
	return s.Operation.Results[target].Until
}

// due is what the step was, or is, due as.
func (s Step) due() Due {
	return Due{Phase: s.Phase, Job: s.Job, Kind: s.Call.Kind, Asked: s.Asked != nil}
}

// Request is an effect that somebody or something asked for outside the order
// of jobs: putting traffic back, or a command to a platform's own rollout.
type Request struct {
	Kind    driver.Kind    `json:"kind"`
	Phase   string         `json:"phase,omitzero"`
	Job     string         `json:"job,omitzero"`
	Actor   string         `json:"actor,omitzero"`
	Comment string         `json:"comment,omitzero"`
	Reason  string         `json:"reason,omitzero"`
	Unknown jsontext.Value `json:",embed"`
}
