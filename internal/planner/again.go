package planner

import (
	"context"
	"slices"

	"sluice/internal/ledger"
	"sluice/pipeline"
	"sluice/rollout"
)

// again plans to go on with a promotion that an earlier attempt of the same step
// began: what is open goes on, what was never saved is planned, and a higher
// attempt of the run tries again what failed.
func (p *Planner) again(ctx context.Context, state *ledger.State, known *rollout.Promotion, req Promotion) (Plan, error) {
	plan := Plan{Command: rollout.CommandPromote, Promotion: known.Clone(), Again: true}
	missing := slices.DeleteFunc(slices.Clone(req.Targets), func(t *pipeline.Target) bool {
		return !p.neverSaved(state, known, t)
	})
	drafts := p.drafts(state, req, missing)
	if err := p.fill(ctx, state, req, drafts); err != nil {
		return Plan{}, err
	}
	planned := map[string]*draft{}
	for _, d := range drafts {
		planned[d.name()] = d
	}
	for _, t := range req.Targets {
		if d := planned[t.Name.Value]; d != nil {
			plan.add(d)
			continue
		}
		plan.goOn(p, state, known, t)
	}
	return plan, nil
}

// neverSaved reports whether a member has no part in its promotion yet.
func (p *Planner) neverSaved(state *ledger.State, known *rollout.Promotion, t *pipeline.Target) bool {
	name := t.Name.Value
	if !slices.Contains(known.Members, name) || slices.Contains(known.Unchanged, name) {
		return false
	}
	_, _, has := p.record(state, t).ShareOf(known.ID)
	return !has
}

// goOn goes on with a member's share, tries it again, or only reports it.
func (plan *Plan) goOn(p *Planner, state *ledger.State, known *rollout.Promotion, t *pipeline.Target) {
	r := p.record(state, t)
	m := Move{Target: t.Name.Value}
	status, _, has := r.ShareOf(known.ID)
	x, kept := r.Of(known.ID)
	switch {
	case !has:
		m.Unchanged = true
	case status != rollout.PromotionFailed || !kept || p.Attempt <= max(known.Attempt, x.Retried):
	default:
		retry := rollout.Retry{Rollout: x.Rollout.Name, Attempt: p.Attempt, By: p.Actor}
		if _, err := p.trial(r, retry); err != nil {
			plan.Refusals = append(plan.Refusals, refusalOf(m.Target, err))
			return
		}
		m.Do = []rollout.Transition{retry}
	}
	plan.Moves = append(plan.Moves, m)
}
