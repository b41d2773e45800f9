// Package planner finds out what a command would do, by reading alone. What it
// found is a [Plan]: a plain value, which `plan` prints and the executor carries
// out.
package planner

import (
	"slices"
	"time"

	"sluice/rollout"
	"sluice/stages/driver"
)

// Plan is what a command does.
type Plan struct {
	Command string
	// Promotion is the entry that the command makes, and what its targets share.
	// Its ID is "" where the command only goes on with promotions that exist.
	Promotion rollout.Promotion
	// LeavesHeld says that a target which another run holds is left to that run: it
	// is pending, and no conflict.
	LeavesHeld bool
	// Again says that the promotion was begun by an earlier attempt of the same step.
	Again    bool
	Moves    []Move    // in the order of the pipeline file
	Skips    []Skipped // members that are left out of promotions that exist
	Refusals []Refusal
	Findings []driver.Finding
}

// Move is what the command does on one target before the target goes on by
// itself.
type Move struct {
	Target string
	// Do is applied to the record, in this order, in the save that takes the lease.
	// Empty where the target only goes on with what was begun.
	Do []rollout.Transition
	// First is what was read for the first effect; it serves the effect too while
	// it is new. Nil where nothing was read for it. The moves of one call share one
	// value, which nobody changes.
	First     *driver.Prepared
	ReadAt    time.Time // when First was read
	Unchanged bool      // nothing is left to do: the executor does not work on the target
	// Refused is why this target alone is left out, where one refusal refuses
	// nobody else; the executor does not work on it.
	Refused []Refusal
	Shows   Shows // what `plan` prints beside
	// Pending is what keeps the target from being planned, as when its platform
	// cannot be reached; nil where nothing does. Do is empty then.
	Pending *rollout.Waiting
}

// Shows is what a plan tells of a target beside what is to be done.
type Shows struct {
	Source   string         // the target that the release comes from; "" for none
	Beside   []string       // the targets beside it that have to run it too
	Release  driver.Release // what would come to run
	Runs     driver.Release // what runs there now, where a read told it
	Approval bool
	First    bool   // nothing runs there yet
	Resumes  string // the rollout that goes on
	Queued   bool   // behind a rollout that is not over
	Phases   []string
}

// Skipped is a member that is left out of a promotion.
type Skipped struct {
	Promotion string
	Skip      rollout.Skip
}

// Refusal is why a command cannot be carried out on a target.
type Refusal struct {
	Target   string
	Reason   *rollout.RefusedError // the record's reason; nil where Findings say why
	Findings []driver.Finding      // what was found on the platform
}

// names reports whether a block is among the reasons.
func (r Refusal) names(block string) bool {
	return r.Reason != nil && slices.ContainsFunc(r.Reason.Blocks, func(b rollout.Block) bool { return b.ID == block })
}
