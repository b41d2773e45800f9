package engine

import (
	"context"
	"fmt"
	"slices"

	"sluice/internal/old/rollout"
	"sluice/internal/store"
	"sluice/stages/driver"
)

// assemble puts a call and its operation together from the records of its
// targets: each holds its own change and its own result.
func assemble(t *task) (driver.Operation, driver.Call, error) {
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

// member is another target of a batch: its share of the call as its record in
// the store has it, nil where the record knows nothing of the call.
type member struct {
	name string
	step *rollout.Step
}

// others reads the shares of those members of a task's call that the task does
// not include: their records are only read.
func (r *run) others(ctx context.Context, t *task) ([]member, error) {
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
	members := make([]member, len(entries))
	for i, entry := range entries {
		if members[i], err = memberOf(entry, step.Call.Key); err != nil {
			return nil, err
		}
	}
	return members, nil
}

func memberOf(entry store.Entry, key string) (member, error) {
	m := member{name: entry.Key.Target}
	if entry.Version == "" {
		return m, nil
	}
	other := slot{key: entry.Key}
	if err := other.decode(entry); err != nil {
		return m, err
	}
	for _, x := range other.record.Rollouts {
		if i := slices.IndexFunc(x.Steps, func(s rollout.Step) bool { return s.Call.Key == key }); i >= 0 {
			m.step = &x.Steps[i]
		}
	}
	return m, nil
}

// neverSaved names the members whose records do not hold the intent, or took it
// back: they prove that the call was never sent. It names nobody where another
// member knows that the call was sent.
func neverSaved(members []member) []string {
	var gone []string
	for _, m := range members {
		switch {
		case m.step == nil || unsent(*m.step):
			gone = append(gone, m.name)
		case m.step.State != rollout.StepIntended:
			return nil
		}
	}
	return gone
}

// unsent reports whether an effect was taken back because it was provably never
// sent, or had no effect; a person's decision proves nothing.
func unsent(s rollout.Step) bool {
	return s.State == rollout.StepWithdrawn && s.Message != rollout.DecidedByPerson
}
