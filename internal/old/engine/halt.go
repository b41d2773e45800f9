package engine

import (
	"context"
	"errors"
	"slices"

	"sluice/internal/old/rollout"
	"sluice/internal/store"
)

// What a stage does when one of its targets fails.
const (
	haltOnFailure     = "halt"
	rollBackOnFailure = "rollback"
)

// failures says of which promotions which targets failed.
type failures map[string]map[string]failure

// failure is how a target's share of a promotion stands.
type failure struct {
	failed bool
	past   bool // nobody can retry or ignore it: a later rollout went to work there, or no job of it failed
}

// note takes over what a record says; a rollout taken up again takes back that
// it failed.
func (f failures) note(s *slot) {
	for i, x := range s.record.Rollouts {
		if x.Spec.Command == CommandRollback {
			continue
		}
		id := x.Spec.Promotion
		if f[id] == nil {
			f[id] = map[string]failure{}
		}
		f[id][s.name()] = failure{
			failed: x.Rollout.State == rollout.StateFailed,
			past:   !jobFailed(x) || slices.ContainsFunc(s.record.Rollouts[i+1:], func(later rollout.Execution) bool { return len(later.Steps) > 0 }),
		}
	}
}

// jobFailed reports whether a job of the rollout is FAILED: a rollout fails
// without one where putting traffic back failed.
func jobFailed(x rollout.Execution) bool {
	return slices.ContainsFunc(x.Rollout.Phases, func(p rollout.Phase) bool {
		return slices.ContainsFunc(p.Jobs(), func(j *rollout.Job) bool { return j.State == rollout.JobFailed })
	})
}

func (r *run) noteFailure(s *slot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures.note(s)
}

// halted names a target of the same promotion whose failure halts s. past says
// that nobody can retry or ignore that failure any more.
func (r *run) halted(s *slot) (by string, past bool) {
	active, ok := s.record.Active()
	if !ok || active.Spec.OnFailure != haltOnFailure || active.Spec.Command == CommandRollback {
		return "", false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, member := range active.Spec.Members {
		if f := r.failures[active.Spec.Promotion][member]; member != s.name() && f.failed {
			return member, f.past
		}
	}
	return "", false
}

// beside reads the other targets of those promotions of slots in which one
// target's failure concerns the others: action is what the stage does then.
// They are only looked at.
func (e *Engine) beside(ctx context.Context, slots []*slot, action string) ([]*slot, error) {
	var keys []store.Key
	for _, s := range slots {
		for _, x := range s.record.Rollouts {
			over := x.Over() && action == haltOnFailure // nothing is left to be halted
			if x.Spec.OnFailure == action && x.Spec.Command != CommandRollback && !over {
				keys = e.addMembers(keys, x.Spec.Members, slots)
			}
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	entries, err := e.Store.Load(ctx, keys...)
	if err != nil {
		return nil, err
	}
	return e.found(entries)
}

// found makes slots of those entries that were ever written.
func (e *Engine) found(entries []store.Entry) ([]*slot, error) {
	var slots []*slot
	for _, entry := range entries {
		if entry.Version == "" {
			continue
		}
		s := &slot{key: entry.Key, version: entry.Version, polled: map[string]*poll{}}
		if err := s.decode(entry); err != nil {
			return nil, err
		}
		if t, err := e.Pipeline.Target(s.name()); err == nil {
			s.declared = t
		}
		slots = append(slots, s)
	}
	return slots, nil
}

// addMembers adds the keys of members that slots do not include.
func (e *Engine) addMembers(keys []store.Key, members []string, slots []*slot) []store.Key {
	for _, name := range members {
		key := store.Key{Pipeline: e.Pipeline.Name.Value, Target: name}
		if !slices.Contains(keys, key) && !slices.ContainsFunc(slots, func(s *slot) bool { return s.key == key }) {
			keys = append(keys, key)
		}
	}
	return keys
}

// rollBackFailed rolls the targets of a promotion back where one of them
// failed and the stage says onFailure: rollback; those that had not begun do
// not begin. Targets that another run works on are left to it: it comes here
// too, and so does every reconcile. It lists the targets that it turned back.
func (e *Engine) rollBackFailed(ctx context.Context, slots []*slot) ([]*slot, error) {
	if ctx.Err() != nil {
		return nil, nil // never by a cancellation
	}
	others, err := e.beside(ctx, slots, rollBackOnFailure)
	if err != nil {
		return nil, err
	}
	all := append(slices.Clone(slots), others...)
	failed := failures{}
	for _, s := range all {
		failed.note(s)
	}
	var back []*slot
	for _, s := range all {
		turned, err := e.turnFailed(ctx, s, failed)
		if err != nil {
			return nil, err
		}
		if turned {
			back = append(back, s)
		}
	}
	if len(back) == 0 {
		return nil, nil
	}
	if err := e.claim(ctx, back, nil); err != nil {
		return nil, err
	}
	if err := e.work(ctx, back); err != nil {
		return back, err
	}
	return back, e.trouble(ctx, back)
}

// turnFailed turns a target back whose promotion failed, elsewhere or there.
func (e *Engine) turnFailed(ctx context.Context, s *slot, failed failures) (bool, error) {
	x := failedShare(s, failed)
	if x == nil || s.err != nil || s.declared == nil {
		return false, nil
	}
	back, err := s.record.RolledBack(x.Spec.Promotion)
	begun := err == nil && back.Rollout.Name == x.Rollout.Name
	if !begun && (x.Touched() || x.Over()) {
		return false, nil // nothing to go back to, or something newer stands there
	}
	var held *HeldError
	if err := e.free(ctx, s, e.Now()); errors.As(err, &held) {
		e.Observer.Warn(s.name(), "it is to be rolled back, which is left to the run that holds it: "+held.Error())
		return false, nil
	}
	s.dirty = true
	if !begun {
		e.Observer.Progress(s.name(), "not begun: a target of the promotion failed and the stage says onFailure: rollback")
		return true, x.Cancel(&s.record, e.Actor.Login, e.Now())
	}
	e.Observer.Progress(s.name(), "rolling back: a target of the promotion failed and the stage says onFailure: rollback")
	spec := e.baseSpec(s.declared)
	spec.Approval, spec.Promotion, spec.Members = nil, x.Spec.Promotion, x.Spec.Members
	_, err = rollout.Rollback(&s.record, x.Rollout.Name, spec, e.Now())
	return true, err
}

// failedShare is the target's rollout in a promotion that failed somewhere and
// is to be rolled back; nil where there is none.
func failedShare(s *slot, failed failures) *rollout.Execution {
	for i := range slices.Backward(s.record.Rollouts) {
		x := &s.record.Rollouts[i]
		if x.Spec.OnFailure != rollBackOnFailure || x.Spec.Command == CommandRollback {
			continue
		}
		if slices.ContainsFunc(x.Spec.Members, func(m string) bool { return failed[x.Spec.Promotion][m].failed }) {
			return x
		}
	}
	return nil
}
