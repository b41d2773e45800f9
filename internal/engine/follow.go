package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"sluice/internal/store"
	"sluice/rollout"
	"sluice/stages"
	"sluice/stages/driver"
)

// poll is the pace at which this invocation follows one operation.
type poll struct {
	pace    *backoff.ExponentialBackOff
	hint    time.Duration
	waiting string // what the platform's own rollout was seen to wait for
	lost    int    // reads in a row that failed
}

// defaultBackoff fills what neither the target nor the platform says.
var defaultBackoff = driver.Backoff{Initial: 500 * time.Millisecond, Max: 30 * time.Second, Factor: 2}

// pace builds the polling pace of a target: its own, else the platform's.
func (r *run) pace(s *slot, x *rollout.Execution) *backoff.ExponentialBackOff {
	facts, _ := r.Stages.Facts(s.record.Platform)
	own := driver.Backoff{Initial: x.Spec.Poll.Initial.Std(), Max: x.Spec.Poll.Max.Std(), Factor: x.Spec.Poll.Factor}
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = first(own.Initial, facts.Backoff.Initial, defaultBackoff.Initial)
	b.MaxInterval = first(own.Max, facts.Backoff.Max, defaultBackoff.Max)
	b.Multiplier = first(own.Factor, facts.Backoff.Factor, defaultBackoff.Factor)
	b.RandomizationFactor = facts.Backoff.Jitter
	b.Reset()
	return b
}

// first is the first value that is set.
func first[T time.Duration | float64](values ...T) T {
	for _, v := range values {
		if v > 0 {
			return v
		}
	}
	return 0
}

// polled is the slot's pace for the call under way.
func (r *run) polling(s *slot, x *rollout.Execution, key string) *poll {
	if s.polled[key] == nil {
		s.polled[key] = &poll{pace: r.pace(s, x)}
	}
	return s.polled[key]
}

// follow waits for the next poll of an operation and takes what it says.
func (r *run) follow(ctx context.Context, t *task) {
	op, call, err := r.assemble(t)
	if err != nil {
		r.fail(t, err)
		return
	}
	s := t.slots[0]
	p := r.polling(s, s.active(), call.Key)
	wait := max(p.pace.NextBackOff(), p.hint)
	if r.Now().Add(wait).After(r.deadline()) {
		r.later(t, r.Now().Add(wait))
		return
	}
	r.sleep(ctx, wait)
	if ctx.Err() != nil {
		return
	}
	place, err := r.place(call.Changes[0].Target)
	if err != nil {
		r.fail(t, err)
		return
	}
	next, hint, err := place.Poll(ctx, op)
	if err != nil {
		r.pollFailed(ctx, t, p, err)
		return
	}
	p.hint, p.lost = hint, 0
	r.progressed(t, call.Key, op, next)
}

// assemble puts a call and its operation together from the records of its
// targets: each holds its own change and its own result.
func (r *run) assemble(t *task) (driver.Operation, driver.Call, error) {
	var call driver.Call
	var op driver.Operation
	for i, s := range t.slots {
		step, ok := s.active().OpenStep()
		if !ok {
			return op, call, fmt.Errorf("the state of %s lists no effect under way", s.name())
		}
		if i == 0 {
			call = step.Call
			call.Changes = nil
			if step.Operation != nil {
				op = *step.Operation
			}
			op.Results = map[string]driver.Result{}
		}
		call.Changes = append(call.Changes, step.Call.Changes...)
		if step.Operation != nil {
			op.Results[s.name()] = step.Operation.Results[s.name()]
		}
	}
	op.Call = call
	return op, call, nil
}

// later leaves the operation to a later invocation.
func (r *run) later(t *task, at time.Time) {
	for _, s := range t.slots {
		s.err = &pendingError{waiting: rollout.Waiting{Kind: rollout.WaitOperation, Until: at.UTC(), Command: "sluice reconcile"}}
	}
}

// pendingError ends a unit's work without a failure: it waits for longer than
// this invocation may.
type pendingError struct{ waiting rollout.Waiting }

func (e *pendingError) Error() string { return "waits for " + string(e.waiting.Kind) }

func (r *run) fail(t *task, err error) {
	for _, s := range t.slots {
		s.err = err
	}
}

