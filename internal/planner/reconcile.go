package planner

import (
	"sluice/internal/ledger"
	"sluice/pipeline"
	"sluice/rollout"
)

// CommandReconcile takes up whatever is due.
const CommandReconcile = "reconcile"

// Reconcile plans to go on with whatever is due now, or soon enough to be waited
// for. What waits for longer is not touched. state holds the other members of
// the promotions too.
func (p *Planner) Reconcile(state *ledger.State, targets []*pipeline.Target) Plan {
	plan := Plan{Command: CommandReconcile}
	groups := Groups(state)
	turned := p.turned(groups)
	for _, t := range targets {
		r := state.Records[t.Name.Value]
		if r == nil {
			continue
		}
		due, w := p.due(r, groupOf(groups, r))
		if due.Action == rollout.ActionIdle && !turned[t.Name.Value] {
			continue
		}
		m := Move{Target: t.Name.Value}
		if due.Action == rollout.ActionWait && !turned[t.Name.Value] {
			m.Pending = w
		}
		plan.Moves = append(plan.Moves, m)
	}
	return plan
}

// turned are the targets that another's fate makes something due for: to be taken
// back, or woken by the end of a wave.
func (p *Planner) turned(groups map[string]*rollout.Group) map[string]bool {
	turned := map[string]bool{}
	for _, g := range groups {
		for _, a := range g.React(p.Work.Now()).Do {
			turned[a.Target] = true
		}
	}
	return turned
}

// Groups are the promotions of a state with their members.
func Groups(state *ledger.State) map[string]*rollout.Group {
	groups := make(map[string]*rollout.Group, len(state.Promotions))
	for id, promotion := range state.Promotions {
		entry := promotion.Clone()
		groups[id] = rollout.NewGroup(&entry, state.Records)
	}
	return groups
}

func groupOf(groups map[string]*rollout.Group, r *rollout.Record) *rollout.Group {
	active, ok := r.Active()
	if !ok {
		return nil
	}
	return groups[active.Spec.Promotion]
}

// due is what is to be done next on a target, without changing its record. An
// order, and what time brought, are due at once.
func (p *Planner) due(r *rollout.Record, g *rollout.Group) (rollout.Due, *rollout.Waiting) {
	now := p.Work.Now()
	copied := r.Clone()
	if len(r.Orders) > 0 || rollout.Settle(&copied, g, p.Setting, now) {
		return rollout.Due{Action: rollout.ActionConfirm}, nil
	}
	due := rollout.Next(&copied, g, p.Setting, now)
	if due.Action != rollout.ActionWait || p.inline(due.Waiting) {
		if due.Action == rollout.ActionWait {
			due.Action = rollout.ActionFollow
		}
		return due, nil
	}
	w := due.Waiting
	return due, &w
}

// inline reports whether a wait is over soon enough to be waited for.
func (p *Planner) inline(w rollout.Waiting) bool {
	now := p.Work.Now()
	byItself := w.Kind == rollout.WaitBake || w.Kind == rollout.WaitPolicy || w.Kind == rollout.WaitWave
	return byItself && !w.Until.IsZero() && !w.Deadline && w.Until.Sub(now) <= p.Work.Inline && !w.Until.After(p.Work.Deadline())
}
