package rollout

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"sluice/stages/driver"
)

// Schema names the format of every entry of the state.
const Schema = "sluice.state/v2"

// Record is what is kept of one target. What spans targets stands in the
// [Promotion] entry; finished rollouts that nothing needs any more move to the
// [History] entry.
//
// Whoever holds the lease changes everything; anybody else may change Blocks,
// Orders and Events alone, which is why nothing follows from a block or an
// order before [Settle], [Next] or [CarryOut] sees it.
type Record struct {
	Schema         string          `json:"schema"`
	Pipeline       string          `json:"pipeline"`
	Stage          string          `json:"stage"`
	Target         string          `json:"target"`
	Platform       string          `json:"platform"`
	Generation     int64           `json:"generation"` // of what was last saved; the ledger alone sets it
	PipelineDigest string          `json:"pipelineDigest,omitzero"`
	Release        *driver.Release `json:"release,omitzero"` // last read back
	Lease          string          `json:"lease,omitzero"`   // id of the [Run] that holds it; "" free
	Blocks         Blocks          `json:"blocks,omitempty"`
	Orders         Orders          `json:"orders,omitempty"`
	Rollouts       []Execution     `json:"rollouts"`       // in the order of work; those at [Seal] kept
	Past           []Past          `json:"past,omitempty"` // what moved to the history, newest last
	Events         []Event         `json:"events"`
	Unknown        jsontext.Value  `json:",embed"`
}

// Past is what the record remembers of a rollout that moved to the history: its
// name is not used again, and its promotion still knows how it ended.
type Past struct {
	Rollout   string `json:"rollout"`
	Promotion string `json:"promotion,omitzero"`
	State     State  `json:"state"`
	Release   string `json:"release,omitzero"`
	Origin    string `json:"origin,omitzero"` // the release's id where it came from, where it has another one there
	Good      bool   `json:"good,omitzero"`   // it SUCCEEDED and was not rolled back
}

// New is the record of a target about which nothing was ever saved.
func New(pipeline string, target driver.Target) Record {
	return Record{
		Schema: Schema, Pipeline: pipeline, Stage: target.Stage, Target: target.Name, Platform: target.Platform,
		Rollouts: []Execution{}, Events: []Event{},
	}
}

// Active is the rollout that is not over, the oldest first: the one at work and
// not those queued behind it.
func (r *Record) Active() (*Execution, bool) {
	for i := range r.Rollouts {
		if !r.Rollouts[i].Over() {
			return &r.Rollouts[i], true
		}
	}
	return nil, false
}

// Newest is the last rollout in the order of work.
func (r *Record) Newest() (*Execution, bool) {
	if len(r.Rollouts) == 0 {
		return nil, false
	}
	return &r.Rollouts[len(r.Rollouts)-1], true
}

// Ended is the rollout that came to its end last, of those that are kept: not always
// the newest, since one that is queued may be withdrawn while another is at work.
func (r *Record) Ended() (*Execution, bool) {
	for _, event := range slices.Backward(r.Events) {
		if e, ok := r.Rollout(event.Rollout); ok && e.Rollout.State.Final() && event.Type == endOf(e.Rollout.State) {
			return e, true
		}
	}
	return nil, false
}

// Rollout finds a rollout by name.
func (r *Record) Rollout(name string) (*Execution, bool) {
	for i := range r.Rollouts {
		if r.Rollouts[i].Rollout.Name == name {
			return &r.Rollouts[i], true
		}
	}
	return nil, false
}

// Of finds the newest rollout of a promotion that is no rollback.
func (r *Record) Of(promotion string) (*Execution, bool) {
	for i := len(r.Rollouts) - 1; i >= 0; i-- {
		e := &r.Rollouts[i]
		if e.Spec.Promotion == promotion && e.Rollout.RollbackOfRollout == "" {
			return e, true
		}
	}
	return nil, false
}

// Unfinished reports whether a rollout of the target is not over.
func (r *Record) Unfinished() bool {
	_, ok := r.Active()
	return ok
}

// AddEvent appends to the history; the id is the next one.
func (r *Record) AddEvent(e Event) {
	e.ID = 1
	if n := len(r.Events); n > 0 {
		e.ID = r.Events[n-1].ID + 1
	}
	r.Events = append(r.Events, e)
}