// pollAttempts is how many reads in a row may fail before the operation is
// left to a later invocation.
const pollAttempts = 5

// pollFailed decides about a poll that gave no answer. The operation is not
// touched by it: only when the platform says that it is gone does it fail.
func (r *run) pollFailed(ctx context.Context, t *task, p *poll, err error) {
	if ctx.Err() != nil {
		return
	}
	switch stages.CodeOf(err) {
	case driver.Retryable, driver.Lost, driver.Unknown:
		p.lost++
		p.hint = retryAfter(err)
		if p.lost < pollAttempts {
			r.Observer.Progress(t.slots[0].name(), fmt.Sprintf("the platform did not answer (%v)", err))
			return
		}
		r.fail(t, err)
	default:
		for _, s := range t.slots {
			step, _ := s.active().OpenStep()
			s.active().FailEffect(&s.record, r.dueOf(s, t), step.Call.Key, err.Error(), r.Now())
			s.dirty = true
		}
	}
}

// progressed takes a poll's answer. The records change, and are saved, only
// where something happened.
func (r *run) progressed(t *task, key string, before, op driver.Operation) {
	for _, s := range t.slots {
		was, is := before.Results[s.name()], op.Results[s.name()]
		p := r.polling(t.slots[0], s.active(), key)
		p.waiting = is.Waiting
		if op.Progress != before.Progress || op.Status != before.Status {
			r.Observer.Progress(s.name(), progressText(op))
		}
		if was.Outcome == is.Outcome && !moved(s.active(), is) {
			r.remember(s, key, op)
			continue
		}
		r.take(s, key, op)
	}
}

// remember keeps an operation's progress in memory; it is saved with the next
// change that matters.
func (r *run) remember(s *slot, key string, op driver.Operation) {
	step, ok := s.active().OpenStep()
	if !ok || step.Call.Key != key || step.Operation == nil {
		return
	}
	kept := *step.Operation
	kept.Status, kept.Progress, kept.Data = op.Status, op.Progress, op.Data
	step.Operation = &kept
}

// moved reports whether a platform's own rollout changed since it was mirrored.
func moved(x *rollout.Execution, result driver.Result) bool {
	return len(result.Rollout) > 0 && x.Differs(result.Rollout)
}

func progressText(op driver.Operation) string {
	text := string(op.Status)
	if op.Progress > 0 {
		text += fmt.Sprintf(" %d%%", op.Progress)
	}
	if op.ID != "" {
		text = op.ID + ": " + text
	}
	return text
}

// remoteWait says that a platform's own rollout waits for a person, as last seen.
func (s *slot) remoteWait(r *run, due rollout.Due) (rollout.Waiting, bool) {
	x := s.execution(due)
	step, ok := x.OpenStep()
	if !ok {
		return rollout.Waiting{}, false
	}
	p := s.polled[step.Call.Key]
	if p == nil || p.waiting == "" {
		return rollout.Waiting{}, false
	}
	if p.waiting == "approval" {
		return rollout.Waiting{Kind: rollout.WaitApproval, Until: x.Deadline(), Command: "sluice approve --target " + s.name()}, true
	}
	return rollout.Waiting{Kind: rollout.WaitPerson, Until: x.Deadline(), Command: "sluice advance --target " + s.name()}, true
}

// confirm finds out what an effect did whose answer never reached a record.
func (r *run) confirm(ctx context.Context, t *task) {
	gone, err := r.missing(ctx, t)
	if err != nil {
		r.fail(t, err)
		return
	}
	if len(gone) > 0 {
		r.withdrawBatch(t, gone)
		return
	}
	_, call, err := r.assemble(t)
	if err != nil {
		r.fail(t, err)
		return
	}
	r.lookup(ctx, t, call, nil)
}

