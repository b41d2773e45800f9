package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sluice/pipeline"
	"sluice/rollout"
)

// The commands to rollouts that exist.
const (
	CommandApprove   = "approve"
	CommandReject    = "reject"
	CommandAdvance   = "advance"
	CommandCancel    = "cancel"
	CommandRetryJob  = "retry-job"
	CommandIgnoreJob = "ignore-job"
)

// Order is a command to rollouts that exist.
type Order struct {
	Command   string
	Targets   []*pipeline.Target // those the person's words allow
	Promotion string             // "" for any
	Phase     string
	Job       string
	Comment   string
}

// Command carries an order out on the one promotion it fits, and goes on with
// what it set free.
func (e *Engine) Command(ctx context.Context, o Order) (rollout.Outcome, error) {
	if err := e.mayVote(o); err != nil {
		return rollout.Outcome{}, err
	}
	slots, err := e.load(ctx, o.Targets)
	if err != nil {
		return rollout.Outcome{}, err
	}
	chosen, err := e.choose(o, slots)
	if err != nil {
		return rollout.Outcome{}, err
	}
	at := make([]*slot, len(chosen))
	for i, c := range chosen {
		at[i] = c.slot
		if err := e.allowed(c, o.Command); err != nil {
			return rollout.Outcome{}, err
		}
	}
	if err := e.acquire(ctx, at); err != nil {
		return rollout.Outcome{}, err
	}
	for _, c := range chosen {
		e.announce(o, c)
		if err := e.obey(o, &c.slot.record, c.rollout); err != nil {
			return rollout.Outcome{}, refused(c.slot.name(), err.Error(), "")
		}
	}
	if err := e.commit(ctx, at...); err != nil {
		return rollout.Outcome{}, err
	}
	x, _ := chosen[0].slot.record.Rollout(chosen[0].rollout)
	return e.runAll(ctx, x.Spec.Promotion, at)
}

// mayVote refuses an approval of somebody whom nobody identified, unless state
// is a local file, which is that somebody's own.
func (e *Engine) mayVote(o Order) error {
	if o.Command != CommandApprove && o.Command != CommandReject {
		return nil
	}
	if e.Actor.Verified || strings.HasPrefix(e.Store.Facts().Name, "file:") {
		return nil
	}
	return refused("", fmt.Sprintf("outside GitHub Actions nobody says who you are, and %s keeps approvals that count", e.Store.Facts().Name),
		"approve from a workflow run")
}

// allowed asks the policies about a command.
func (e *Engine) allowed(c candidate, command string) error {
	if b, blocked := e.Pipeline.Blocked(e.question(c.slot.declared, command, e.OverridePolicies)); blocked {
		return refused(c.slot.name(), b.Message, "")
	}
	return nil
}

// announce says what an approval lets through.
func (e *Engine) announce(o Order, c candidate) {
	x, ok := c.slot.record.Rollout(c.rollout)
	if !ok {
		return
	}
	verb := map[string]string{CommandApprove: "approves", CommandReject: "rejects"}[o.Command]
	if verb == "" {
		verb = o.Command
	}
	e.Observer.Progress(c.slot.name(), fmt.Sprintf("%s release %s (%s)", verb, x.Spec.Release.ID, c.rollout))
}

// obey makes the order's transition.
func (e *Engine) obey(o Order, r *rollout.Record, name string) error {
	x, ok := r.Rollout(name)
	if !ok {
		return fmt.Errorf("no rollout %s", name)
	}
	now := e.Now()
	switch o.Command {
	case CommandApprove, CommandReject:
		return e.vote(o, r, x, now)
	case CommandAdvance:
		return x.Advance(r, o.Phase, e.Actor.Login, now)
	case CommandCancel:
		return x.Cancel(r, e.Actor.Login, now)
	case CommandRetryJob:
		return x.RetryJob(r, o.Phase, o.Job, e.Actor.Login, now)
	case CommandIgnoreJob:
		return x.IgnoreJob(r, o.Phase, o.Job, e.Actor.Login, now)
	default:
		return fmt.Errorf("no command %q to a rollout", o.Command)
	}
}

// vote counts an approval or a rejection: ours while it waits for it, the
// platform's own once the platform has the rollout.
func (e *Engine) vote(o Order, r *rollout.Record, x *rollout.Execution, now time.Time) error {
	if x.Spec.Remote && len(x.Steps) > 0 {
		return x.AskApproval(r, o.Command == CommandApprove, e.Actor.Login, now)
	}
	v := rollout.Voter{Actor: e.Actor.Login, Verified: e.Actor.Verified, Automated: e.Actor.Automated, RunURL: e.Lease.RunURL, Comment: o.Comment}
	if o.Command == CommandReject {
		return x.Reject(r, v, now)
	}
	_, err := x.Approve(r, v, now)
	return err
}
