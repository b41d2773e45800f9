// Package engine is what the commands do, one file a command: it loads the
// records, has the plan made, has it carried out, and has the outcome told.
package engine

import (
	"context"
	"slices"
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

// Engine does the commands of one invocation. It is not safe for concurrent use.
// Its methods are the commands, and how they are planned; what they have in common is
// of the values that it holds.
type Engine struct {
	config  Config
	records records
	reviews *reviews
	planner *planner.Planner
	runner  *runner
}

// New returns an engine. It makes no connection.
func New(c Config) *Engine {
	if c.Notify == nil {
		c.Notify = func(executor.Notice) {}
	}
	e := &Engine{config: c, records: records{c.Pipeline, c.Ledger, c.Work.Now}}
	e.reviews = &reviews{asked: c.Reviews, member: c.Member, notify: c.Notify, read: map[string][]rollout.Voter{}}
	setting := rollout.Setting{Person: c.Actor.Person, Outside: policies(c)}
	e.planner = planner.New(planner.Config{
		Pipeline: c.Pipeline, Platform: c.Platform, Checks: c.Checks, Work: c.Work, Setting: setting, Reviews: e.reviews.of,
		Invocation: planner.Invocation{Actor: c.Actor, Origin: c.Origin, Attempt: c.Run.Attempt, Commit: c.Commit},
	})
	e.runner = newRunner(c, setting, e.records.fresh)
	return e
}

// policies asks the policies of the pipeline file, by the clock.
func policies(c Config) rollout.Outside {
	return func(r *rollout.Record, q rollout.Question, now time.Time) []rollout.Block {
		invoker := pipeline.InvokerAutomation
		if q.Person {
			invoker = pipeline.InvokerPerson
		}
		blocks := c.Pipeline.Blocked(pipeline.Question{
			Stage: r.Stage, Target: r.Target, Action: string(q.Intention), Invoker: invoker,
			Overrides: slices.Concat(c.Policies, q.Overrides), Actor: c.Actor.Login, Now: now,
		})
		list := make([]rollout.Block, len(blocks))
		for i, b := range blocks {
			list[i] = policyBlock(b)
		}
		return list
	}
}

// policyBlock is a policy's no as the records' blocks are. Its reason is only that
// the override was no good: the view says the rest.
func policyBlock(b pipeline.Block) rollout.Block {
	name := b.Policy.Name.Value
	block := rollout.Block{
		ID: name, Kind: rollout.BlockPolicy, Whom: rollout.Everybody, Until: b.Until, By: name,
		Override: b.Policy.Override, Standing: b.Policy.Standing, Resume: b.Policy.Resume,
	}
	if b.Denied != "" && len(block.Override) > 0 {
		block.Reason = b.Denied + " may not override it"
	}
	return block
}

// names are the targets' names.
func names(targets []*pipeline.Target) []string {
	list := make([]string, len(targets))
	for i, t := range targets {
		list[i] = t.Name.Value
	}
	return list
}
