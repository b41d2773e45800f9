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
	if err := mayVote(e.config, o.Command); err != nil {
		return view.Outcome{}, err
	}
	if o.Command == planner.CommandApprove {
		if err := e.reviews.readFor(ctx, o.Targets); err != nil {
			return view.Outcome{}, err
		}
	}
	wanted := planner.Order{
		Command: o.Command, Targets: o.Targets, Promotion: o.Promotion, Phase: o.Phase, Jump: o.Jump, Job: o.Job, Voter: o.voter(e.config),
		Release: o.Release, Said: o.Said,
	}
	wanted.ID = e.planner.OrderID(wanted)
	plan := func(ctx context.Context, state *ledger.State) (planner.Plan, error) {
		if isVote(o.Command) {
			var err error
			if wanted.Voter.Teams, err = teamsOfVoter(ctx, e.config, o.Emergency, approvers(state, o.Targets)); err != nil {
				return planner.Plan{}, err
			}
		}
		return e.planner.Order(state, wanted), nil
	}
	return e.held().command(ctx, o, func() []string { return wanted.Voter.Teams }, plan)
}

// isVote reports whether a command is a word on an approval.
func isVote(command string) bool {
	return command == planner.CommandApprove || command == planner.CommandReject
}

// command carries out an order: one that goes back, one to advance, and one to end a
// job do not lose to a live run.
func (h held) command(ctx context.Context, o Order, teams func() []string, plan planning) (view.Outcome, error) {
	switch o.Command {
	case planner.CommandCancel, planner.CommandReject:
		return h.goingBack(ctx, o.Targets, backOrder{command: o.Command, teams: teams}, plan)
	case planner.CommandAdvance:
		return h.leaving(ctx, o.Targets, backOrder{command: rollout.OrderAdvance, phase: o.Phase, jump: o.Jump}, plan)
	case planner.CommandTerminate:
		return h.leaving(ctx, o.Targets, backOrder{command: rollout.OrderTerminate, phase: o.Phase, job: o.Job}, plan)
	default:
		out, _, err := h.try(ctx, o.Targets, plan)
		return out, err
	}
}

// leaving carries out what a live run that holds the targets does itself, and leaves
// the order with that run.
func (h held) leaving(ctx context.Context, targets []*pipeline.Target, o backOrder, plan planning) (view.Outcome, error) {
	out, by, err := h.try(ctx, targets, plan)
	if by == nil {
		return out, err
	}
	if err := h.order(ctx, by.Targets, o.by(h.config.Actor, newOrder(), h.config.Work.Now())); err != nil {
		return out, err
	}
	return h.ordered(ctx, targets, out, by)
}

// mayVote refuses a word that nobody vouches for.
func mayVote(c Config, command string) error {
	if !isVote(command) || c.Verified || !c.Identifies {
		return nil
	}
	return planner.Refuse("outside GitHub Actions nobody says who you are, and "+c.Ledger.Facts().Name+" keeps approvals that count", "approve from a workflow run")
}

// voter is who says something about an approval.
func (o Order) voter(c Config) rollout.Voter {
	return rollout.Voter{Actor: c.Actor, Verified: c.Verified, Comment: o.Comment, Emergency: o.Emergency}
}
