package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"sluice/internal/old/rollout"
	"sluice/stages"
	"sluice/stages/driver"
)

// prepare freezes the task's call. What a preflight read a moment ago serves
// once, where it is about the same call.
func (r *run) prepare(ctx context.Context, t *task) (driver.Prepared, error) {
	call := r.call(t)
	if fresh := t.slots[0].takeFresh(call, r.Now()); fresh != nil {
		fresh.Call.Key = call.Key
		return *fresh, nil
	}
	place, err := r.place(call.Changes[0].Target)
	if err != nil {
		return driver.Prepared{}, err
	}
	return retryReads(ctx, r.Engine, func(ctx context.Context) (driver.Prepared, error) { return place.Prepare(ctx, call) })
}

// freshness is how old a preflight's answer may be to serve the effect too:
// what a check or a wait came between is read again.
const freshness = 15 * time.Second

// takeFresh returns the preflight's answer if it is about exactly this call,
// and new.
func (s *slot) takeFresh(call driver.Call, now time.Time) *driver.Prepared {
	fresh := s.fresh
	s.fresh = nil
	if fresh == nil || fresh.Call.Kind != call.Kind || call.Changes[0].Options.Resolved || now.Sub(s.freshAt) > freshness {
		return nil
	}
	have := slices.Sorted(slices.Values(append(fresh.Call.Names(), fresh.Unchanged...)))
	if !slices.Equal(have, slices.Sorted(slices.Values(call.Names()))) {
		return nil
	}
	return fresh
}

// notPrepared decides about an effect that could not be prepared: what the
// platform refuses fails the job, what it did not answer is left for later.
func (r *run) notPrepared(t *task, err error) {
	for _, s := range t.slots {
		if mayPass(err) {
			s.err = err
			continue
		}
		s.active().FailEffectBecause(&s.record, s.dueOf(t), "", rollout.CauseOf(stages.CodeOf(err)), err.Error(), r.Now())
		s.dirty = true
	}
}

// heed acts on what Prepare found: a refused target's job fails, a foreign one
// asks, and the others of the batch are looked at again in the next round. It
// reports whether the effect may go out.
func (r *run) heed(t *task, p driver.Prepared) bool {
	clear := true
	for _, s := range t.slots {
		refused, foreign := r.verdicts(s, t, p)
		if len(refused)+len(foreign) == 0 {
			continue
		}
		clear, s.dirty = false, true
		if len(refused) > 0 {
			s.active().FailEffect(&s.record, s.dueOf(t), "", strings.Join(refused, "; "), r.Now())
			continue
		}
		s.active().Ask(&s.record, s.dueOf(t), p.Call.Key, p.Before[s.name()], strings.Join(foreign, "; "), r.Now())
	}
	return clear
}

// verdicts sorts what Prepare found about a target, or about none in
// particular, and passes warnings on.
func (r *run) verdicts(s *slot, t *task, p driver.Prepared) (refused, foreign []string) {
	for _, f := range p.Findings {
		if f.Target != s.name() && slices.ContainsFunc(t.slots, func(o *slot) bool { return o.name() == f.Target }) {
			continue
		}
		switch f.Severity {
		case driver.Refuse:
			refused = append(refused, findingText(f))
		case driver.Foreign:
			foreign = append(foreign, findingText(f))
		case driver.Warn:
			r.Observer.Warn(s.name(), findingText(f))
		}
	}
	return refused, foreign
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
		if !slices.Contains(p.Unchanged, s.name()) {
			continue
		}
		x, due := s.active(), s.dueOf(t)
		call := driver.Call{Key: x.CallKey(due), Kind: due.Kind, Changes: []driver.Change{x.Change(due)}}
		x.Unchanged(&s.record, due, call, p.Before[s.name()], r.Now())
		s.dirty = true
	}
}

// remaining lists the slots that the prepared call is about.
func remaining(t *task, p driver.Prepared) []*slot {
	names := p.Call.Names()
	return slices.DeleteFunc(slices.Clone(t.slots), func(s *slot) bool { return !slices.Contains(names, s.name()) })
}
