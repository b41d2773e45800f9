package rollout

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// What a stage does when one of its targets fails.
const (
	OnFailureContinue = "continue"
	OnFailureHalt     = "halt"
	OnFailureRollback = "rollback"
)

// What a rollback on failure takes back.
const (
	TakeBackWave      = "wave"
	TakeBackPromotion = "promotion"
)

// Promotion is one request to move releases to a stage: what all of its targets
// share, once. Its targets hold its id in [Spec.Promotion].
type Promotion struct {
	Schema     string         `json:"schema"`
	Pipeline   string         `json:"pipeline"`
	ID         string         `json:"promotion"`
	Generation int64          `json:"generation"`
	Command    string         `json:"command"`
	Stage      string         `json:"stage"`
	From       string         `json:"from,omitzero"`
	Reason     string         `json:"reason,omitzero"`
	Actor      string         `json:"actor"`
	Person     bool           `json:"person,omitzero"`
	RunURL     string         `json:"runURL,omitzero"`
	Origin     string         `json:"origin,omitzero"` // repository, run id, job, step, command, stage and targets: the same for a re-run
	Attempt    int            `json:"attempt,omitzero"`
	Commit     string         `json:"commit,omitzero"`
	CreateTime time.Time      `json:"createTime"`
	Members    []string       `json:"members"`             // all of its targets, in the file's order
	Unchanged  []string       `json:"unchanged,omitempty"` // those that ran it already
	OnFailure  string         `json:"onFailure,omitzero"`
	TakeBack   string         `json:"takeBack,omitzero"` // onFailure rollback: wave or promotion
	Waves      *Waves         `json:"waves,omitzero"`
	WaveEnds   []time.Time    `json:"waveEnds,omitempty"` // by wave: when enough of it were good
	Halted     *Halt          `json:"halted,omitzero"`
	Skips      []Skip         `json:"skips,omitempty"`
	Calls      []CallMembers  `json:"calls,omitempty"`  // who is in a call of several targets
	Checks     []StageCheck   `json:"checks,omitempty"` // checks of scope stage, once a wave
	Shards     *Shards        `json:"shards,omitzero"`
	EndTime    time.Time      `json:"endTime,omitzero"` // when the attempt ended; zero while a member is not over
	Unknown    jsontext.Value `json:",embed"`
}

// Waves says which members begin together. Sizes are cumulative in the file's
// order; the last is the number of members.
type Waves struct {
	Sizes    []int          `json:"sizes"`
	Wait     Duration       `json:"wait,omitzero"`     // after a wave, before the next
	Tolerate int            `json:"tolerate,omitzero"` // so many of a wave may fail
	Unknown  jsontext.Value `json:",embed"`
}

// Halt says that a member's failure keeps the others from beginning anything.
type Halt struct {
	By      string         `json:"by"` // the target
	Rollout string         `json:"rollout,omitzero"`
	Wave    int            `json:"wave"`
	At      time.Time      `json:"at"`
	Cause   FailureCause   `json:"cause,omitzero"`
	Unknown jsontext.Value `json:",embed"`
}

// Skip is a member that a person left out: its wave does not wait for it, nor
// does its failure halt the others.
type Skip struct {
	Target  string         `json:"target"`
	By      string         `json:"by"`
	RunURL  string         `json:"runURL,omitzero"`
	Reason  string         `json:"reason"`
	At      time.Time      `json:"at"`
	Unknown jsontext.Value `json:",embed"`
}

// CallMembers are the targets of one call, saved with their intents: one
// without the intent proves that the call was never sent.
type CallMembers struct {
	Key     string         `json:"key"`
	Members []string       `json:"members"`
	Unknown jsontext.Value `json:",embed"`
}

// CheckState is how far a check of scope stage is.
type CheckState string

// The states of a check of scope stage.
const (
	CheckRunning CheckState = "running"
	CheckPassed  CheckState = "passed"
	CheckFailed  CheckState = "failed"
	// CheckUndecided is one whose measure was inconclusive: a person decides.
	CheckUndecided CheckState = "undecided"
)

// StageCheck is a check that runs once for the targets of a wave.
type StageCheck struct {
	Wave    int            `json:"wave"`
	Phase   string         `json:"phase"`
	Job     string         `json:"job"`
	Index   int            `json:"index"` // among the job's checks of scope stage
	Run     int            `json:"run"`   // from 1; again for targets that come later, and after a person had its job retried
	State   CheckState     `json:"state"`
	By      string         `json:"by,omitzero"` // the target whose plan it was run from
	Message string         `json:"message,omitzero"`
	At      time.Time      `json:"at"`
	Unknown jsontext.Value `json:",embed"`
}

// Shards says how a matrix shares the promotion out.
type Shards struct {
	Run     string         `json:"run"` // the workflow run that planned it
	Count   int            `json:"count"`
	Members [][]string     `json:"members,omitempty"` // by shard
	Unknown jsontext.Value `json:",embed"`
}
