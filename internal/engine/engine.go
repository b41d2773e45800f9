// Package engine is what the commands do, one file a command: it loads the
// records, has the plan made, has it carried out, and has the outcome told.
package engine

import (
	"slices"
	"time"

	"sluice/internal/executor"
	"sluice/internal/planner"
	"sluice/pipeline"
	"sluice/rollout"
)

// Engine does the commands of one invocation. It is not safe for concurrent use.
// Its methods are the commands, and how they are planned; what they have in common is
// of the values that it holds.
type Engine struct {
	config    Config
	records   records
	reviews   *reviews
	planner   *planner.Planner
	promoting promoting
	runner    *runner
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
	e.promoting = promoting{c, e.records, e.reviews, e.planner}
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
