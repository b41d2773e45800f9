package engine

import (
	"context"
	"errors"
	"slices"

	"sluice/internal/old/rollout"
	"sluice/internal/store"
	"sluice/pipeline"
)

// Reconcile takes up whatever is due on targets. What waits stays as it is,
// and what another run holds is left to it.
func (e *Engine) Reconcile(ctx context.Context, targets []*pipeline.Target) (rollout.Outcome, error) {
	slots, err := e.load(ctx, targets)
	if err != nil {
		return rollout.Outcome{}, err
	}
	open := slices.DeleteFunc(slices.Clone(slots), func(s *slot) bool { return s.active() == nil })
	beside, err := e.beside(ctx, slots, haltOnFailure)
	if err != nil {
		return rollout.Outcome{}, err
	}
	look := e.newRun(slots, beside)
	due := slices.DeleteFunc(slices.Clone(open), func(s *slot) bool { return !look.isDue(ctx, s) })
	due = look.moving(ctx, due)
	if due, err = e.claimEach(ctx, due); err != nil {
		return e.reconciled(ctx, open), err
	}
	if len(due) > 0 {
		if err := e.work(ctx, due); err != nil {
			return e.reconciled(ctx, open), err
		}
	}
	back, err := e.rollBackFailed(ctx, slots)
	if err == nil {
		err = e.trouble(ctx, due)
	}
	for _, s := range back {
		if !slices.Contains(open, s) {
			open = append(open, s)
		}
	}
	return e.reconciled(ctx, open), err
}

// isDue reports whether anything can be done for a target now, or soon enough
// to wait for it here. It changes nothing.
func (r *run) isDue(ctx context.Context, s *slot) bool {
	trial := &slot{declared: s.declared, key: s.key, record: s.record.Clone(), polled: s.polled}
	if rollout.Settle(&trial.record, r.Now()) {
		return true
	}
	due := r.next(trial)
	switch due.Action {
	case rollout.ActionIdle:
		return false
	case rollout.ActionWait:
		s.stopped = due.Waiting
		return r.inline(ctx, due.Waiting)
	default:
		return true
	}
}

// claimEach makes those slots ours that nobody else has, and leaves the others
// alone.
func (e *Engine) claimEach(ctx context.Context, slots []*slot) ([]*slot, error) {
	var mine []*slot
	for _, s := range slots {
		if err := e.acquire(ctx, []*slot{s}); err != nil {
			e.leaveAlone(s, err)
			continue
		}
		mine = append(mine, s)
	}
	for {
		err := e.commit(ctx, mine...)
		if err == nil {
			return mine, nil
		}
		if !store.IsConflict(err) {
			e.letGo(ctx, mine, make([]rollout.Record, len(mine)))
			return nil, err
		}
		blame(mine, err)
		mine = slices.DeleteFunc(mine, func(s *slot) bool {
			if s.err != nil {
				e.leaveAlone(s, e.winner(ctx, []*slot{s}, s.err))
				s.err = nil
				return true
			}
			return false
		})
	}
}

// leaveAlone says that another run works on a target.
func (e *Engine) leaveAlone(s *slot, why error) {
	e.Observer.Progress(s.name(), "left alone: "+why.Error())
	s.stopped = rollout.Waiting{Kind: rollout.WaitLock, Command: "sluice reconcile"}
	var held *HeldError
	if errors.As(why, &held) {
		s.stopped.Until, s.stopped.By = held.Lock.Until, held.Lock.Holder
	}
}

// reconciled reports the rollouts that were unfinished when it began.
func (e *Engine) reconciled(ctx context.Context, slots []*slot) rollout.Outcome {
	out := e.report(ctx, "", slots, nil)
	promotions := map[string]bool{}
	for _, t := range out.Targets {
		promotions[t.Promotion] = true
	}
	if len(promotions) == 1 {
		out.Promotion = out.Targets[0].Promotion
	}
	return out
}
