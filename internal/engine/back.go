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

// held carries commands out on targets that another run may hold.
type held struct {
	config  Config
	records records
	runner  *runner
}

func (e *Engine) held() held { return held{e.config, e.records, e.runner} }

// goingBack carries a command that goes back out. Where a live run holds targets
// it orders that run to let go, waits for it, and plans again.
func (h held) goingBack(ctx context.Context, targets []*pipeline.Target, o backOrder, plan planning) (view.Outcome, error) {
	h.runner.goesBack()
	out, by, err := h.try(ctx, targets, plan)
	if by == nil {
		return out, err
	}
	id := newOrder()
	until := h.config.Work.Now().Add(h.config.LeaseWait)
	if err := h.order(ctx, by.Targets, o.by(h.config.Actor, id, until)); err != nil {
		return out, err
	}
	h.config.Notify(executor.Notice{Kind: executor.NoticeHeld, Err: by, At: until})
	if err := h.config.Ledger.WaitFree(ctx, until, by.Targets...); err != nil {
		return h.ordered(ctx, targets, out, err)
	}
	out, _, err = h.try(ctx, targets, withoutOrder(id, plan))
	return out, err
}

// try plans and carries out once. The error of the ledger is set where a live run
// holds targets.
func (h held) try(ctx context.Context, targets []*pipeline.Target, plan planning) (view.Outcome, *ledger.HeldError, error) {
	state, err := h.records.loadToChange(ctx, names(targets)...)
	if err != nil {
		return view.Outcome{}, nil, err
	}
	p, err := plan(ctx, state)
	if err != nil {
		return view.Outcome{}, nil, err
	}
	out, err := h.runner.carryOut(ctx, state, p)
	var by *ledger.HeldError
	if errors.As(err, &by) && ctx.Err() == nil {
		return out, by, err
	}
	return out, nil, err
}

// withoutOrder plans with the order taken away: this invocation carries it out.
func withoutOrder(id string, plan planning) planning {
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
func (h held) order(ctx context.Context, targets []string, o rollout.Order) error {
	_, err := h.config.Ledger.SaveBeside(ctx, targets, h.records.fresh, func(r *rollout.Record) error {
		return rollout.Apply(r, rollout.AddOrder{Order: o}, h.config.Work.Now())
	})
	return err
}

// by is the order as a person gives it.
func (o backOrder) by(a rollout.Actor, id string, until time.Time) rollout.Order {
	var teams []string
	if o.teams != nil {
		teams = o.teams()
	}
	return rollout.Order{
		ID: id, Command: o.command, Phase: o.phase, Job: o.job, Jump: o.jump, Promotion: o.promotion, Release: o.release,
		By: a.Login, Person: a.Person, RunURL: a.RunURL, Reason: a.Reason,
		Overrides: a.Overrides, Teams: teams, WaitsUntil: until.UTC(),
	}
}

// ordered tells that the order stands and the run has not let go yet: it carries
// the order out itself then.
func (h held) ordered(ctx context.Context, targets []*pipeline.Target, out view.Outcome, err error) (view.Outcome, error) {
	var by *ledger.HeldError
	if !errors.As(err, &by) || ctx.Err() != nil {
		return out, err
	}
	state, err := h.records.loadToChange(ctx, names(targets)...)
	if err != nil {
		return out, err
	}
	plan, result := planner.Ordered(targets, *by), executor.Result{Promotions: state.Promotions}
	for _, m := range plan.Moves {
		row := executor.RowResult{Target: m.Target, Record: state.Records[m.Target], Unchanged: m.Unchanged}
		if m.Pending != nil {
			row.Waiting = *m.Pending
		}
		result.Rows = append(result.Rows, row)
	}
	return h.runner.view().Result(state, plan, result), nil
}

func newOrder() string { return "o-" + uuid.NewString() }
