package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"sluice/rollout"
	"sluice/stages"
	"sluice/stages/driver"
)

// answerTime is how long a request under way may still take after the
// invocation was interrupted: an answer is worth more than a lookup.
const answerTime = 3 * time.Second

// effect prepares, saves and sends one effect for the targets of a task.
func (r *run) effect(ctx context.Context, t *task) {
	prepared, err := r.prepare(ctx, t)
	if err != nil {
		r.notPrepared(t, err)
		return
	}
	if !r.heed(t, prepared) {
		return
	}
	r.unchanged(t, prepared)
	t.slots = r.remaining(t, prepared)
	if len(t.slots) == 0 {
		return
	}
	call := prepared.Call
	call.Intended = r.Now().UTC()
	for _, s := range t.slots {
		x := s.execution(t.due)
		x.Intend(&s.record, r.dueOf(s, t), call, prepared.Before[s.name()], prepared.After[s.name()], r.Now())
		s.dirty = true
	}
	if err := r.commit(ctx, t.slots...); err != nil {
		r.withdrawSaved(ctx, t, call.Key, err)
		return
	}
	r.send(ctx, t, call)
}

// dueOf is the task's due with the slot's own rollout.
func (r *run) dueOf(s *slot, t *task) rollout.Due {
	due := t.due
	if active, ok := s.record.Active(); ok {
		due.Rollout = active.Rollout.Name
	}
	return due
}

// active is the slot's rollout at work.
func (s *slot) active() *rollout.Execution {
	e, ok := s.record.Active()
	if !ok {
		return nil
	}
	return e
}

// call builds the call of a task from its targets' plans.
func (r *run) call(t *task) driver.Call {
	call := driver.Call{Kind: t.due.Kind}
	for _, s := range t.slots {
		x := s.active()
		if call.Key == "" {
			call.Key = x.CallKey(t.due)
		}
		call.Changes = append(call.Changes, x.Change(t.due))
	}
	return call
}

// prepare freezes the task's call. What a preflight read a moment ago serves
// once, where it is about the same call.
func (r *run) prepare(ctx context.Context, t *task) (driver.Prepared, error) {
	call := r.call(t)
	if fresh := t.slots[0].takeFresh(call); fresh != nil {
		fresh.Call.Key = call.Key
		return *fresh, nil
	}
	place, err := r.place(call.Changes[0].Target)
	if err != nil {
		return driver.Prepared{}, err
	}
	return retryReads(ctx, func() (driver.Prepared, error) { return place.Prepare(ctx, call) })
}

// takeFresh returns the preflight's answer if it is about exactly this call.
func (s *slot) takeFresh(call driver.Call) *driver.Prepared {
	fresh := s.fresh
	s.fresh = nil
	if fresh == nil || fresh.Call.Kind != call.Kind || call.Changes[0].Options.Resolved {
		return nil
	}
	names := strings.Join(append(fresh.Call.Names(), fresh.Unchanged...), "\n")
	for _, name := range call.Names() {
		if !strings.Contains("\n"+names+"\n", "\n"+name+"\n") {
			return nil
		}
	}
	if len(fresh.Call.Changes)+len(fresh.Unchanged) != len(call.Changes) {
		return nil
	}
	return fresh
}

// readAttempts is how often a read is tried before its target is left for a
// later invocation.
const readAttempts = 4

// retryReads repeats a read while the platform may still answer. Effects never
// go through here.
func retryReads[T any](ctx context.Context, read func() (T, error)) (T, error) {
	return backoff.Retry(ctx, func() (T, error) {
		v, err := read()
		if err == nil {
			return v, nil
		}
		switch stages.CodeOf(err) {
		case driver.Retryable, driver.Lost, driver.Unknown:
			if after := retryAfter(err); after > 0 {
				return v, errors.Join(err, backoff.RetryAfter(int(after.Round(time.Second)/time.Second)))
			}
			return v, err
		default:
			return v, backoff.Permanent(err)
		}
	}, backoff.WithMaxTries(readAttempts), backoff.WithBackOff(quick()))
}

