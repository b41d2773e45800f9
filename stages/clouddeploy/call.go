package clouddeploy

import (
	"encoding/json"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// callAnnotation marks a rollout with the call that made it, so that a lost
// answer is known again even when the platform has forgotten the request id.
const callAnnotation = "sluice/call"

// frozen is what Prepare hands to Begin, Lookup and Poll in Call.Data.
type frozen struct {
	Rollout  string   `json:"rollout"`            // resource name
	Request  string   `json:"request,omitempty"`  // Deploy: the request id; Deploy, Rollback: the mark of the rollout
	Newest   string   `json:"newest,omitempty"`   // Deploy, Rollback: the newest rollout on the target before; "" for none
	Before   string   `json:"before,omitempty"`   // Deploy, Rollback: the release that ran; "" for nothing
	Policies []string `json:"policies,omitempty"` // deploy policies to override, by resource name
	Phase    string   `json:"phase,omitempty"`    // Advance, RetryJob, IgnoreJob, Terminate
	Job      string   `json:"job,omitempty"`      // RetryJob, IgnoreJob, Terminate
	JobRun   string   `json:"jobRun,omitempty"`   // RetryJob: the run that failed; Terminate: the one that is to end
}

func (f frozen) freeze() (json.RawMessage, error) { return json.Marshal(f) }

// resource is what a command is sent to: the run of a job that is to be ended, else
// the rollout.
func (f frozen) resource(k driver.Kind) string {
	if k == driver.Terminate {
		return f.JobRun
	}
	return f.Rollout
}

// frozenCall is a call that was prepared: it is sent, looked for and followed.
type frozenCall struct {
	driver.Call
	frozen
	api reader
}

// thaw reads what Prepare froze.
func thaw(api reader, c driver.Call) (frozenCall, error) {
	f := frozenCall{Call: c, api: api}
	if len(c.Changes) != 1 {
		return f, google.OneChange(c)
	}
	if err := json.Unmarshal(c.Data, &f.frozen); err != nil || f.Rollout == "" {
		return f, &google.InvalidError{Text: "the call was not prepared"}
	}
	return f, nil
}

// change is the one change of the call.
func (f frozenCall) change() driver.Change { return f.Changes[0] }

// running is the call as an operation of which nothing is known yet.
func (f frozenCall) running() driver.Operation {
	return driver.Operation{Call: f.Call, Kind: string(f.Kind), Status: driver.Running}
}
