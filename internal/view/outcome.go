// Package view is the one writer of what is told: from records, a plan and what
// the executor came to it makes the status, the targets, what each waits for and
// what continues it, the exit code, and the words. All of it is pure: nothing is
// read, and time is an argument.
//
// What it tells is one story. A target that is pending says what it waits for,
// and no other does; a command that it prints is accepted in the state in which
// it prints it; the exit code follows from the status and the targets alone.
package view

import (
	"encoding/json"
	"time"

	"sluice/rollout"
)

// Status sums an invocation up, for the output `status`.
type Status string

// The statuses of an invocation.
const (
	Succeeded   Status = "succeeded"
	Unchanged   Status = "unchanged"
	Pending     Status = "pending" // goes on by itself, or when a person says so
	Failed      Status = "failed"  // a target failed, and something took effect or still may
	Refused     Status = "refused" // nothing took effect and nothing will
	Conflict    Status = "conflict"
	Error       Status = "error"
	Interrupted Status = "interrupted"
)

// Outcome is what an invocation came to.
type Outcome struct {
	Status    Status
	Promotion string
	Release   string // "" where the targets' differ
	Targets   []Target
	Next      time.Time // when something is due by itself, in whole seconds; zero where nothing is

	looks bool // nothing was to be done: what a person must decide is told, and is no failure
}

// Target is one target's part of an outcome, as the output `targets` has it.
type Target struct {
	Target          string                  `json:"target"`
	Stage           string                  `json:"stage"`
	Component       string                  `json:"component,omitzero"`
	Platform        string                  `json:"platform"`
	Status          rollout.PromotionStatus `json:"status"`
	State           rollout.State           `json:"state"`
	Phase           string                  `json:"phase,omitzero"`
	Release         string                  `json:"release"`
	ReleaseName     string                  `json:"releaseName,omitzero"` // what people call the release, where that is not its id
	PlatformRelease string                  `json:"platformRelease"`
	Previous        string                  `json:"previous,omitzero"` // the release that ran before its rollout; "" where nothing did, or nobody knows
	Digest          string                  `json:"digest,omitzero"`   // "sha256:…" of the artifact that the release is, where its platform tells
	Commit          string                  `json:"commit,omitzero"`   // of the pipeline file that its rollout was made with
	RunURL          string                  `json:"runURL,omitzero"`   // of the workflow run that made its rollout
	Console         string                  `json:"console,omitzero"`  // where its platform shows it to people
	Rollout         string                  `json:"rollout"`
	Promotion       string                  `json:"promotion,omitzero"`
	ErrorMessage    string                  `json:"errorMessage"` // why it failed, or why this invocation could not go on with it
	WaitingFor      *Waiting                `json:"waitingFor,omitzero"`
	Unchanged       bool                    `json:"unchanged,omitzero"`
	Wave            int                     `json:"wave,omitzero"`      // from 1; 0 where the promotion has none
	Skipped         bool                    `json:"skipped,omitzero"`   // a person left it out
	Withdrawn       bool                    `json:"withdrawn,omitzero"` // it ended as the command wanted, although its promotion did not succeed
	Flagged         bool                    `json:"flagged,omitzero"`   // an emergency approval is still to be acknowledged
	BlockedBy       []Block                 `json:"blockedBy,omitempty"`
	Queued          []Queued                `json:"queued,omitempty"`     // rollouts behind the one that is told
	Measures        []Measure               `json:"measures,omitempty"`   // what its rollout's checks measured
	Automation      []Automation            `json:"automation,omitempty"` // runs of rules on its rollout
	Generation      int64                   `json:"generation,omitzero"`
	Results         json.RawMessage         `json:"results,omitzero"` // what the platform itself says of its work, as it says it

	FailedIn string   `json:"failedIn,omitzero"` // the phase and job that failed
	Stands   string   `json:"stands,omitzero"`   // after a failure: what runs there, as last read back
	Restored bool     `json:"restored,omitzero"` // after a failure: that is what ran before, and nothing is to be gone back from
	Ways     []string `json:"ways,omitempty"`    // after a failure: command lines that are accepted now

	acted   bool // something took effect, or may have: a failure is no mere refusal
	refused bool // what the command wanted did not fit the record
}

// Fail says that a target failed, and that something may stand there.
func (t *Target) Fail(why string) {
	t.Status, t.WaitingFor, t.ErrorMessage, t.Unchanged, t.acted = rollout.PromotionFailed, nil, why, false, true
}

// Acted reports whether something took effect on the target, or may have.
func (t Target) Acted() bool { return t.acted }

// Block is what stops a target from going forward.
type Block struct {
	ID       string            `json:"id"`
	Kind     rollout.BlockKind `json:"kind"`
	Scope    rollout.Scope     `json:"scope,omitzero"`
	Release  string            `json:"release,omitzero"` // "" any
	Whom     rollout.Whom      `json:"whom"`
	BothWays bool              `json:"bothWays,omitzero"`
	Until    time.Time         `json:"until,omitzero"`
	By       string            `json:"by,omitzero"`    // "" where Sluice put traffic back by itself
	Began    string            `json:"began,omitzero"` // who began what traffic was put back from
	Reason   string            `json:"reason,omitzero"`
	RunURL   string            `json:"runURL,omitzero"`
	At       time.Time         `json:"at,omitzero"`
	Override []string          `json:"override,omitempty"` // of a policy: who may pass it
}

// Queued is a rollout that waits behind another one on its target.
type Queued struct {
	Rollout   string        `json:"rollout"`
	Release   string        `json:"release"`
	Promotion string        `json:"promotion,omitzero"`
	State     rollout.State `json:"state"`
	Behind    string        `json:"behind"`
}

// The kinds of waiting that no record knows, beside [rollout.WaitKind]'s.
const (
	// WaitDue: nothing is in the way, and the next invocation does it.
	WaitDue rollout.WaitKind = "due"
	// WaitRun: another run is at work on the target.
	WaitRun rollout.WaitKind = "run"
)

// Waiting is what a target waits for, until when, for whom, and what continues
// it. A command line can be used as it stands.
type Waiting struct {
	Kind     rollout.WaitKind  `json:"kind"`
	Cause    rollout.WaitCause `json:"cause,omitzero"`
	Until    time.Time         `json:"until,omitzero"` // in whole seconds
	By       string            `json:"by,omitzero"`
	Reason   string            `json:"reason,omitzero"` // of a block, an order
	Command  string            `json:"command,omitzero"`
	Or       string            `json:"or,omitzero"`       // another command line, where a person chooses
	Workflow string            `json:"workflow,omitzero"` // Command as a run of a workflow
	Block    string            `json:"block,omitzero"`    // its id
	Override []string          `json:"override,omitempty"`
	Wave     int               `json:"wave,omitzero"`  // from 1: the one that must be good first
	Order    string            `json:"order,omitzero"` // the command that somebody ordered

	blockKind rollout.BlockKind
	byItself  bool // Until is when it is over without anybody
	platforms bool // approval: the platform's own, beside the file's
}