// missing lists the members of a batch whose records do not hold its intent:
// the call was then never sent.
func (r *run) missing(ctx context.Context, t *task) ([]string, error) {
	step, ok := t.slots[0].active().OpenStep()
	if !ok {
		return nil, nil
	}
	var keys []store.Key
	for _, name := range step.Members {
		if !slices.ContainsFunc(t.slots, func(s *slot) bool { return s.name() == name }) {
			keys = append(keys, store.Key{Pipeline: r.Pipeline.Name.Value, Target: name})
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	entries, err := r.Store.Load(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var gone []string
	for _, entry := range entries {
		intends, err := holdsIntent(entry, step.Call.Key)
		if err != nil {
			return nil, err
		}
		if !intends {
			gone = append(gone, entry.Key.Target)
		}
	}
	return gone, nil
}

// holdsIntent reports whether a stored record knows of a call.
func holdsIntent(entry store.Entry, key string) (bool, error) {
	if entry.Version == "" {
		return false, nil
	}
	other := slot{key: entry.Key}
	if err := other.decode(entry); err != nil {
		return false, err
	}
	for _, x := range other.record.Rollouts {
		if slices.ContainsFunc(x.Steps, func(s rollout.Step) bool { return s.Call.Key == key }) {
			return true, nil
		}
	}
	return false, nil
}

func (r *run) withdrawBatch(t *task, gone []string) {
	for _, s := range t.slots {
		step, _ := s.active().OpenStep()
		r.withdraw(s, step.Call.Key, fmt.Sprintf("never sent: the intent is not in the state of %v", gone))
	}
}

// lookup asks the platform what the call did until it can be said, and goes on
// from there. cause, where not nil, is why the answer is missing.
func (r *run) lookup(ctx context.Context, t *task, call driver.Call, cause error) {
	place, err := r.place(call.Changes[0].Target)
	if err != nil {
		r.fail(t, err)
		return
	}
	pace := r.pace(t.slots[0], t.slots[0].active())
	reading, done := outlive(ctx, answerTime)
	defer done()
	for {
		verdict, op, err := lookedUp(ctx, reading, place, call)
		if err != nil {
			r.fail(t, err)
			return
		}
		if verdict != driver.Undecided {
			r.verdict(ctx, t, call, verdict, op, cause)
			return
		}
		wait := pace.NextBackOff()
		if ctx.Err() != nil || r.Now().Add(wait).After(r.deadline()) {
			r.later(t, r.Now().Add(wait))
			return
		}
		r.sleep(ctx, wait)
	}
}

// answerOf is what a lookup found.
type answerOf struct {
	verdict driver.Verdict
	op      driver.Operation
}

// lookedUp looks once, again while the platform does not answer.
func lookedUp(ctx, reading context.Context, place *stages.Target, call driver.Call) (driver.Verdict, driver.Operation, error) {
	a, err := retryReads(ctx, func() (answerOf, error) {
		v, op, err := place.Lookup(reading, call)
		return answerOf{v, op}, err
	})
	return a.verdict, a.op, err
}

// sendAgain sends a call that provably had no effect. Its intent is dated anew
// first, so that a second lookup gives it time to settle too.
func (r *run) sendAgain(ctx context.Context, t *task, call driver.Call) {
	call.Intended = r.Now().UTC()
	for _, s := range t.slots {
		s.active().Intended(call.Key, call.Intended)
		s.dirty = true
	}
	if err := r.commit(ctx, t.slots...); err != nil {
		r.fail(t, err)
		return
	}
	r.send(ctx, t, call)
}

// verdict acts on what Lookup found out.
func (r *run) verdict(ctx context.Context, t *task, call driver.Call, v driver.Verdict, op driver.Operation, cause error) {
	switch v {
	case driver.Found:
		r.Observer.Progress(t.slots[0].name(), "it had taken effect")
		r.answered(ctx, t, call, op)
	case driver.Absent:
		if ctx.Err() != nil {
			return // the intent stays: the next invocation looks again
		}
		r.Observer.Progress(t.slots[0].name(), "it had not taken effect; sending it")
		r.sendAgain(ctx, t, call)
	default:
		for _, s := range t.slots {
			found := op.Results[s.name()].After
			message := "what stands on the target is neither what stood before nor what this effect makes"
			if problems := op.Results[s.name()].Errors; len(problems) > 0 {
				message += ": " + problems[0].String()
			}
			if cause != nil {
				message += fmt.Sprintf(" (%v)", cause)
			}
			s.active().Ask(&s.record, r.dueOf(s, t), call.Key, found, message, r.Now())
			s.dirty = true
		}
	}
}
