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
	req.Members = plan.Promotion.Members
	members, unchanged := setOf(known.Members), setOf(known.Unchanged)
	missing := slices.DeleteFunc(slices.Clone(req.Targets), func(t *pipeline.Target) bool {
		name := t.Name.Value
		_, _, has := p.declared.record(state, t).ShareOf(known.ID)
		return has || !members[name] || unchanged[name]
	})
	drafts := p.declared.drafts(state, req, missing)
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
			if d.unchanged && d.open() {
				plan.Promotion.Unchanged = append(plan.Promotion.Unchanged, d.name())
			}
			continue
		}
		p.goOn(&plan, state, known, t, unchanged[t.Name.Value])
	}
	return plan, nil
}

// goOn goes on with a member's share, tries it again, or only reports it. What
// another promotion brought there when this one was planned goes on too.
func (p *Planner) goOn(plan *Plan, state *ledger.State, known *rollout.Promotion, t *pipeline.Target, unchanged bool) {
	r := p.declared.record(state, t)
	m := Move{Target: t.Name.Value}
	status, _, has := r.ShareOf(known.ID)
	switch x, _ := r.Of(known.ID); {
	case !has:
		m.Unchanged = unchanged || !r.Unfinished()
	case status == rollout.PromotionPending && x != nil:
		if voters, _ := p.reviews(t); len(voters) > 0 {
			m.Do = []rollout.Transition{rollout.Reviewed{Rollout: x.Rollout.Name, Voters: voters, Optional: true}}
		}
	case status == rollout.PromotionFailed:
		refusals := p.retry(r, known, &m)
		plan.Refusals = append(plan.Refusals, refusals...)
		if len(refusals) > 0 {
			return
		}
	}
	plan.Moves = append(plan.Moves, m)
}

// retry tries again what failed, where this is a higher attempt of the run than
// those that tried before.
func (p *Planner) retry(r *rollout.Record, known *rollout.Promotion, m *Move) []Refusal {
	x, kept := r.Of(known.ID)
	if !kept || p.Attempt <= max(known.Attempt, x.Retried) {
		return nil
	}
	retry := rollout.Retry{Rollout: x.Rollout.Name, Attempt: p.Attempt, By: p.Actor}
	_, err := p.admission.trial(r, retry)
	q := rollout.Question{
		Intention: rollout.ToRetryJob, Release: x.Spec.Release.ID, Person: p.Actor.Person,
		Overrides: slices.Concat(p.Actor.Overrides, x.Spec.Overrides),
	}
	if err := p.admission.refusedBy(r, q, err); err != nil {
		return []Refusal{refusalOf(m.Target, err)}
	}
	m.Do = []rollout.Transition{retry}
	return nil
}
