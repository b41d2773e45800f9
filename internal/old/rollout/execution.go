package rollout

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"sluice/stages/driver"
)

// Execution is a rollout and what is needed to go on with it in another
// process.
type Execution struct {
	Rollout      Rollout              `json:"rollout"`
	Spec         Spec                 `json:"spec"`
	Baseline     jsontext.Value       `json:"baseline,omitzero"`     // what stood before the rollout's first effect
	Previous     string               `json:"previous,omitzero"`     // the release that ran before it; "" where nothing ran, or nobody knows
	PlatformName string               `json:"platformName,omitzero"` // Remote: what the platform calls its rollout
	Approvals    []Decision           `json:"approvals,omitempty"`
	Steps        []Step               `json:"steps"`
	Attempts     map[string]int       `json:"attempts,omitempty"` // by phase: how often its effects were applied again because traffic had been put back
	Runs         map[string]int       `json:"runs,omitempty"`     // by phase/job: how often the job was put to work
	Times        map[string]time.Time `json:"times,omitempty"`    // "started": since when timeout counts; "canary-10": when the phase ended; "canary-10/analysis" and "canary-10/analysis/run": when the analysis began and last passed
	Asked        []Request            `json:"asked,omitempty"`    // effects outside the order of jobs that are still to be sent
	Accepted     bool                 `json:"accepted,omitzero"`  // a person accepted what stands: the next effect compares nothing with our last one
	Restored     bool                 `json:"restored,omitzero"`  // traffic is back where it was before the rollout
	Left         bool                 `json:"left,omitzero"`      // a person accepted what stands instead of traffic being put back
	Due          time.Time            `json:"due,omitzero"`       // when something is to be done next
	Unknown      jsontext.Value       `json:",embed"`
}

// Decision is one person's word on an approval.
type Decision struct {
	Actor    string         `json:"actor"`
	Approve  bool           `json:"approve"`
	Time     time.Time      `json:"time"`
	Comment  string         `json:"comment,omitzero"`
	RunURL   string         `json:"runURL,omitzero"`
	Verified bool           `json:"verified"` // GitHub said who it was
	Unknown  jsontext.Value `json:",embed"`
}

// Over reports whether nothing is left to do: the rollout is final and no
// effect is under way or asked for. A platform's own rollout that is FAILED is
// not over while a command to it is being sent.
func (e *Execution) Over() bool { return e.Rollout.State.Final() && !e.busy() }

// busy reports whether an effect is under way or asked for.
func (e *Execution) busy() bool {
	_, open := e.OpenStep()
	return open || len(e.Asked) > 0
}

// mirrored reports whether the platform has the rollout, or may have it: from
// then on its state is the platform's, and only shown.
func (e *Execution) mirrored() bool {
	return e.Spec.Remote && slices.ContainsFunc(e.Steps, func(s Step) bool { return s.Open() || s.State != StepWithdrawn && s.acted() })
}

// OpenStep is the effect that still needs an answer: the newest, for a command
// to a platform's own rollout goes out while that rollout is followed.
func (e *Execution) OpenStep() (*Step, bool) {
	for i := range slices.Backward(e.Steps) {
		if e.Steps[i].Open() {
			return &e.Steps[i], true
		}
	}
	return nil, false
}

// asking is the open effect that waits for a person's decision.
func (e *Execution) asking() (*Step, bool) {
	step, open := e.OpenStep()
	return step, open && step.State == StepAsking
}

// openStep finds an effect by its call that still needs an answer.
func (e *Execution) openStep(key string) (*Step, bool) {
	for i := range e.Steps {
		if e.Steps[i].Call.Key == key && e.Steps[i].Open() {
			return &e.Steps[i], true
		}
	}
	return nil, false
}

// Last is the newest effect that was read back.
func (e *Execution) Last() (Step, bool) {
	for _, s := range slices.Backward(e.Steps) {
		if s.State == StepDone {
			return s, true
		}
	}
	return Step{}, false
}

// Touched reports whether an effect of the rollout stands on the platform, or
// may stand there.
func (e *Execution) Touched() bool {
	if e.Restored {
		return false
	}
	return slices.ContainsFunc(e.Steps, func(s Step) bool { return s.acted() && s.Call.Kind != driver.Rollback })
}

// canaryStands reports whether traffic goes, or may go, to our canary: a share
// was given and neither made stable nor put back since.
func (e *Execution) canaryStands() bool {
	stands := false
	for _, s := range e.Steps {
		switch s.Call.Kind {
		case driver.Weight:
			stands = stands || s.acted()
		case driver.Stable, driver.Deploy, driver.Rollback:
			stands = stands && s.State != StepDone
		}
	}
	return stands
}

// needsRestoring reports whether traffic is to be put back when the rollout is
// not to go on.
func (e *Execution) needsRestoring() bool { return e.canaryStands() && !e.Left }
