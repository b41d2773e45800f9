package rollout

import (
	"time"

	"sluice/stages/driver"
)

// Action is what is to be done next for a target.
type Action string

// The actions.
const (
	ActionIdle       Action = "idle"       // nothing: no rollout is unfinished
	ActionWait       Action = "wait"       // for a time, a person, another target or another rollout
	ActionEffect     Action = "effect"     // prepare, save ([Intend]) and send an effect
	ActionConfirm    Action = "confirm"    // look up what an unanswered effect did
	ActionFollow     Action = "follow"     // poll an operation
	ActionCheck      Action = "check"      // run the target's own checks of a job ([StartJob], [PassJob], [FailJob])
	ActionStageCheck Action = "stageCheck" // run check [Due.Check] of a job once for the wave ([Group.StartCheck], [Group.EndCheck])
	ActionYield      Action = "yield"      // an order goes back here: let go, [Waiting.Order] says whose
)

// Due is what is to be done next.
type Due struct {
	Action  Action
	Rollout string
	Phase   string
	Job     string
	Kind    driver.Kind // ActionEffect, ActionConfirm, ActionFollow
	Asked   bool        // ActionEffect: outside the order of jobs
	Check   int         // ActionStageCheck: which of the job's checks
	Wave    int         // of the target
	Waiting Waiting     // ActionWait, ActionYield
}

// WaitKind says what is waited for.
type WaitKind string

// What can be waited for.
const (
	WaitApproval  WaitKind = "approval"
	WaitBake      WaitKind = "bake"
	WaitPolicy    WaitKind = "policy"
	WaitLock      WaitKind = "lock" // any stored block; [Waiting.Block] says which
	WaitQueue     WaitKind = "queue"
	WaitOperation WaitKind = "operation"
	WaitPerson    WaitKind = "person"   // to advance
	WaitOperator  WaitKind = "operator" // to decide: retry-job or ignore-job, or what [Waiting.Cause] says
	WaitWave      WaitKind = "wave"
	WaitSoak      WaitKind = "soak" // until the release has stood long enough on the stage before
	WaitPlatform  WaitKind = "platform"
	WaitOrder     WaitKind = "order"   // for whoever ordered to go back
	WaitTargets   WaitKind = "targets" // for the other targets, before a check of scope stage
	WaitCheck     WaitKind = "check"   // for a check of scope stage that is running
)

// WaitCause says why, where the kind does not tell.
type WaitCause string

// Why something is waited for.
const (
	CauseNone      WaitCause = ""
	CauseAsking    WaitCause = "asking"    // operator: an effect cannot be decided; retry-job repeats it, ignore-job accepts what stands
	CauseUndecided WaitCause = "undecided" // operator: checks of a job were inconclusive; retry-job has them run anew, ignore-job accepts it
	CauseHalted    WaitCause = "halted"    // operator: Target failed and the stage halts; retry-job or ignore-job there, or skip it
	CausePast      WaitCause = "past"      // operator: as halted, but that failure can be neither retried nor ignored; cancel here
	CausePlatform  WaitCause = "platform"  // operator: the platform's rollout is in State, which only the platform ends
	CauseState     WaitCause = "state"     // operator: State is not known to this version; it is followed
	CauseNothing   WaitCause = "nothing"   // operator: no phase or job is left although the rollout is not over
	CauseResume    WaitCause = "resume"    // person: a policy's window is over; a person takes up what it held
	CauseBusy      WaitCause = "busy"      // platform: somebody else is changing the target
)

// Waiting is what a target waits for: kinds and arguments, from which the view
// makes words and commands.
type Waiting struct {
	Kind      WaitKind
	Cause     WaitCause
	Until     time.Time // when it is over by itself; zero where it is not
	Deadline  bool      // Until is when it is given up instead
	Target    string    // whose decision is wanted, where not this target's
	Phase     string    // the phase that would begin
	Job       string    // the job that is in question
	By        string    // who placed the block, gave the order
	Block     *Block    // lock, policy
	Order     *Order    // order
	Approval  *ApprovalSpec
	Approvals int    // approval: how many are there
	Wave      int    // wave: the one that must be good first
	State     State  // cause platform, state
	Message   string // data: what was found, what the platform said
}
