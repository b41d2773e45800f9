package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"sluice/internal/executor"
	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
)

// Back beats forward: what goes back never loses to a live run. Its order is
// saved beside the run's lease; the run begins nothing more, finishes what is
// under way and lets go; then this invocation, which waited, goes back.

// backOrder is what is ordered of a run that holds a target.
type backOrder struct {
	command   string // one of the Order commands of rollout
	promotion string
	release   string
	phase     string
	job       string
	jump      bool
	teams     func() []string // reject: of the approvers, whose member the actor is; nil for none
}

// planning makes the plan of a command from the records as they are.
type planning func(context.Context, *ledger.State) (planner.Plan, error)

// goingBack carries a command that goes back out. Where a live run holds targets
// it orders that run to let go, waits for it, and plans again.
func (e *Engine) goingBack(ctx context.Context, targets []*pipeline.Target, o backOrder, plan planning) (view.Outcome, error) {
	e.setting.Back = true
	out, held, err := e.tryBack(ctx, targets, plan)
	if held == nil {
		return out, err
	}
	id := newOrder()
	until := e.Work.Now().Add(e.LeaseWait)
	if err := e.order(ctx, held.Targets, o.order(e, id, until)); err != nil {
		return out, err
	}
	e.Notify(executor.Notice{Kind: executor.NoticeHeld, Err: held, At: until})
	if err := e.Ledger.WaitFree(ctx, until, held.Targets...); err != nil {
		return e.ordered(ctx, targets, out, err)
	}
	out, _, err = e.tryBack(ctx, targets, e.withoutOrder(id, plan))
	return out, err
}

// tryBack plans and carries out once. held is set where a live run holds targets.
func (e *Engine) tryBack(ctx context.Context, targets []*pipeline.Target, plan planning) (view.Outcome, *ledger.HeldError, error) {
	state, err := e.loadToChange(ctx, names(targets)...)
	if err != nil {
		return view.Outcome{}, nil, err
	}
	p, err := plan(ctx, state)
	if err != nil {
		return view.Outcome{}, nil, err
	}
	out, err := e.carryOut(ctx, state, p)
	var held *ledger.HeldError
	if errors.As(err, &held) && ctx.Err() == nil {
		return out, held, err
	}
	return out, nil, err
}

// withoutOrder plans with the order taken away: this invocation carries it out.
func (e *Engine) withoutOrder(id string, plan planning) planning {
	return func(ctx context.Context, state *ledger.State) (planner.Plan, error) {
		p, err := plan(ctx, state)
		for i, m := range p.Moves {
			if r := state.Records[m.Target]; r != nil && slices.ContainsFunc(r.Orders, func(o rollout.Order) bool { return o.ID == id }) {
				p.Moves[i].Do = append(slices.Clone(m.Do), rollout.EndOrder{ID: id})
			}
		}
		return p, err
	}
}

// order saves an order beside the leases of targets.
func (e *Engine) order(ctx context.Context, targets []string, o rollout.Order) error {
	_, err := e.Ledger.SaveBeside(ctx, targets, e.fresh, func(r *rollout.Record) error {
		return rollout.Apply(r, rollout.AddOrder{Order: o}, e.Work.Now())
	})
	return err
}

func (o backOrder) order(e *Engine, id string, until time.Time) rollout.Order {
	var teams []string
	if o.teams != nil {
		teams = o.teams()
	}
	return rollout.Order{
		ID: id, Command: o.command, Phase: o.phase, Job: o.job, Jump: o.jump, Promotion: o.promotion, Release: o.release,
		By: e.Actor.Login, Person: e.Actor.Person, RunURL: e.Actor.RunURL, Reason: e.Actor.Reason,
		Overrides: e.Actor.Overrides, Teams: teams, WaitsUntil: until.UTC(),
	}
}

// ordered tells that the order stands and the run has not let go yet: it carries
// the order out itself then.
func (e *Engine) ordered(ctx context.Context, targets []*pipeline.Target, out view.Outcome, err error) (view.Outcome, error) {
	var held *ledger.HeldError
	if !errors.As(err, &held) || ctx.Err() != nil {
		return out, err
	}
	state, err := e.loadToChange(ctx, names(targets)...)
	if err != nil {
		return out, err
	}
	plan, result := planner.Ordered(targets, *held), executor.Result{Promotions: state.Promotions}
	for _, m := range plan.Moves {
		row := executor.RowResult{Target: m.Target, Record: state.Records[m.Target], Unchanged: m.Unchanged}
		if m.Pending != nil {
			row.Waiting = *m.Pending
		}
		result.Rows = append(result.Rows, row)
	}
	return e.view().Result(state, plan, result), nil
}

func newOrder() string { return "o-" + uuid.NewString() }
