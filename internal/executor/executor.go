// Package executor carries a plan out.
//
// One goroutine owns all records. It is told what happened, decides, and says
// what is to be saved and what is to be done next; what it says last is always
// true of what is durable: an effect is handed out when the intents of all
// targets of its call are saved, and not before. The deciding part (machine)
// does no I/O and reads no clock. Workers (shell) do nothing but I/O: they are
// given values and send values back.
package executor

import (
	"context"
	"time"

	"sluice/analysis"
	"sluice/internal/check"
	"sluice/internal/ledger"
	"sluice/internal/work"
	"sluice/rollout"
	"sluice/stages/driver"
)

// Platform is what the executor asks of platforms. Prepare, Lookup and Poll only
// read and are retried below; Begin sends at most once and is retried nowhere
// but here. The end of Begin's ctx is the word to send nothing more (then the
// error is Retryable); what was sent is still answered, within the invocation's
// time for answers. Errors carry the driver's explanation.
type Platform interface {
	// Facts are a platform's; zero where there is no such platform.
	Facts(platform string) driver.Facts
	AskedAs(t driver.Target) string
	Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error)
	Begin(ctx context.Context, c driver.Call) (driver.Operation, error)
	Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error)
	Poll(ctx context.Context, op driver.Operation) (next driver.Operation, wait time.Duration, err error)
	// CodeOf classifies an error of the calls above; RetryAfter is the platform's
	// word on when to try again, 0 for none; Busy reports that somebody else is
	// changing the target.
	CodeOf(err error) driver.Code
	RetryAfter(err error) time.Duration
	Busy(err error) bool
}

// Checks runs hooks and gates. An error of Run means that the check did not
// pass; where ctx ended nothing is known of it. Look is for those that measure.
type Checks interface {
	Preflight(rollout.Gate) error
	Run(ctx context.Context, g rollout.Gate, v check.Vars) error
	Look(ctx context.Context, g rollout.Gate, v check.Vars, w analysis.Window) analysis.Sample
}

// Reviews are GitHub's of its environments.
type Reviews interface {
	// Given are the logins of who approved an environment in a workflow run. It only
	// reads. Its errors say what to do about them.
	Given(ctx context.Context, run, environment string) ([]string, error)
}

// Config is what an invocation works with.
type Config struct {
	Pipeline string // its name, which checks are told
	Run      string // the id that the ledger's leases name
	Platform Platform
	Checks   Checks
	Reviews  Reviews // nil: there are none
	// Approval is what the file asks for on a target now; nil for nothing.
	Approval func(target string) *rollout.ApprovalSpec
	Ledger   *ledger.Ledger
	Work     *work.Work
	Setting  rollout.Setting
	Notify   func(Notice) // called by one goroutine, in order; nil drops everything
	Deeds    bool         // tells of deeds too: [NoticeDeed]
}
