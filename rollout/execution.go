package rollout

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"sluice/stages/driver"
)

// Execution is a rollout and what is needed to go on with it in another
// process.
type Execution struct {
	Rollout      Rollout        `json:"rollout"`
	Spec         Spec           `json:"spec"`
	Baseline     jsontext.Value `json:"baseline,omitzero"`     // what stood before the rollout's first effect
	Previous     driver.Release `json:"previous,omitzero"`     // the release that ran before it; no id where nothing ran, or nobody knows
	PlatformName string         `json:"platformName,omitzero"` // Remote: what the platform calls its rollout
	Approvals    []Decision     `json:"approvals,omitempty"`
	Expired      time.Time      `json:"expired,omitzero"` // its approval ran out then
	Steps        Steps          `json:"steps"`
	Attempts     map[string]int `json:"attempts,omitempty"`   // by phase: how often its effects were applied again because traffic had been put back
	Runs         map[string]int `json:"runs,omitempty"`       // by phase/job: how often the job was put to work
	Needs        map[string]int `json:"needs,omitempty"`      // by phase/job: the run of its checks of scope stage that it needs at least
	Times        Times          `json:"times,omitempty"`      // see times.go
	Measures     []Measure      `json:"measures,omitempty"`   // what the looks at its checks said, of each job's present run
	Automation   AutomationRuns `json:"automation,omitempty"` // runs of rules on it
	Undecided    *Undecided     `json:"undecided,omitzero"`   // a person decides whether a job's checks passed
	Asked        Requests       `json:"asked,omitempty"`      // effects outside the order of jobs that are still to be sent
	Retried      int            `json:"retried,omitzero"`     // the attempt of the promotion that took it up again
	Terminated   string         `json:"terminated,omitzero"`  // phase/job that somebody ended: no rule repairs it
	Accepted     bool           `json:"accepted,omitzero"`    // a person accepted what stands: the next effect compares nothing with our last one
	Restored     bool           `json:"restored,omitzero"`    // traffic is back where it was before the rollout
	Left         bool           `json:"left,omitzero"`        // a person accepted what stands instead of traffic being put back
	YieldsTo     string         `json:"yieldsTo,omitzero"`    // the rollout that takes over what stands: nothing is put back before it
	Stop         *Stop          `json:"stop,omitzero"`        // what stops it: its timeouts stand still
	BackTo       string         `json:"backTo,omitzero"`      // of a rollback: the rollout before whose first effect its goal stood
	Due          time.Time      `json:"due,omitzero"`         // when something is to be done next
	Unknown      jsontext.Value `json:",embed"`
}

// Decision is one person's word on an approval.
type Decision struct {
	Actor        string         `json:"actor"`
	Approve      bool           `json:"approve"`
	Time         time.Time      `json:"time"`
	Comment      string         `json:"comment,omitzero"`
	RunURL       string         `json:"runURL,omitzero"`
	Review       *ReviewOf      `json:"review,omitzero"`       // the review that it is; nil for a word of their own
	Verified     bool           `json:"verified"`              // GitHub said who it was
	Approvers    []string       `json:"approvers,omitempty"`   // whose word counted then; none: anybody's
	Emergency    bool           `json:"emergency,omitzero"`    // by a maintainer who is no approver: flagged
	Acknowledged string         `json:"acknowledged,omitzero"` // the approver who acknowledged it
	AckTime      time.Time      `json:"acknowledgeTime,omitzero"`
	Unknown      jsontext.Value `json:",embed"`
}

// StopCause says what stops a rollout.
type StopCause string

// What stops a rollout.
const (
	StopBlock    StopCause = "block"
	StopPlatform StopCause = "platform" // it cannot be reached
	StopBusy     StopCause = "busy"     // somebody else is changing the target
	StopApproval StopCause = "approval" // the platform waits for an approval
)

// Stop says what stops a rollout, since when.
type Stop struct {
	Cause   StopCause      `json:"cause"`
	Since   time.Time      `json:"since"`
	Until   time.Time      `json:"until,omitzero"` // when to try again; zero where nobody can say
	Block   string         `json:"block,omitzero"` // its id
	Message string         `json:"message,omitzero"`
	Person  bool           `json:"person,omitzero"` // over only when a person takes it up: a policy without resume: automatic
	Unknown jsontext.Value `json:",embed"`
}

// Over reports whether nothing is left to do: the rollout is final and no
// effect is under way or asked for. A platform's own rollout that is FAILED is
// not over while a command to it is being sent.
func (e *Execution) Over() bool { return e.Rollout.State.Final() && !e.busy() }

// busy reports whether an effect is under way or asked for.
func (e *Execution) busy() bool {
	_, open := e.Steps.Open()
	return open || len(e.Asked) > 0
}
