package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/internal/old/rollout"
	"sluice/pipeline"
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
// what it set free. A re-run of the same step does not give it twice.
func (e *Engine) Command(ctx context.Context, o Order) (rollout.Outcome, error) {
	if err := e.mayVote(o); err != nil {
		return rollout.Outcome{}, err
	}
	slots, err := e.load(ctx, o.Targets)
	if err != nil {
		return rollout.Outcome{}, err
	}
	if given := e.given(o, slots); len(given) > 0 {
		out, err := e.goOn(ctx, given)
		return asOrdered(o, out), err
	}
	chosen, err := e.choose(o, slots)
	if err != nil {
		return rollout.Outcome{}, err
	}
	if err := e.allowed(chosen, o.Command); err != nil {
		return rollout.Outcome{}, err
	}
	err = e.claim(ctx, slotsIn(chosen), func(s *slot) error { return e.give(o, s, chosen) })
	if err != nil {
		return rollout.Outcome{}, err
	}
	out, err := e.runAll(ctx, chosen[0].promotion(), slotsIn(chosen))
	return asOrdered(o, out), err
}

// asOrdered is the outcome of an order to end rollouts: it succeeded where all
// of them ended as ordered, although their promotion did not.
func asOrdered(o Order, out rollout.Outcome) rollout.Outcome {
	end := map[string]rollout.State{CommandReject: rollout.StateApprovalRejected, CommandCancel: rollout.StateCancelled}[o.Command]
	others := slices.ContainsFunc(out.Targets, func(t rollout.TargetOutcome) bool { return t.State != end })
	if end != "" && len(out.Targets) > 0 && !others {
		out.Status = rollout.StatusSucceeded
	}
	return out
}

// give carries an order out on one target.
func (e *Engine) give(o Order, s *slot, chosen []candidate) error {
	c := chosen[slices.IndexFunc(chosen, func(c candidate) bool { return c.slot == s })]
	e.announce(o, c)
	if err := e.obey(o, &s.record, c.rollout); err != nil {
		return refused(s.name(), err.Error(), "")
	}
	if id := e.orderID(o); id != "" {
		s.record.AddEvent(rollout.Event{
			Type: "command.given", Time: e.Now().UTC(), Actor: e.Actor.Login, Rollout: c.rollout,
			Message: o.Command, Info: map[string]string{"command": id},
		})
	}
	s.dirty = true
	return nil
}

// orderID names an order: the same for a re-run of the same step, "" where
// nothing tells.
func (e *Engine) orderID(o Order) string {
	if e.Origin == "" {
		return ""
	}
	return promotionName(e.Origin, o.Command, strings.Join([]string{o.Promotion, o.Phase, o.Job}, "/"), namesOfTargets(o.Targets))
}

// given finds the rollouts that got this very order from an earlier attempt.
func (e *Engine) given(o Order, slots []*slot) []candidate {
	id := e.orderID(o)
	if id == "" {
		return nil
	}
	var list []candidate
	for _, s := range slots {
		i := slices.IndexFunc(s.record.Events, func(event rollout.Event) bool { return event.Info["command"] == id })
		if i < 0 {
			continue
		}
		if c := (candidate{slot: s, rollout: s.record.Events[i].Rollout}); c.promotion() != "" {
			list = append(list, c)
		}
	}
	return list
}

// goOn resumes rollouts that have their order, and reports those that are over.
func (e *Engine) goOn(ctx context.Context, given []candidate) (rollout.Outcome, error) {
	id, slots := given[0].promotion(), slotsIn(given)
	open := slices.ContainsFunc(given, func(c candidate) bool {
		x, ok := c.slot.record.Rollout(c.rollout)
		return ok && !x.Over()
	})
	if !open {
		return e.report(ctx, id, slots, nil), nil
	}
	e.resuming()
	return e.resume(ctx, id, slots)
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
func (e *Engine) allowed(chosen []candidate, command string) error {
	refusals := &RefusedError{}
	for _, c := range chosen {
		if b, blocked := e.Pipeline.Blocked(e.question(c.slot.declared, command, e.OverridePolicies)); blocked {
			refusals.add(c.slot.name(), b.Message)
		}
	}
	if len(refusals.Findings) > 0 {
		return refusals
	}
	return nil
}

// announce says what an approval lets through.
func (e *Engine) announce(o Order, c candidate) {
	x, ok := c.slot.record.Rollout(c.rollout)
	if !ok {
		return
	}
	verb := map[string]string{
		CommandApprove: "approves", CommandReject: "rejects", CommandAdvance: "advances", CommandCancel: "cancels",
		CommandRetryJob: "retries a job of", CommandIgnoreJob: "ignores a job of",
	}[o.Command]
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
// platform's own once the platform has the rollout, or previews an effect.
func (e *Engine) vote(o Order, r *rollout.Record, x *rollout.Execution, now time.Time) error {
	v := rollout.Voter{Actor: e.Actor.Login, Verified: e.Actor.Verified, Automated: e.Actor.Automated, RunURL: e.Lease.RunURL, Comment: o.Comment}
	if x.TakesWord(r) {
		return x.AskApproval(r, o.Command == CommandApprove, v, now)
	}
	if o.Command == CommandReject {
		return x.Reject(r, v, now)
	}
	_, err := x.Approve(r, v, now)
	return err
}
