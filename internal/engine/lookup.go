package engine

import (
	"context"
	"fmt"
	"slices"

	"sluice/internal/store"
	"sluice/rollout"
	"sluice/stages"
	"sluice/stages/driver"
)

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
