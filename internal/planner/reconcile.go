package planner

import (
	"time"

	"sluice/internal/ledger"
	"sluice/internal/work"
	"sluice/pipeline"
	"sluice/rollout"
)

// CommandReconcile takes up whatever is due.
const CommandReconcile = "reconcile"

// Reconcile plans to go on with whatever is due now, or soon enough to be waited
// for. What waits for longer is not touched. state holds the other members of
// the promotions too.
func (p *Planner) Reconcile(state *ledger.State, targets []*pipeline.Target) Plan {
	plan := Plan{Command: CommandReconcile, LeavesHeld: true}
	groups := Groups(state)
	turns := turned(groups, p.Work.Now())
	atWork := map[*rollout.Group]bool{}
	for _, t := range targets {
		r := state.Records[t.Name.Value]
		if r == nil {
			continue
		}
		if do := gone(state, r, p.Actor); do != nil {
			plan.Moves = append(plan.Moves, Move{Target: t.Name.Value, Do: do})
			continue
		}
		if do := p.Rules().due(r); do != nil {
			plan.Moves = append(plan.Moves, Move{Target: t.Name.Value, Do: do})
			continue
		}
		g := groupOf(groups, r)
		w, idle := due(r, g, p.Setting, p.Work)
		if turns[t.Name.Value] {
			w, idle = nil, false
		}
		if !idle {
			plan.Moves = append(plan.Moves, Move{Target: t.Name.Value, Pending: w})
			atWork[g] = atWork[g] || w == nil
		}
	}
	for i := range plan.Moves {
		m := &plan.Moves[i]
		if m.Pending != nil && forOthers(*m.Pending) && atWork[groupOf(groups, state.Records[m.Target])] {
			m.Pending = nil // it goes on as soon as they have
		}
	}
	return plan
}

// forOthers reports whether a member waits for others of its promotion, which may
// come so far in this invocation.
func forOthers(w rollout.Waiting) bool {
	return w.Kind == rollout.WaitTargets || w.Kind == rollout.WaitCheck || w.Kind == rollout.WaitWave && w.Until.IsZero()
}

// turned are the targets that another's fate makes something due for: to be taken
// back, or to go on, where the promotion's entry does not say so yet.
func turned(groups map[string]*rollout.Group, now time.Time) map[string]bool {
	turned := map[string]bool{}
	for _, g := range groups {
		reaction := g.React(now)
		for _, a := range reaction.Do {
			turned[a.Target] = true
		}
		if !reaction.Promotion {
			continue
		}
		for _, name := range reaction.Woken {
			turned[name] = true
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

// due says whether something is due on a target now, without changing its record:
// idle where nothing is unfinished, else what it waits for, nil where for nothing
// or not for long. An order, and what time brought, are due at once.
func due(r *rollout.Record, g *rollout.Group, setting rollout.Setting, work *work.Work) (w *rollout.Waiting, idle bool) {
	if len(r.Orders) > 0 {
		return nil, false
	}
	if !r.Unfinished() {
		return nil, true
	}
	now := work.Now()
	copied := r.Clone()
	if rollout.Settle(&copied, g, setting, now) {
		return nil, false
	}
	next := rollout.Next(&copied, g, setting, now)
	switch {
	case next.Action == rollout.ActionIdle:
		return nil, true
	case next.Action != rollout.ActionWait || inline(next.Waiting, work):
		return nil, false
	default:
		return &next.Waiting, false
	}
}

// inline reports whether a wait is over soon enough to be waited for.
func inline(w rollout.Waiting, work *work.Work) bool {
	now := work.Now()
	byItself := w.Kind == rollout.WaitBake || w.Kind == rollout.WaitPolicy || w.Kind == rollout.WaitWave || w.Kind == rollout.WaitSoak
	return byItself && !w.Until.IsZero() && w.Until.Sub(now) <= work.Inline && !w.Until.After(work.Deadline())
}
