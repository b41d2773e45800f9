package rollout

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"sluice/stages/driver"
)

// Schema names the format of a record.
const Schema = "sluice.state/v1"

// Record is everything that is kept of one target. What spans targets is
// derived from the records of its members, never stored twice.
type Record struct {
	Schema         string          `json:"schema"`
	Pipeline       string          `json:"pipeline"`
	Stage          string          `json:"stage"`
	Target         string          `json:"target"`
	Platform       string          `json:"platform"`
	Generation     int64           `json:"generation"`
	PipelineDigest string          `json:"pipelineDigest,omitzero"`
	Release        *driver.Release `json:"release,omitzero"` // last read back
	Lock           *Lock           `json:"lock,omitzero"`
	Promotions     []Promotion     `json:"promotions"`
	Rollouts       []Execution     `json:"rollouts"`
	Abandoned      []Abandonment   `json:"abandoned,omitempty"`
	Events         []Event         `json:"events"`
	Unknown        jsontext.Value  `json:",embed"`
}

// Lock says who holds a target: a run by a lease that ends, or a person until
// they let go.
type Lock struct {
	Holder  string         `json:"holder"` // repository, run id, job and shard without the attempt; or the person
	RunURL  string         `json:"runURL,omitzero"`
	Actor   string         `json:"actor,omitzero"`
	Reason  string         `json:"reason,omitzero"`
	Since   time.Time      `json:"since"`
	Until   time.Time      `json:"until,omitzero"` // a run's lease ends then; zero for a person's lock
	Person  bool           `json:"person,omitzero"`
	Unknown jsontext.Value `json:",embed"`
}

// PromotionStatus is a promotion target's status, in Heroku's words.
type PromotionStatus string

// The statuses of a promotion target.
const (
	PromotionPending   PromotionStatus = "pending"
	PromotionSucceeded PromotionStatus = "succeeded"
	PromotionFailed    PromotionStatus = "failed"
)

// Promotion is one target's share of a promotion, and what all of its members
// say alike of the whole.
type Promotion struct {
	ID           string          `json:"promotion"`
	Members      []string        `json:"members"` // the names of all of its targets
	Status       PromotionStatus `json:"status"`
	Release      string          `json:"release"`
	ErrorMessage string          `json:"errorMessage,omitzero"`
	Rollout      string          `json:"rollout,omitzero"` // the rollout of this target; "" where nothing was left to do
	Command      string          `json:"command"`
	Stage        string          `json:"stage"`
	From         string          `json:"from,omitzero"`
	CreateTime   time.Time       `json:"createTime"`
	Actor        string          `json:"actor"`
	RunURL       string          `json:"runURL,omitzero"`
	Origin       string          `json:"origin,omitzero"` // repository, run id, job, step, command, stage and targets: the same for a re-run
	Reason       string          `json:"reason,omitzero"`
	Unknown      jsontext.Value  `json:",embed"`
}

// Abandonment marks a release that must not be promoted to or from here again.
type Abandonment struct {
	Release string         `json:"release"`
	Actor   string         `json:"actor"`
	Time    time.Time      `json:"time"`
	Reason  string         `json:"reason,omitzero"`
	Unknown jsontext.Value `json:",embed"`
}

// New is the record of a target about which nothing was ever saved.
func New(pipeline string, target driver.Target) Record {
	return Record{
		Schema: Schema, Pipeline: pipeline, Stage: target.Stage, Target: target.Name, Platform: target.Platform,
		Promotions: []Promotion{}, Rollouts: []Execution{}, Events: []Event{},
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

// Rollout finds a rollout by name.
func (r *Record) Rollout(name string) (*Execution, bool) {
	for i := range r.Rollouts {
		if r.Rollouts[i].Rollout.Name == name {
			return &r.Rollouts[i], true
		}
	}
	return nil, false
}

// Promotion finds the target's share of a promotion.
func (r *Record) Promotion(id string) (*Promotion, bool) {
	for i := range r.Promotions {
		if r.Promotions[i].ID == id {
			return &r.Promotions[i], true
		}
	}
	return nil, false
}

// IsAbandoned reports whether a release was abandoned here.
func (r *Record) IsAbandoned(release string) bool {
	return slices.ContainsFunc(r.Abandoned, func(a Abandonment) bool { return a.Release == release })
}
