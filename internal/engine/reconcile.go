package engine

import (
	"context"
	"errors"

	"sluice/pipeline"
	"sluice/rollout"
)

// Reconcile takes up whatever is due on targets. What waits stays as it is,
// and what another run holds is left to it.
func (e *Engine) Reconcile(ctx context.Context, targets []*pipeline.Target) (rollout.Outcome, error) {
	slots, err := e.load(ctx, targets)
	if err != nil {
		return rollout.Outcome{}, err
	}
	var open, due []*slot
	for _, s := range slots {
		if _, ok := s.record.Active(); !ok {
			continue
		}
		open = append(open, s)
		if e.isDue(s) && e.takes(ctx, s) {
			due = append(due, s)
		}
	}
	if len(due) == 0 {
		return e.reconciled(open), nil
	}
	if err := e.commit(ctx, due...); err != nil {
		return e.reconciled(open), err
	}
	_, err = e.runAll(ctx, "", due)
	return e.reconciled(open), err
}

// takes acquires the target unless another run has it.
func (e *Engine) takes(ctx context.Context, s *slot) bool {
	err := e.acquire(ctx, []*slot{s})
	var held *HeldError
	if errors.As(err, &held) {
		e.Observer.Progress(s.name(), "left alone: "+held.Error())
		s.stopped = rollout.Waiting{Kind: rollout.WaitLock, Until: held.Lock.Until, By: held.Lock.Holder}
		return false
	}
	return err == nil
}

// isDue reports whether anything can be done for a target now, or soon enough
// to wait for it here.
func (e *Engine) isDue(s *slot) bool {
	trial := s.record.Clone()
	if rollout.Settle(&trial, e.Now()) {
		return true
	}
	due := rollout.Next(&trial, e.Now(), rollout.View{})
	switch due.Action {
	case rollout.ActionIdle:
		return false
	case rollout.ActionWait:
		until := due.Waiting.Until
		return !until.IsZero() && dueByItself(due.Waiting.Kind) && due.Waiting.Kind != rollout.WaitApproval && until.Sub(e.Now()) <= e.InlineWait
	default:
		return true
	}
}

// reconciled reports the rollouts that were unfinished when it began.
func (e *Engine) reconciled(slots []*slot) rollout.Outcome {
	out := e.report("", slots, nil)
	promotions := map[string]bool{}
	for _, t := range out.Targets {
		promotions[t.Promotion] = true
	}
	if len(promotions) == 1 {
		out.Promotion = out.Targets[0].Promotion
	}
	return out
}
