package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"sluice/internal/guard"
	"sluice/rollout"
)

// runAll runs what is due on slots, then what failures bring about, and sums up.
func (e *Engine) runAll(ctx context.Context, id string, slots []*slot) (rollout.Outcome, error) {
	err := e.work(ctx, slots)
	if err == nil {
		_, err = e.rollBackFailed(ctx, slots)
	}
	if err == nil {
		err = e.trouble(ctx, slots)
	}
	return e.report(ctx, id, slots, nil), err
}

// work runs what is due on slots that are ours.
func (e *Engine) work(ctx context.Context, slots []*slot) error {
	for _, s := range slots {
		if x, ok := s.record.Active(); ok && e.changed(x) {
			e.Observer.Warn(s.name(), "the pipeline file has changed since "+x.Rollout.Name+" was created; it goes on with the phases it started with")
		}
	}
	beside, err := e.beside(ctx, slots, haltOnFailure)
	if err != nil {
		e.newRun(slots, nil).leave(ctx, slots)
		return err
	}
	e.newRun(slots, beside).run(ctx, e.units(slots))
	return nil
}

// units groups slots that may share calls: the same platform allows batches,
// and they have the same source. All others run on their own.
func (e *Engine) units(slots []*slot) [][]*slot {
	var units [][]*slot
	byKey := map[string]int{}
	for _, s := range slots {
		key := e.unitKey(s)
		if at, ok := byKey[key]; ok && key != "" {
			units[at] = append(units[at], s)
			continue
		}
		byKey[key] = len(units)
		units = append(units, []*slot{s})
	}
	return units
}

func (e *Engine) unitKey(s *slot) string {
	facts, _ := e.Stages.Facts(s.record.Platform)
	x, ok := s.record.Active()
	if !ok || facts.BatchSize() == 1 || x.Spec.Source == nil {
		return ""
	}
	return s.record.Platform + "\n" + x.Spec.Source.Name + "\n" + x.Spec.Release.ID + "\n" + x.Spec.Promotion
}

// trouble is what kept this invocation from doing its work: an interruption, a
// lost target, state that could not be saved, a mistake of ours. A platform's trouble stands in
// the targets.
func (e *Engine) trouble(ctx context.Context, slots []*slot) error {
	for _, s := range slots {
		if s.err != nil && (lost(s.err) || isStore(s.err) || guard.IsMistake(s.err)) {
			return s.err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// report sums slots up for a promotion. journeys, where there are, tell which
// targets had nothing left to do.
func (e *Engine) report(ctx context.Context, id string, slots []*slot, journeys []*journey) rollout.Outcome {
	out := rollout.Outcome{Promotion: id, Targets: make([]rollout.TargetOutcome, 0, len(slots))}
	for _, s := range slots {
		out.Targets = append(out.Targets, e.target(id, s, journeyOf(journeys, s)))
	}
	e.sum(&out)
	if ctx.Err() != nil {
		out.Status = rollout.StatusInterrupted
	}
	return out
}

func journeyOf(journeys []*journey, s *slot) *journey {
	if i := slices.IndexFunc(journeys, func(j *journey) bool { return j.slot == s }); i >= 0 {
		return journeys[i]
	}
	return nil
}

// sum derives what a whole outcome says from its targets.
func (e *Engine) sum(out *rollout.Outcome) {
	out.Status = rollout.Sum(out.Targets)
	for i, t := range out.Targets {
		if i == 0 {
			out.Release = t.Release
		} else if out.Release != t.Release {
			out.Release = ""
		}
		if w := t.WaitingFor; w != nil && !w.Until.IsZero() && dueByItself(w.Kind) && (out.Next.IsZero() || w.Until.Before(out.Next)) {
			out.Next = w.Until
		}
	}
	if out.Status == rollout.StatusUnchanged && !slices.ContainsFunc(out.Targets, func(t rollout.TargetOutcome) bool { return t.Promotion != "" }) {
		out.Promotion = ""
	}
}

// dueByItself reports whether a wait ends without a person.
func dueByItself(k rollout.WaitKind) bool {
	switch k {
	case rollout.WaitBake, rollout.WaitPolicy, rollout.WaitOperation, rollout.WaitPlatform, rollout.WaitApproval:
		return true
	default:
		return false
	}
}

// target is one target's outcome: of its rollout in the promotion, else of
// what is at work there, else of the newest.
func (e *Engine) target(id string, s *slot, j *journey) rollout.TargetOutcome {
	x := s.rolloutOf(id)
	if j != nil && j.unchanged {
		x = nil
	}
	o := rollout.OutcomeOf(&s.record, x)
	if s.declared != nil {
		o.Component = s.declared.Component.Value
		o.Stage = s.declared.Stage.Name.Value
	}
	if j != nil && j.unchanged {
		o.Unchanged, o.Release = true, j.spec.Release.ID
	}
	e.addWait(&o, s, x)
	e.addError(&o, s)
	return o
}

func (s *slot) rolloutOf(id string) *rollout.Execution {
	if p, ok := s.record.Promotion(id); ok && p.Rollout != "" {
		if x, ok := s.record.Rollout(p.Rollout); ok {
			return x
		}
	}
	if x, ok := s.record.Active(); ok {
		return x
	}
	x, _ := s.record.Newest()
	return x
}

// addWait says what an unfinished rollout waits for.
func (e *Engine) addWait(o *rollout.TargetOutcome, s *slot, x *rollout.Execution) {
	if x == nil || x.Over() {
		return
	}
	active, _ := s.record.Active()
	if active.Rollout.Name != x.Rollout.Name {
		o.WaitingFor = &rollout.Waiting{Kind: rollout.WaitQueue, By: active.Rollout.Name}
		return
	}
	w := s.stopped
	var pending *pendingError
	if errors.As(s.err, &pending) {
		w = pending.waiting
	}
	if w.Kind == "" {
		w = e.waitOf(s)
	}
	if w.Kind != "" {
		o.WaitingFor = &w
	}
}

// waitOf is what a record that nobody works on waits for.
func (e *Engine) waitOf(s *slot) rollout.Waiting {
	switch due := rollout.Next(&s.record, e.Now(), rollout.View{}); due.Action {
	case rollout.ActionWait:
		return due.Waiting
	case rollout.ActionIdle:
		return rollout.Waiting{}
	case rollout.ActionFollow, rollout.ActionConfirm:
		if w, ok := s.active().Awaits(&s.record); ok {
			return w
		}
		return rollout.Waiting{Kind: rollout.WaitOperation, Command: "sluice reconcile"}
	default:
		return rollout.Waiting{Kind: rollout.WaitBake, Until: e.Now().UTC().Truncate(time.Second), Command: "sluice reconcile"}
	}
}

// addError says why this invocation stopped at the target.
func (e *Engine) addError(o *rollout.TargetOutcome, s *slot) {
	var pending *pendingError
	if s.err == nil || errors.As(s.err, &pending) {
		return
	}
	o.Status = rollout.PromotionFailed
	if o.ErrorMessage != "" {
		o.ErrorMessage += "; "
	}
	o.ErrorMessage += s.err.Error()
}
