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

	"sluice/internal/check"
	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/internal/work"
	"sluice/rollout"
	"sluice/stages/driver"
)

// Platform is what the executor asks of platforms. Prepare, Lookup and Poll only
// read and are retried below; Begin sends at most once and is retried nowhere
// but here. Errors carry the driver's explanation.
type Platform interface {
	// Facts are a platform's; zero where there is no such platform.
	Facts(platform string) driver.Facts
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
// pass; where ctx ended nothing is known of it.
type Checks interface {
	Preflight(rollout.Gate) error
	Run(ctx context.Context, g rollout.Gate, v check.Vars) error
}

// Config is what an invocation works with.
type Config struct {
	Pipeline string // its name, which checks are told
	Platform Platform
	Checks   Checks
	Ledger   *ledger.Ledger
	Work     *work.Work
	Setting  rollout.Setting
	Notify   func(Notice) // called by one goroutine, in order; nil drops everything
}

// Run carries plan out on the records of state, which must hold the targets of
// its moves where they were ever saved, their promotions, and the other members
// of those. fresh makes the record of a target that was never saved.
//
// It ends when every target is over, waits for longer than the invocation may
// wait, or can go no further; what it held is let go and saved by then. The
// result holds what came of every target also where its error is not nil. The
// end of ctx interrupts it: nothing begins any more, requests under way are
// answered and what happened is saved within the graces of Work.
func Run(ctx context.Context, c Config, state *ledger.State, fresh func(target string) rollout.Record, plan planner.Plan) Result {
	panic("not yet")
}
