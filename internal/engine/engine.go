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
	// Member asks whether a person is in a team, "@org/team"; nil where nobody can be
	// asked.
	Member func(ctx context.Context, team, login string) (bool, error)
	// Workflow writes a command line as a run of a workflow; nil for none.
	Workflow func(view.Command) string
}

// Engine does the commands of one invocation. It is not safe for concurrent use.
type Engine struct {
	Config
	planner *planner.Planner
	setting rollout.Setting
	reviews map[string][]rollout.Voter // by environment, as far as they were read
}

// New returns an engine. It makes no connection.
func New(c Config) *Engine {
	if c.Notify == nil {
		c.Notify = func(executor.Notice) {}
	}
	e := &Engine{Config: c, reviews: map[string][]rollout.Voter{}}
	e.setting = rollout.Setting{Person: c.Actor.Person, Outside: e.outside}
	e.planner = planner.New(planner.Config{
		Pipeline: c.Pipeline, Platform: c.Platform, Checks: c.Checks, Work: c.Work, Setting: e.setting,
		Reviews:    func(environment string) []rollout.Voter { return e.reviews[environment] },
		Invocation: planner.Invocation{Actor: c.Actor, Origin: c.Origin, Attempt: c.Run.Attempt, Commit: c.Commit},
	})
	return e
}

// outside asks the policies of the pipeline file, by the clock.
func (e *Engine) outside(r *rollout.Record, q rollout.Question, now time.Time) []rollout.Block {
	invoker := pipeline.InvokerAutomation
	if q.Person {
		invoker = pipeline.InvokerPerson
	}
	blocks := e.Pipeline.Blocked(pipeline.Question{
		Stage: r.Stage, Target: r.Target, Action: string(q.Intention), Invoker: invoker,
		Overrides: slices.Concat(e.Policies, q.Overrides), Actor: e.Actor.Login, Now: now,
	})
	list := make([]rollout.Block, len(blocks))
	for i, b := range blocks {
		list[i] = policyBlock(b)
	}
	return list
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

// fresh makes the record of a target that was never saved.
func (e *Engine) fresh(target string) rollout.Record {
	t, err := e.Pipeline.Target(target)
	if err != nil {
		return rollout.Record{}
	}
	return e.planner.Fresh(t)
}

// load reads the records of targets, with the other members of the promotions
// that they are in, and with the blocks that hold for those that are new.
func (e *Engine) load(ctx context.Context, targets ...string) (*ledger.State, error) {
	state, err := e.read(ctx, targets...)
	if err != nil {
		return nil, err
	}
	return state, e.inherit(ctx, state, targets)
}

// loadFor is load for a promotion. Of the targets that it takes releases from no
// blocks are asked: these stop what goes to a target, not what comes from it.
func (e *Engine) loadFor(ctx context.Context, wanted planner.Promotion) (*ledger.State, error) {
	state, err := e.read(ctx, e.planner.Reads(wanted)...)
	if err != nil {
		return nil, err
	}
	return state, e.inherit(ctx, state, names(wanted.Targets))
}

// read is load without the blocks of new targets.
func (e *Engine) read(ctx context.Context, targets ...string) (*ledger.State, error) {
	state, err := e.Ledger.Load(ctx, targets...)
	if err != nil {
		return nil, err
	}
	if err := e.asRenamed(ctx, state, targets); err != nil {
		return nil, err
	}
	return state, e.Ledger.LoadMembers(ctx, state)
}

// loadToChange is load for a command that changes something.
func (e *Engine) loadToChange(ctx context.Context, targets ...string) (*ledger.State, error) {
	if err := e.takeNames(ctx, targets); err != nil {
		return nil, err
	}
	return e.load(ctx, targets...)
}

// carryOut carries a plan out, and tells what came of it. A plan that is refused
// is a [planner.RefusedError]; other errors are those of [executor.Result], and
// the outcome counts beside them.
func (e *Engine) carryOut(ctx context.Context, state *ledger.State, plan planner.Plan) (view.Outcome, error) {
	if err := plan.Err(); err != nil {
		return view.Outcome{}, err
	}
	e.Notify(executor.Notice{Kind: executor.NoticeRows, Count: executor.Works(plan)})
	e.tell(state, plan)
	e.tellChanges(state, plan)
	result := e.run(ctx, state, plan)
	return e.view().Result(state, plan, result), result.Err
}

func (e *Engine) run(ctx context.Context, state *ledger.State, plan planner.Plan) executor.Result {
	return executor.Run(ctx, executor.Config{
		Pipeline: e.Pipeline.Name.Value, Run: e.Run.ID, Platform: e.Platform, Checks: e.Checks, Ledger: e.Ledger,
		Reviews: e.Reviews, Approval: e.approval, Work: e.Work, Setting: e.setting, Notify: e.Notify, Deeds: e.Deeds,
	}, state, e.fresh, plan)
}

// approval is what the file asks for on a target now; nil for nothing.
func (e *Engine) approval(target string) *rollout.ApprovalSpec {
	t, err := e.Pipeline.Target(target)
	if err != nil {
		return nil
	}
	return planner.ApprovalOf(t)
}

// tell shows what planning noticed.
func (e *Engine) tell(state *ledger.State, plan planner.Plan) {
	switch {
	case plan.Again && finished(state, plan):
		e.Notify(executor.Notice{Kind: executor.NoticeDone})
	case plan.Again:
		e.Notify(executor.Notice{Kind: executor.NoticeAgain})
	}
	for _, f := range plan.Findings {
		kind := executor.NoticeNote
		if f.Severity == driver.Warn {
			kind = executor.NoticeWarning
		}
		e.Notify(executor.Notice{Target: f.Target, Kind: kind, Text: planner.Text(f)})
	}
}

// finished reports whether nothing is left to do of a promotion that is planned
// again.
func finished(state *ledger.State, plan planner.Plan) bool {
	return !slices.ContainsFunc(plan.Moves, func(m planner.Move) bool {
		r := state.Records[m.Target]
		return len(m.Do) > 0 || m.Pending != nil || r != nil && r.Unfinished()
	})
}

// tellChanges says of rollouts that go on that the pipeline file has changed since
// they were created.
func (e *Engine) tellChanges(state *ledger.State, plan planner.Plan) {
	for _, m := range plan.Moves {
		r := state.Records[m.Target]
		if r == nil || m.Unchanged || m.Pending != nil {
			continue
		}
		if x, ok := r.Active(); ok && x.Spec.PipelineDigest != e.Pipeline.Digest {
			e.Notify(executor.Notice{Kind: executor.NoticeChanged, Target: m.Target, Text: x.Rollout.Name})
		}
	}
}

// view tells of records as this invocation knows them now.
func (e *Engine) view() view.View {
	return view.View{Pipeline: e.Pipeline, Setting: e.setting, Run: e.Run.ID, Now: e.Work.Now(), Workflow: e.Workflow}
}

// names are the targets' names.
func names(targets []*pipeline.Target) []string {
	list := make([]string, len(targets))
	for i, t := range targets {
		list[i] = t.Name.Value
	}
	return list
}
