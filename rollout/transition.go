package rollout

import (
	"encoding/json"
	"time"

	"sluice/stages/driver"
)

// Transition is one change of a record, as data. The types below are all there
// are. Rollout names the rollout it is about; "" means the one at work, else
// the newest.
type Transition interface {
	apply(r *Record, now time.Time) error
}

// Apply makes a transition, or refuses it with a [*RefusedError] and changes
// nothing.
func Apply(r *Record, t Transition, now time.Time) error { return t.apply(r, now) }

// What commands do; the planner puts these into a move.
type (
	// Create adds a rollout by its plan, behind those that are not over. A
	// person's ends the blocks of an automatic restore, and those of going back
	// from an older release. Refused: blocked.
	Create struct {
		Spec  Spec
		First bool           // the platform says nothing runs there: canary phases are skipped
		Runs  driver.Release // what runs there now, where a read told it; no id: what the record says
	}

	// Replace is Create, and ends every rollout that is not over: the new one
	// takes over what stands, without traffic being put back in between, and what
	// it would go back to. An effect under way is awaited first.
	Replace struct{ Create }

	// GoBack has the target go back: see [Record.BackFrom] for what from and
	// where to. The rollout that is gone back from is withdrawn where it has not
	// begun, else ends CANCELLED as soon as what is under way has its answer; then
	// the new rollout begins, before what is queued. A person's adds the blocks of
	// going back, in the same transition. Refused with [RefusedError.Unchanged]
	// where there is nothing to do.
	GoBack struct {
		Of        string // the promotion to go back from; "" whatever changed the target last
		Goal      *Goal  // nil: the baseline
		Promotion string // the promotion that the new rollout belongs to
		Spec      *Spec  // its plan by today's file; nil: the undone rollout's own
		By        Actor
		Cause     string // why, where By is automation
	}

	// DisableCanary takes a canary away, whoever made it: 0 %, its settings
	// removed, read back. What is at work is cancelled first; where nothing is, a
	// rollout of its own does it, before what is queued. A person's adds the blocks
	// of going back from what is at work, else from Canary.
	DisableCanary struct {
		Spec   Spec           // its plan; Command and Phases are set here
		Canary driver.Release // what the canary runs; no id where nobody knows
		By     Actor
	}

	// Vote counts a person's approval or rejection, or has the platform take it
	// where it is the platform's to take. A rejection by a person adds the blocks
	// of going back.
	Vote struct {
		Rollout string
		Approve bool
		Voter   Voter
	}

	// Acknowledge lets an approver acknowledge an emergency approval.
	Acknowledge struct {
		Rollout string
		Voter   Voter
	}

	// AskAgain asks anew for an approval that ran out. Refused under a newer
	// rollout.
	AskAgain struct {
		Rollout string
		By      Actor
	}

	// Advance starts a phase; "" the next one. With Jump it is a later one, and those
	// between are SKIPPED: forwards only, and not of a platform's own rollout.
	Advance struct {
		Rollout, Phase string
		Jump           bool
		By             Actor
	}

	// Cancel ends a rollout that is not final, and one that is FAILED while its
	// canary was left standing. A canary that stands is removed first; a release
	// that is stable stays. A person's adds the blocks of going back.
	Cancel struct {
		Rollout string
		By      Actor
		Cause   string // why, where By is automation
	}

	// RetryJob runs a failed job again, or repeats an effect that asks. "" for
	// phase and job: the only one that qualifies. A person's ends the block of an
	// automatic restore.
	RetryJob struct {
		Rollout, Phase, Job string
		By                  Actor
	}

	// IgnoreJob lets the rollout go on past a failed job, or accepts what stands
	// where an effect asks.
	IgnoreJob struct {
		Rollout, Phase, Job string
		By                  Actor
	}

	// Terminate ends one job that is at work; "" for phase and job: the only one. What
	// it checks is stopped and it fails as one that did not pass does: traffic goes
	// back where the plan says so, and no rule repairs it. Where the platform is at
	// work for the job, it is asked to stop that ([Steps.AtWork]).
	Terminate struct {
		Rollout, Phase, Job string
		By                  Actor
	}

	// Retry takes a failed rollout up again where it stands, for a higher attempt
	// of its run: no newer rollout, no block, its approval unexpired, within 24 h.
	Retry struct {
		Rollout string
		Attempt int
		By      Actor
	}

	// AddBlock places a block, beside a lease too. A second one with its id
	// changes nothing.
	AddBlock struct{ Block Block }

	// EndBlock ends a block, beside a lease too. Somebody else's takes By.Reason.
	EndBlock struct {
		ID string
		By Actor
	}

	// AddOrder leaves an order with the run that holds the target.
	AddOrder struct{ Order Order }

	// EndOrder takes an order away: carried out, or given up.
	EndOrder struct{ ID string }

	// CarryOut does what an order says, and ends it. The holder applies it when
	// [Group.React] says so; whoever ordered, once the target is let go.
	CarryOut struct{ ID string }

	// Adopt takes over what the platform says runs on the target. Close ends
	// every rollout that is not over, after a repair by hand.
	Adopt struct {
		Release driver.Release
		By      Actor
		Close   bool
	}

	// Given notes that a command was given, so that a re-run of its step does not
	// give it twice; [Record.WasGiven] finds it.
	Given struct {
		ID, Command, Rollout string
		By                   Actor
	}
)

