package engine

import (
	"context"
	"slices"

	"sluice/internal/old/rollout"
)

// A re-run of the same step of the same job finds the promotion of the earlier
// attempt by its id. Where that is over, it is reported and nothing is changed.
// Where it is not, its open shares are resumed, and targets that the earlier
// attempt did not get to save are taken up now.

// shares are a promotion's targets by what an earlier attempt made of them.
type shares struct {
	open    []*slot // not over
	missing []*slot // members without a share: never saved
}

// sharesOf sorts targets by their share of a promotion.
func sharesOf(id string, slots []*slot) shares {
	var members []string
	for _, s := range slots {
		if p, ok := s.record.Promotion(id); ok {
			members = append(members, p.Members...)
		}
	}
	var found shares
	for _, s := range slots {
		p, ok := s.record.Promotion(id)
		switch {
		case ok && p.Status == rollout.PromotionPending:
			found.open = append(found.open, s)
		case !ok && slices.Contains(members, s.name()):
			found.missing = append(found.missing, s)
		}
	}
	return found
}

// known reports whether a record has a share of the promotion.
func known(id string, slots []*slot) bool {
	return slices.ContainsFunc(slots, func(s *slot) bool {
		_, ok := s.record.Promotion(id)
		return ok
	})
}

// again ends a re-run: it resumes what is open, if anything is, and reports the
// whole promotion.
func (e *Engine) again(ctx context.Context, id string, slots []*slot) (rollout.Outcome, error) {
	found := sharesOf(id, slots)
	if len(found.open) == 0 {
		return e.reportAgain(ctx, id, slots, found), nil
	}
	e.resuming()
	if _, err := e.resume(ctx, id, found.open); err != nil {
		return e.reportAgain(ctx, id, slots, found), err
	}
	return e.reportAgain(ctx, id, slots, found), nil
}

func (e *Engine) resuming() {
	e.Observer.Progress("", "this was begun by an earlier attempt of the same job; resuming it")
}

// resume runs what is due on slots whose rollouts exist.
func (e *Engine) resume(ctx context.Context, id string, slots []*slot) (rollout.Outcome, error) {
	if err := e.claim(ctx, slots, nil); err != nil {
		return rollout.Outcome{}, err
	}
	return e.runAll(ctx, id, slots)
}

// reportAgain reports a promotion that exists. A target without a share of it
// had nothing left to do, unless it is one of those that were never saved.
func (e *Engine) reportAgain(ctx context.Context, id string, slots []*slot, found shares) rollout.Outcome {
	out := e.report(ctx, id, slots, nil)
	for i, s := range slots {
		if _, ok := s.record.Promotion(id); ok {
			continue
		}
		o := rollout.OutcomeOf(&s.record, nil)
		o.Stage, o.Component, o.Unchanged = out.Targets[i].Stage, out.Targets[i].Component, true
		if slices.Contains(found.missing, s) {
			o.Status, o.Unchanged = rollout.PromotionFailed, false
			o.ErrorMessage = "the promotion was never saved for this target; promote it again"
		}
		out.Targets[i] = o
	}
	e.sum(&out)
	return out
}
