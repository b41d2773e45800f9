package driver

import (
	"encoding/json"
	"time"
)

// Status is an operation's status, in Deployment Manager's words.
type Status string

// The statuses of an operation.
const (
	Pending Status = "PENDING"
	Running Status = "RUNNING"
	Done    Status = "DONE" // every target has a final result; done is not success
)

// Outcome is one target's share of an operation, in Heroku's words.
type Outcome string

// The outcomes.
const (
	Open      Outcome = "pending"
	Succeeded Outcome = "succeeded" // read back: the target shows what the call wanted
	Failed    Outcome = "failed"
)

// Operation is the platform's own long-running work: plain data, saved and
// resumed by another process.
type Operation struct {
	Call     Call              `json:"-"`              // set by the engine before Poll: the call that began it
	ID       string            `json:"name,omitempty"` // the platform's name for it; "" where it has none
	Kind     string            `json:"operationType,omitempty"`
	Status   Status            `json:"status"`
	Progress int               `json:"progress,omitempty"` // percent
	User     string            `json:"user,omitempty"`
	Inserted time.Time         `json:"insertTime,omitzero"`
	Started  time.Time         `json:"startTime,omitzero"`
	Ended    time.Time         `json:"endTime,omitzero"`
	Link     string            `json:"selfLink,omitempty"`
	Results  map[string]Result `json:"results,omitempty"` // by target name
	Warnings []Problem         `json:"warnings,omitempty"`
	Data     json.RawMessage   `json:"data,omitempty"` // the driver's
}

// Result is what an operation did to one target.
type Result struct {
	Outcome Outcome         `json:"outcome"`
	Release Release         `json:"release,omitzero"`  // what was read back
	After   json.RawMessage `json:"after,omitempty"`   // the target as read back
	Errors  []Problem       `json:"errors,omitempty"`  // why it failed; never empty with Failed
	Rollout json.RawMessage `json:"rollout,omitempty"` // Remote: the platform's rollout verbatim
	Waiting string          `json:"waiting,omitempty"` // Remote: what the platform waits for a person to do: "approval", "advance"; "" while it works
	Until   time.Time       `json:"until,omitzero"`    // with Waiting: when the platform ends the wait by itself; zero where it does not
	Log     string          `json:"log,omitempty"`     // output of the platform's own steps (a release phase): untrusted text, shown in a group
	Events  []Event         `json:"events,omitempty"`  // the platform's own history of the work, oldest first
	Data    json.RawMessage `json:"data,omitempty"`    // the driver's, kept and shown (entrecode results)

	// Restored, with Failed: the target was read back as it was before the call, because
	// the platform took the effect back by itself or never began it. Release is what
	// runs then, no id where nothing does, and a Rollback to what stood before the call
	// has nothing left to do.
	Restored bool `json:"restored,omitempty"`
}

// Event is one entry of a platform's own history of an operation.
type Event struct {
	ID        string    `json:"id,omitempty"`
	Type      string    `json:"type"`
	Time      time.Time `json:"time,omitzero"`
	Message   string    `json:"message,omitempty"`
	Temporary bool      `json:"temporary,omitempty"` // opens an action that a later event closes
	Action    string    `json:"action,omitempty"`    // the ID of the event that opened the action: set on it and on the event that closes it
	Info      string    `json:"info,omitempty"`      // what else the platform says of it, as it says it: JSON in one line
}

// Problem is one error or warning of an operation: {code, location, message}
// as Deployment Manager has them, message being the innermost readable one.
type Problem struct {
	Code     string `json:"code,omitempty"`
	Location string `json:"location,omitempty"`
	Message  string `json:"message"`
}

// String is the problem in one line.
func (p Problem) String() string {
	text := p.Message
	if p.Code != "" {
		text = p.Code + ": " + text
	}
	if p.Location != "" {
		text += " (at " + p.Location + ")"
	}
	return text
}

// Finished reports whether every named target has a final result.
func (o Operation) Finished() bool {
	if o.Status != Done {
		return false
	}
	for _, r := range o.Results {
		if r.Outcome == Open {
			return false
		}
	}
	return true
}