// What the executor applies as it works.
type (
	// TakeLease takes the target for a run; it must be free, or the run's own.
	// Whether another lease may be broken the ledger decides: From is that one, and
	// AbsentAfter when what it intended may be concluded to be absent: zero for at
	// once. The record keeps that for whoever takes the target next.
	TakeLease struct {
		Run, From   string
		AbsentAfter time.Time
	}

	// LetGo frees the target if the run holds it.
	LetGo struct{ Run string }

	// Intend records an effect that is about to be sent. It must be durable
	// before the effect is sent, with all members' intents of a shared call.
	Intend struct {
		Due           Due
		Call          driver.Call     // whole; the target's own change alone is kept
		Before, After json.RawMessage // of this target
		Runs          driver.Release  // what ran before, where Prepare told it
	}

	// Answer records what the platform answered to an effect, or said of it
	// since. A key of an effect that needs no answer any more changes nothing.
	// Refused with [ReasonUndecodable] where the platform's own rollout cannot be
	// read: the state stays, the executor reports it.
	Answer struct {
		Key       string
		Operation driver.Operation
	}

	// Unchanged records an effect of which the platform says nothing is left to do.
	Unchanged struct {
		Due    Due
		Call   driver.Call
		Stands json.RawMessage
	}

	// Withdraw records that an intended effect was provably never sent and never
	// will be. What was asked for is still to be sent, as another effect.
	Withdraw struct{ Key, Why string }

	// Refuse records that an effect was refused, before or by the platform,
	// without taking place; [CauseOf] tells the cause from an error's code. Key may
	// name no open effect: then nothing was sent.
	Refuse struct {
		Due     Due
		Key     string
		Cause   FailureCause
		Message string
	}

	// AskPerson stops at an effect that cannot be decided. Key may name no open
	// effect: then nothing was sent.
	AskPerson struct {
		Due     Due
		Key     string
		Found   json.RawMessage
		Message string
	}

	// LookedUp counts an invocation that could not find out what an intended
	// effect did.
	LookedUp struct{ Key string }

	// Redate dates the intent of an effect anew, before it is sent once more.
	Redate struct {
		Key string
		At  time.Time
	}

	// Stopped says that the platform cannot be reached, or that somebody else is
	// changing the target: timeouts stand still until an answer or [Reached].
	Stopped struct {
		Rollout string
		Cause   StopCause // StopPlatform or StopBusy
		Until   time.Time // when to try again
		Message string
	}

	// Reached ends [Stopped].
	Reached struct{ Rollout string }

	// StartJob puts a job that runs checks to work.
	StartJob struct{ Due Due }

	// PassJob records that the target's own checks of a job passed. Where the job
	// has checks of scope stage it goes on with those, and an analysis until its
	// bake is over.
	PassJob struct{ Due Due }

	// Looked records looks at what a job's checks measure, and what its other checks
	// said. One that failed oftener than it may fails the job; an inconclusive one
	// that no later look can mend stops it, and a person decides with [RetryJob] or
	// [IgnoreJob]; else it is as [PassJob].
	Looked struct {
		Due   Due
		Looks []Look
	}

	// FailJob records that a job failed: its phase fails, what comes later is
	// aborted, and a canary puts its traffic back where the plan says so.
	FailJob struct {
		Due     Due
		Cause   FailureCause
		Message string
	}
)

// Goal is what a target can go back to: a release that ran there and was good,
// and what stood then.
type Goal struct {
	Release  driver.Release
	Baseline json.RawMessage
	Rollout  string // before whose first effect it stood
}
