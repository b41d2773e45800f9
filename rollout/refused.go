package rollout

import "time"

// Reason says why a transition was refused.
type Reason string

// Why a transition is refused.
const (
	ReasonNoRollout    Reason = "noRollout"    // no such rollout
	ReasonState        Reason = "state"        // not in this state; Needs says in which
	ReasonStarted      Reason = "started"      // an effect of it has gone out
	ReasonNewer        Reason = "newer"        // Other has changed the target since
	ReasonNewerAtWork  Reason = "newerAtWork"  // Other is at work: it is Found
	ReasonUnderWay     Reason = "underWay"     // an effect is under way
	ReasonNoBaseline   Reason = "noBaseline"   // nothing ran before it
	ReasonBlocked      Reason = "blocked"      // Blocks: all that stand in the way
	ReasonNoGoal       Reason = "noGoal"       // Release never ran here and was good
	ReasonNothing      Reason = "nothing"      // nothing to go back from: unchanged
	ReasonThere        Reason = "there"        // the goal runs already: unchanged
	ReasonGoingBack    Reason = "goingBack"    // Other is going back already: unchanged, wait for it
	ReasonAlready      Reason = "already"      // it was done, or asked for, already
	ReasonPhase        Reason = "phase"        // no such phase; Names are those there are
	ReasonPhaseState   Reason = "phaseState"   // Phase is in Found
	ReasonPhaseOrder   Reason = "phaseOrder"   // Phase waits for Other, which is Found
	ReasonFirstPhase   Reason = "firstPhase"   // the first phase starts by itself
	ReasonAnalysis     Reason = "analysis"     // the analysis of Other goes on until Until: a person passes it who says why
	ReasonNoPhase      Reason = "noPhase"      // no phase is left
	ReasonNoJob        Reason = "noJob"        // no job like that is FAILED or asks
	ReasonNotRunning   Reason = "notRunning"   // no job like that is at work
	ReasonUnsure       Reason = "unsure"       // whether an effect of it took place is not known
	ReasonJobs         Reason = "jobs"         // several jobs qualify: Names
	ReasonCancelling   Reason = "cancelling"   // it is being cancelled: cancel or ignore-job
	ReasonNotThere     Reason = "notThere"     // the platform has not got it yet
	ReasonExpired      Reason = "expired"      // the approval ran out at Until
	ReasonAutomation   Reason = "automation"   // only people approve
	ReasonNotApprover  Reason = "notApprover"  // Actor is not among Names
	ReasonSelf         Reason = "self"         // Actor started the promotion and cannot alone approve it
	ReasonVoted        Reason = "voted"        // Actor has approved already; Have of Need are there
	ReasonNoReview     Reason = "noReview"     // only reviews of environment Other count, and there is none that does
	ReasonNoBlock      Reason = "noBlock"      // no block with that id
	ReasonNoOrder      Reason = "noOrder"      // no order with that id
	ReasonNotMember    Reason = "notMember"    // the target is none of the promotion's
	ReasonLeased       Reason = "leased"       // another run holds the lease
	ReasonTooLate      Reason = "tooLate"      // more than 24 hours have passed
	ReasonNoReason     Reason = "noReason"     // a reason must be given
	ReasonUndecodable  Reason = "undecodable"  // the platform's rollout cannot be read: Message
	ReasonNotFailed    Reason = "notFailed"    // only what failed is retried
	ReasonUnsupported  Reason = "unsupported"  // the platform takes no such command for its rollouts
	ReasonUnknownOrder Reason = "unknownOrder" // no such order
)

// RefusedError means that a transition does not fit the state it found.
// Nothing was changed. The view words Reason and its arguments; Error does so
// plainly.
type RefusedError struct {
	Command string
	Target  string
	Rollout string
	State   State // of the rollout
	Reason  Reason

	Needs   []State
	Phase   string
	Job     string
	Found   string
	Other   string
	Actor   string
	Release string
	Names   []string
	Have    int
	Need    int
	Until   time.Time
	Blocks  []Block
	Source  string // blocked: the target that Blocks stand on, where that is another one
	Message string
}

// Unchanged reports whether what was wanted is so already: no failure.
func (e *RefusedError) Unchanged() bool {
	switch e.Reason {
	case ReasonNothing, ReasonThere, ReasonGoingBack:
		return true
	default:
		return false
	}
}

// refuse refuses a command to e. needs are the states in which it is taken.
func (e *Execution) refuse(command string, reason Reason, needs ...State) *RefusedError {
	return &RefusedError{
		Command: command, Target: e.Spec.Target.Name, Rollout: e.Rollout.Name, State: e.Rollout.State,
		Release: e.Spec.Release.ID, Reason: reason, Needs: needs,
	}
}

// because refuses because of another rollout.
func (e *RefusedError) because(other string) *RefusedError {
	e.Other = other
	return e
}

// ofJob names the phase and the job that the refusal is about.
func (e *RefusedError) ofJob(phase, job string) *RefusedError {
	e.Phase, e.Job = phase, job
	return e
}

// refuseBlocked refuses a command to e that blocks stop; nil where none does.
func refuseBlocked(e *Execution, intention Intention, blocks []Block) error {
	if len(blocks) == 0 {
		return nil
	}
	err := e.refuse(string(intention), ReasonBlocked)
	err.Blocks = blocks
	return err
}