// quick is the pace of repeated requests that had no effect.
func quick() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = 250*time.Millisecond, 10*time.Second, 2
	return b
}

func retryAfter(err error) time.Duration {
	var e *stages.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// notPrepared decides about an effect that could not be prepared: what the
// platform refuses fails the job, what it did not answer is left for later.
func (r *run) notPrepared(t *task, err error) {
	for _, s := range t.slots {
		switch stages.CodeOf(err) {
		case driver.Denied, driver.Invalid, driver.NotFound, driver.Conflict, driver.Unsupported:
			s.active().FailEffect(&s.record, t.due, "", err.Error(), r.Now())
			s.dirty = true
		default:
			s.err = err
		}
	}
}

// heed acts on what Prepare found. It reports whether the effect may go out.
func (r *run) heed(t *task, p driver.Prepared) bool {
	refused := map[string][]string{}
	foreign := map[string]driver.Finding{}
	for _, f := range p.Findings {
		switch f.Severity {
		case driver.Refuse:
			refused[f.Target] = append(refused[f.Target], findingText(f))
		case driver.Foreign:
			foreign[f.Target] = f
		case driver.Warn:
			r.Observer.Warn(f.Target, findingText(f))
		}
	}
	if len(refused) == 0 && len(foreign) == 0 {
		return true
	}
	for _, s := range t.slots {
		r.stopAt(s, t, p, refused[s.name()], foreign[s.name()])
	}
	return false
}

// stopAt fails a refused target's job and asks about a foreign one. The
// others of the batch are looked at again in the next round.
func (r *run) stopAt(s *slot, t *task, p driver.Prepared, refused []string, foreign driver.Finding) {
	x := s.active()
	switch {
	case len(refused) > 0:
		x.FailEffect(&s.record, t.due, "", strings.Join(refused, "; "), r.Now())
		s.dirty = true
	case foreign.Message != "":
		x.Ask(&s.record, t.due, p.Call.Key, p.Before[s.name()], findingText(foreign), r.Now())
		s.dirty = true
	}
}

func findingText(f driver.Finding) string {
	if f.Remedy == "" {
		return f.Message
	}
	return f.Message + "; " + f.Remedy
}

// unchanged records the targets where nothing was left to do.
func (r *run) unchanged(t *task, p driver.Prepared) {
	for _, s := range t.slots {
		for _, name := range p.Unchanged {
			if name != s.name() {
				continue
			}
			call := driver.Call{Key: s.active().CallKey(t.due), Kind: t.due.Kind, Changes: []driver.Change{s.active().Change(t.due)}}
			s.active().Unchanged(&s.record, t.due, call, p.Before[name], r.Now())
			s.dirty = true
		}
	}
}

// remaining lists the slots that the prepared call is about.
func (r *run) remaining(t *task, p driver.Prepared) []*slot {
	var rest []*slot
	for _, s := range t.slots {
		for _, name := range p.Call.Names() {
			if name == s.name() {
				rest = append(rest, s)
			}
		}
	}
	return rest
}

// withdrawSaved takes an intent back that could not be saved everywhere: the
// call is not sent.
func (r *run) withdrawSaved(ctx context.Context, t *task, key string, cause error) {
	for _, s := range t.slots {
		if s.dirty {
			s.err = cause // never saved: the record in the store is as it was
			continue
		}
		r.withdraw(s, key, "the intent could not be saved for every target of the call")
		if err := r.commitAnyway(ctx, s); err != nil {
			s.err = err
		} else {
			s.err = cause
		}
	}
}

func (r *run) withdraw(s *slot, key, why string) {
	if x := s.active(); x != nil {
		x.Withdraw(&s.record, key, why, r.Now())
		s.dirty = true
	}
}

// send begins the effect, at most once unless provably nothing happened, and
// records the answer.
func (r *run) send(ctx context.Context, t *task, call driver.Call) {
	place, err := r.place(call.Changes[0].Target)
	if err != nil {
		r.refusedByPlatform(t, call.Key, err)
		return
	}
	sending, done := outlive(ctx, answerTime)
	defer done()
	op, err := r.begin(ctx, sending, place, call, t)
	switch {
	case err == nil:
		r.answered(ctx, t, call, op)
	case errors.Is(err, errNotSent):
		for _, s := range t.slots {
			r.withdraw(s, call.Key, "interrupted before it was sent")
		}
	default:
		r.noAnswer(ctx, t, call, err)
	}
}

// errNotSent means that an effect was provably not sent, and will not be.
var errNotSent = errors.New("not sent")

// begin sends the call, again only while the platform provably did nothing.
// Once ctx has ended nothing is sent any more.
func (r *run) begin(ctx, sending context.Context, place *stages.Target, call driver.Call, t *task) (driver.Operation, error) {
	pace := quick()
	for {
		if ctx.Err() != nil {
			return driver.Operation{}, errNotSent
		}
		for _, s := range t.slots {
			s.sent = true
		}
		op, err := place.Begin(sending, call)
		if err == nil || stages.CodeOf(err) != driver.Retryable {
			return op, err
		}
		wait := max(retryAfter(err), pace.NextBackOff())
		if r.Now().Add(wait).After(r.deadline()) {
			return op, fmt.Errorf("given up after %s: %w", r.WaitBudget, err)
		}
		r.Observer.Progress(t.slots[0].name(), fmt.Sprintf("%v; again in %s", err, wait.Round(time.Millisecond)))
		r.sleep(ctx, wait)
	}
}

// noAnswer decides about an effect whose sending ended in an error.
func (r *run) noAnswer(ctx context.Context, t *task, call driver.Call, err error) {
	switch stages.CodeOf(err) {
	case driver.Lost, driver.Unknown:
		r.Observer.Progress(t.slots[0].name(), fmt.Sprintf("no clear answer (%v); looking it up", err))
		r.lookup(ctx, t, call, err)
	case driver.Retryable:
		for _, s := range t.slots {
			r.withdraw(s, call.Key, err.Error())
			s.err = err
		}
	default:
		r.refusedByPlatform(t, call.Key, err)
	}
}

func (r *run) refusedByPlatform(t *task, key string, err error) {
	for _, s := range t.slots {
		s.active().FailEffect(&s.record, r.dueOf(s, t), key, err.Error(), r.Now())
		s.dirty = true
	}
}

// answered records what the platform answered.
func (r *run) answered(ctx context.Context, t *task, call driver.Call, op driver.Operation) {
	for _, s := range t.slots {
		r.take(s, call.Key, op)
	}
	_ = ctx
}

// take puts an operation's progress into the slot's record.
func (r *run) take(s *slot, key string, op driver.Operation) {
	x := s.active()
	if x == nil {
		return
	}
	before := x.Rollout.State
	x.Begun(&s.record, key, op, r.Now())
	s.dirty = true
	r.show(s, op)
	if after := x.Rollout.State; after != before && x.Spec.Remote {
		r.Observer.Progress(s.name(), fmt.Sprintf("rollout %s is %s", x.Rollout.Name, after))
	}
}

// show passes on what the platform says beside the result.
func (r *run) show(s *slot, op driver.Operation) {
	for _, w := range op.Warnings {
		r.Observer.Warn(s.name(), w.String())
	}
	if result, ok := op.Results[s.name()]; ok && result.Log != "" {
		r.Observer.Log(s.name(), "output of "+s.record.Platform, result.Log)
	}
}

// outlive is a context that ends only some time after ctx did, so that a
// request under way can still be answered.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var timer *time.Timer
	stop := context.AfterFunc(ctx, func() { timer = time.AfterFunc(grace, cancel) })
	return longer, func() {
		if !stop() && timer != nil {
			timer.Stop()
		}
		cancel()
	}
}
