package engine

import (
	"context"
	"time"

	"sluice/internal/executor"
	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/internal/work"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// Platform is what the commands ask of platforms.
type Platform interface {
	planner.Platform
	executor.Platform
	// Make makes a release of what stands, once for a description.
	Make(ctx context.Context, t driver.Target, description string) (driver.Release, error)
	// Operation reads work of a platform's own by its name. See [driver.Driver].
	Operation(ctx context.Context, t driver.Target, name string) (driver.Operation, time.Duration, error)
	// Approval says whether a platform itself asks for a person's approval on a target.
	Approval(ctx context.Context, t driver.Target) (bool, error)
	// Facts are what a platform can do.
	Facts(platform string) driver.Facts
}

// Reviews are GitHub's of its environments.
type Reviews interface {
	executor.Reviews
	// Here are who approved an environment in this run; nobody outside of one. The
	// error is a [planner.RefusedError] where that cannot be asked, or nobody ever
	// could approve it.
	Here(ctx context.Context, environment string) ([]rollout.Voter, error)
}

// Member asks whether a person is in a team, "@org/team".
type Member func(ctx context.Context, team, login string) (bool, error)

// Config is what an engine works with. Everything in it is of one invocation.
type Config struct {
	Pipeline *pipeline.Pipeline
	Platform Platform
	Checks   executor.Checks
	Reviews  Reviews // nil: there are none
	Ledger   *ledger.Ledger
	Work     *work.Work
	Notify   func(executor.Notice) // what happens while it happens; called by one goroutine at a time
	Deeds    bool                  // Notify is told of deeds too, see [executor.NoticeDeed]

	Run        rollout.Run   // who this run is; its ID is in the leases
	Actor      rollout.Actor // who started the invocation, with their reason and overrides
	Verified   bool          // GitHub said who it is
	Origin     string        // what makes a re-run the same: repository, run id, job, step; "" outside Actions
	Commit     string        // of the pipeline file; "" where nobody knows
	LeaseWait  time.Duration // how long a person's going back waits for the run that holds a target
	Policies   []string      // policies that a person overrides by name
	Identifies bool          // whoever can write the state was authenticated: approvals count there
	Member     Member        // nil where nobody can be asked
	// Workflow writes a command line as a run of a workflow; nil for none.
	Workflow func(view.Command) string
}
