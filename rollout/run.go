package rollout

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Run is the lease of one invocation, however many targets hold its id.
type Run struct {
	Schema     string         `json:"schema"`
	Pipeline   string         `json:"pipeline"`
	ID         string         `json:"run"`
	Generation int64          `json:"generation"`
	Name       string         `json:"name,omitzero"` // the workflow run, job and shard without the attempt; "" outside Actions
	Attempt    int            `json:"attempt,omitzero"`
	RunURL     string         `json:"runURL,omitzero"`
	Actor      string         `json:"actor,omitzero"`
	Host       string         `json:"host,omitzero"`
	Boot       string         `json:"boot,omitzero"` // the machine's boot id
	PID        int            `json:"pid,omitzero"`
	PIDNS      string         `json:"pidNS,omitzero"`      // the PID's namespace
	PIDStarted string         `json:"pidStarted,omitzero"` // tells another process with the same PID apart
	Started    time.Time      `json:"started"`
	Until      time.Time      `json:"until"`
	Ended      bool           `json:"ended,omitzero"`
	Unknown    jsontext.Value `json:",embed"`
}

// Holds reports whether the run's lease holds at a time.
func (r Run) Holds(now time.Time) bool { return !r.Ended && now.Before(r.Until) }

// Breaks reports whether r may take what other holds at once: it is a higher
// attempt of the same run.
func (r Run) Breaks(other Run) bool {
	return r.Name != "" && r.Name == other.Name && r.Attempt > other.Attempt
}
