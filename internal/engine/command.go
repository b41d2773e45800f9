package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
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

// candidate is a rollout that an order could mean.
type candidate struct {
	slot    *slot
	rollout string
	err     error // why the order does not fit it; nil where it does
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

// choose finds the rollouts that the order fits: those of one promotion.
func (e *Engine) choose(o Order, slots []*slot) ([]candidate, error) {
	var fits, others []candidate
	for _, s := range slots {
		for _, c := range e.candidates(o, s) {
			if c.err == nil {
				fits = append(fits, c)
			} else {
				others = append(others, c)
			}
		}
	}
	if len(fits) == 0 {
		return nil, noCandidate(o, others)
	}
	promotions := map[string]bool{}
	for _, c := range fits {
		x, _ := c.slot.record.Rollout(c.rollout)
		promotions[x.Spec.Promotion] = true
	}
	if len(promotions) > 1 {
		return nil, ambiguous(o, fits)
	}
	return fits, nil
}

func noCandidate(o Order, others []candidate) error {
	if len(others) == 0 {
		return refused("", "there is no rollout to "+o.Command, "`sluice status` shows what there is")
	}
	r := &RefusedError{}
	for _, c := range others {
		r.Findings = append(r.Findings, driver.Finding{Target: c.slot.name(), Severity: driver.Refuse, Message: c.err.Error()})
	}
	return r
}

func ambiguous(o Order, fits []candidate) error {
	r := &RefusedError{Findings: []driver.Finding{{
		Severity: driver.Refuse, Message: "several promotions qualify for " + o.Command, Remedy: "choose with --target, --stage or --promotion:",
	}}}
	for _, c := range fits {
		x, _ := c.slot.record.Rollout(c.rollout)
		r.Findings = append(r.Findings, driver.Finding{
			Target: c.slot.name(), Severity: driver.Refuse,
			Message: fmt.Sprintf("%s of release %s is %s (--promotion %s)", c.rollout, x.Spec.Release.ID, x.Rollout.State, x.Spec.Promotion),
		})
	}
	return r
}

// candidates are the rollouts of a target that the order could mean, tried on
// a copy of the record.
func (e *Engine) candidates(o Order, s *slot) []candidate {
	var list []candidate
	for _, name := range meant(o, &s.record) {
		trial := s.record.Clone()
		list = append(list, candidate{slot: s, rollout: name, err: e.obey(o, &trial, name)})
	}
	return list
}

// meant names the rollouts an order can be about: for an approval those that
// wait for one, else the one at work, else the newest.
func meant(o Order, r *rollout.Record) []string {
	var names []string
	for _, x := range r.Rollouts {
		if o.Promotion != "" && x.Spec.Promotion != o.Promotion {
			continue
		}
		if (o.Command == CommandApprove || o.Command == CommandReject) && x.Rollout.State == rollout.StatePendingApproval {
			names = append(names, x.Rollout.Name)
		}
	}
	if len(names) > 0 {
		return names
	}
	if x, ok := r.Active(); ok && (o.Promotion == "" || x.Spec.Promotion == o.Promotion) {
		return []string{x.Rollout.Name}
	}
	for _, x := range slices.Backward(r.Rollouts) {
		if o.Promotion == "" || x.Spec.Promotion == o.Promotion {
			return []string{x.Rollout.Name}
		}
	}
	return nil
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

// Lock keeps rollouts from starting effects on targets until a person unlocks
// them. A target that a live run holds cannot be locked.
func (e *Engine) Lock(ctx context.Context, targets []*pipeline.Target, reason string) (rollout.Outcome, error) {
	return e.edit(ctx, targets, func(s *slot, now time.Time) error {
		if l := s.record.Lock; l != nil && l.Person {
			return refused(s.name(), fmt.Sprintf("locked already by %s since %s: %s", l.Actor, minute(l.Since), l.Reason), "")
		}
		s.record.Lock = &rollout.Lock{Holder: e.Actor.Login, Actor: e.Actor.Login, RunURL: e.Lease.RunURL, Reason: reason, Since: now.UTC(), Person: true}
		s.record.AddEvent(rollout.Event{Type: "target.locked", Time: now.UTC(), Actor: e.Actor.Login, Message: reason})
		return nil
	})
}

// Unlock takes a person's lock away.
func (e *Engine) Unlock(ctx context.Context, targets []*pipeline.Target, reason string) (rollout.Outcome, error) {
	return e.edit(ctx, targets, func(s *slot, now time.Time) error {
		if l := s.record.Lock; l == nil || !l.Person {
			return refused(s.name(), "nobody has locked it", "")
		}
		s.record.Lock = nil
		s.record.AddEvent(rollout.Event{Type: "target.unlocked", Time: now.UTC(), Actor: e.Actor.Login, Message: reason})
		return nil
	})
}

// Abandon marks a release on targets, so that it goes no further.
func (e *Engine) Abandon(ctx context.Context, targets []*pipeline.Target, release, reason string) (rollout.Outcome, error) {
	return e.edit(ctx, targets, func(s *slot, now time.Time) error {
		s.record.Abandon(release, e.Actor.Login, reason, now)
		return nil
	})
}

// edit changes records without touching a platform.
func (e *Engine) edit(ctx context.Context, targets []*pipeline.Target, change func(*slot, time.Time) error) (rollout.Outcome, error) {
	slots, err := e.load(ctx, targets)
	if err != nil {
		return rollout.Outcome{}, err
	}
	refusals := &RefusedError{}
	for _, s := range slots {
		if err := e.free(ctx, s, e.Now()); err != nil {
			return rollout.Outcome{}, err
		}
		if err := collect(&refusals.Findings, change(s, e.Now())); err != nil {
			return rollout.Outcome{}, err
		}
		s.dirty = true
	}
	if len(refusals.Findings) > 0 {
		return rollout.Outcome{}, refusals
	}
	if err := e.commit(ctx, slots...); err != nil {
		return rollout.Outcome{}, err
	}
	return e.report("", slots, nil), nil
}
