package engine

import (
	"context"
	"strings"

	"sluice/stages"
	"sluice/stages/driver"
)

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
