package rollout

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// BlockKind says where a block comes from.
type BlockKind string

// The kinds of blocks.
const (
	BlockLock     BlockKind = "lock"     // a person blocked a place
	BlockAbandon  BlockKind = "abandon"  // a person blocked a release everywhere
	BlockWentBack BlockKind = "wentBack" // a person went back
	BlockRestored BlockKind = "restored" // traffic was put back by itself
	BlockPolicy   BlockKind = "policy"   // by the clock: never stored, [Group] is told of it
)

// Scope says how much a block was placed on. Each target of it holds the block.
type Scope string

// The scopes of a block.
const (
	ScopeTarget   Scope = "target"
	ScopeStage    Scope = "stage"
	ScopePipeline Scope = "pipeline"
)

// Whom says who is blocked.
type Whom string

// Who may be blocked.
const (
	Everybody  Whom = "everybody"
	Automation Whom = "automation"
)

// What becomes of what stands when a policy's window begins, see [Block.Standing].
const (
	StandingHold   = "hold"   // it stays as it is
	StandingBack   = "back"   // traffic goes back first
	StandingFinish = "finish" // it goes on to its end
)

// ResumeAutomatic is the [Block.Resume] under which what a policy held goes on
// by itself after the window.
const ResumeAutomatic = "automatic"

// Block keeps a target from going forward: promote, promote-canary, advance,
// approve, retry-job, ignore-job, and every effect of a rollout but putting
// traffic back. Going back passes unless BothWays.
type Block struct {
	ID       string         `json:"id"`
	Kind     BlockKind      `json:"kind"`
	Scope    Scope          `json:"scope,omitzero"`
	Release  string         `json:"release,omitzero"`  // "" any release
	From     string         `json:"from,omitzero"`     // wentBack, restored: the release that was gone back from
	Created  time.Time      `json:"created,omitzero"`  // when the platform made From: what is newer, a person's, ends the block
	Whom     Whom           `json:"whom"`              // whom it stops
	BothWays bool           `json:"bothWays,omitzero"` // going back is stopped too, the one who placed it included
	Until    time.Time      `json:"until,omitzero"`    // zero: until somebody ends it
	By       string         `json:"by,omitzero"`       // who placed it; "" where traffic was put back by itself
	Began    string         `json:"began,omitzero"`    // restored: who began the rollout that was gone back from
	RunURL   string         `json:"runURL,omitzero"`
	Reason   string         `json:"reason,omitzero"`
	At       time.Time      `json:"at"`
	Rollout  string         `json:"rollout,omitzero"`  // wentBack, restored: the rollout that was gone back from
	Override []string       `json:"override,omitzero"` // policy: who may pass it
	Standing string         `json:"standing,omitzero"` // policy: what becomes of what stands
	Resume   string         `json:"resume,omitzero"`   // policy: "automatic", else a person takes up what it held
	Unknown  jsontext.Value `json:",embed"`
}

// Intention is what somebody wants to do, as blocks ask for it.
type Intention string

// What blocks are asked about.
const (
	ToPromote       Intention = "promote"
	ToPromoteCanary Intention = "promote-canary"
	ToAdvance       Intention = "advance"
	ToApprove       Intention = "approve"
	ToRetryJob      Intention = "retry-job"
	ToIgnoreJob     Intention = "ignore-job"
	ToTerminate     Intention = "terminate"
	ToRollBack      Intention = "rollback"
	ToCancel        Intention = "cancel"
	ToReject        Intention = "reject"
	ToDisableCanary Intention = "disable-canary"
)

// Back reports whether it goes back, or ends what goes forward: only a block of both
// ways stops that.
func (i Intention) Back() bool {
	switch i {
	case ToRollBack, ToCancel, ToReject, ToDisableCanary, ToTerminate:
		return true
	default:
		return false
	}
}

// Question is what blocks are asked.
type Question struct {
	Intention Intention
	Release   string   // what would come to run; "" for none
	Person    bool     // whether a person wants it
	Overrides []string // ids of blocks that this run passes
}

// The beginnings of the ids of stored blocks.
const (
	idLock     = "lock-"
	idAbandon  = "abandon-"
	idWentBack = "went-back-"
	idRestored = "restored-"
)

// LockID is the id of the lock that one person places by one command; unique tells
// it from others.
func LockID(unique string) string { return idLock + unique }

// AbandonID is LockID for the block of a release that is abandoned.
func AbandonID(unique string) string { return idAbandon + unique }

// IsBlockID reports whether an id is that of a stored block, and no policy's name.
func IsBlockID(id string) bool {
	return slices.ContainsFunc([]string{idLock, idAbandon, idWentBack, idRestored}, func(begin string) bool { return strings.HasPrefix(id, begin) })
}
