package planner

import (
	"slices"

	"sluice/internal/ledger"
	"sluice/pipeline"
	"sluice/rollout"
)

// CommandSkip leaves targets out of their promotion.
const CommandSkip = "skip"

// Skip plans to leave targets out of a promotion; "" means the one that each is
// in, or was in last. What waits for them goes on. The error is a [*RefusedError].
func (p *Planner) Skip(state *ledger.State, targets []*pipeline.Target, promotion string, skip rollout.Skip) (Plan, error) {
	plan := Plan{Command: CommandSkip}
	groups := Groups(state)
	for _, t := range targets {
		id := promotion
		if id == "" {
			id = lastPromotion(state.Records[t.Name.Value])
		}
		g := groups[id]
		if g == nil {
			plan.Refusals = append(plan.Refusals, refuse(t.Name.Value, "it is in no promotion that is not over", "`sluice status` shows what there is"))
			continue
		}
		one := skip
		one.Target = t.Name.Value
		if err := g.Skip(one); err != nil {
			plan.Refusals = append(plan.Refusals, refusalOf(t.Name.Value, err))
			continue
		}
		plan.Skips = append(plan.Skips, Skipped{Promotion: id, Skip: one})
	}
	if err := plan.Err(); err != nil {
		return plan, err
	}
	for _, t := range members(p.Pipeline, state, plan.Skips) {
		plan.Moves = append(plan.Moves, Move{Target: t})
	}
	return plan, nil
}

// LastPromotions are the promotions that targets are in, or were in last: of one that
// failed the record alone does not lead to them.
func LastPromotions(state *ledger.State, targets []*pipeline.Target) []string {
	var ids []string
	for _, t := range targets {
		if id := lastPromotion(state.Records[t.Name.Value]); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// lastPromotion is the promotion that a target is in, or was in last.
func lastPromotion(r *rollout.Record) string {
	if r == nil {
		return ""
	}
	if x, ok := r.Active(); ok {
		return x.Spec.Promotion
	}
	if x, ok := r.Newest(); ok {
		return x.Spec.Promotion
	}
	return ""
}

// members are the targets, in the file's order, whose promotion is changed and
// that may go on now.
func members(of *pipeline.Pipeline, state *ledger.State, skips []Skipped) []string {
	in := map[string]bool{}
	for _, s := range skips {
		if promotion := state.Promotions[s.Promotion]; promotion != nil {
			for _, name := range promotion.Members {
				in[name] = true
			}
		}
	}
	var list []string
	for t := range of.All() {
		if r := state.Records[t.Name.Value]; in[t.Name.Value] && r != nil && r.Unfinished() {
			list = append(list, t.Name.Value)
		}
	}
	return list
}
