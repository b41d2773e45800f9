package engine

import (
	"context"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
)

// Order is a person's command to rollouts that exist: approve, reject, advance,
// cancel, retry-job, ignore-job, terminate.
type Order struct {
	Command   string
	Targets   []*pipeline.Target // those the person's words allow
	Promotion string             // "" for any
	Phase     string
	Jump      bool // advance: to a later phase than the next
	Job       string
	Comment   string
	Emergency bool      // approve: a maintainer's word, who is no approver
	Release   string    // approve, reject: what the word names; "" for whatever waits
	Said      time.Time // approve, reject: when the word was written; zero for now
}

// Command carries out an order. Errors as [Engine.Promote].
func (e *Engine) Command(ctx context.Context, o Order) (view.Outcome, error) {
	if err := e.mayVote(o.Command); err != nil {
		return view.Outcome{}, err
	}
	if o.Command == planner.CommandApprove {
		if err := e.readReviews(ctx, o.Targets); err != nil {
			return view.Outcome{}, err
		}
	}
	wanted := planner.Order{
		Command: o.Command, Targets: o.Targets, Promotion: o.Promotion, Phase: o.Phase, Jump: o.Jump, Job: o.Job, Voter: e.voter(o),
		Release: o.Release, Said: o.Said,
	}
	wanted.ID = e.planner.OrderID(wanted)
	plan := func(ctx context.Context, state *ledger.State) (planner.Plan, error) {
		if isVote(o.Command) {
			var err error
			if wanted.Voter.Teams, err = e.teams(ctx, state, o); err != nil {
				return planner.Plan{}, err
			}
		}
		return e.planner.Order(state, wanted), nil
	}
	return e.command(ctx, o, func() []string { return wanted.Voter.Teams }, plan)
}

// isVote reports whether a command is a word on an approval.
func isVote(command string) bool {
	return command == planner.CommandApprove || command == planner.CommandReject
}

// command carries out an order: one that goes back, one to advance, and one to end a
// job do not lose to a live run.
func (e *Engine) command(ctx context.Context, o Order, teams func() []string, plan planning) (view.Outcome, error) {
	switch o.Command {
	case planner.CommandCancel, planner.CommandReject:
		return e.goingBack(ctx, o.Targets, backOrder{command: o.Command, teams: teams}, plan)
	case planner.CommandAdvance:
		return e.leaving(ctx, o.Targets, backOrder{command: rollout.OrderAdvance, phase: o.Phase, jump: o.Jump}, plan)
	case planner.CommandTerminate:
		return e.leaving(ctx, o.Targets, backOrder{command: rollout.OrderTerminate, phase: o.Phase, job: o.Job}, plan)
	default:
		out, _, err := e.tryBack(ctx, o.Targets, plan)
		return out, err
	}
}

// leaving carries out what a live run that holds the targets does itself, and leaves
// the order with that run.
func (e *Engine) leaving(ctx context.Context, targets []*pipeline.Target, o backOrder, plan planning) (view.Outcome, error) {
	out, held, err := e.tryBack(ctx, targets, plan)
	if held == nil {
		return out, err
	}
	if err := e.order(ctx, held.Targets, o.order(e, newOrder(), e.Work.Now())); err != nil {
		return out, err
	}
	return e.ordered(ctx, targets, out, held)
}

// mayVote refuses a word that nobody vouches for.
func (e *Engine) mayVote(command string) error {
	if !isVote(command) {
		return nil
	}
	if e.Verified || !e.Identifies {
		return nil
	}
	return planner.Refuse("outside GitHub Actions nobody says who you are, and "+e.Ledger.Facts().Name+" keeps approvals that count", "approve from a workflow run")
}

// voter is who says something about an approval.
func (e *Engine) voter(o Order) rollout.Voter {
	return rollout.Voter{Actor: e.Actor, Verified: e.Verified, Comment: o.Comment, Emergency: o.Emergency}
}
