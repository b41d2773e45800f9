package engine

import (
	"context"
	"fmt"
	"slices"

	"sluice/internal/executor"
	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// Collect gathers what the shards of a promotion came to; it changes nothing. A
// shard whose run is over without having ended its work, and a target that no
// shard reached although it does not run what the others brought, failed.
// Errors are those of the ledger.
func (e *Engine) Collect(ctx context.Context, id string, req Promotion) (view.Outcome, error) {
	state, err := e.loadFor(ctx, e.wanted(req))
	if err != nil {
		return view.Outcome{}, err
	}
	if err := e.Ledger.LoadPromotions(ctx, state, shares(state, id, req.Targets)...); err != nil {
		return view.Outcome{}, err
	}
	plan := planner.Plan{Command: rollout.CommandPromote, Promotion: rollout.Promotion{ID: id}}
	result := executor.Result{Promotions: state.Promotions}
	runs := e.unreached(ctx, state, id, req)
	lost := map[string]string{}
	for _, t := range req.Targets {
		name := t.Name.Value
		row := executor.RowResult{Target: name, Record: state.Records[name]}
		if has(state, id, t) {
			lost[name] = e.left(ctx, state, id, state.Records[name])
		} else if row.Unchanged = e.upToDate(state, id, t, runs); !row.Unchanged {
			lost[name] = "no shard reached this target; run its shard again"
		}
		plan.Moves, result.Rows = append(plan.Moves, planner.Move{Target: name, Unchanged: row.Unchanged}), append(result.Rows, row)
	}
	plan.Findings = differing(id, state, req.Targets)
	e.tell(state, plan)
	out := e.view().Result(state, plan, result)
	out.Fail(lost)
	return out, ctx.Err()
}

// unreached finds what the targets run that have no part in the promotion.
func (e *Engine) unreached(ctx context.Context, state *ledger.State, id string, req Promotion) map[string]planner.Reading {
	var left []*pipeline.Target
	for _, t := range req.Targets {
		if has(state, id, t) {
			continue
		}
		left = append(left, t)
		if source, err := e.Pipeline.Source(t); err == nil && source != nil && !slices.Contains(left, source) {
			left = append(left, source)
		}
	}
	return e.readings(ctx, left)
}

// shares are the promotion and the shards' shares of it that targets are in.
func shares(state *ledger.State, id string, targets []*pipeline.Target) []string {
	ids := []string{id}
	for _, t := range targets {
		if share := shareOf(state.Records[t.Name.Value], id); share != "" && !slices.Contains(ids, share) {
			ids = append(ids, share)
		}
	}
	return ids
}

// shareOf is the promotion, or the shard's share of it, that a record is in; "" for
// none.
func shareOf(r *rollout.Record, id string) string {
	if r == nil {
		return ""
	}
	for i := range slices.Backward(r.Rollouts) {
		if of := r.Rollouts[i].Spec.Promotion; planner.IsShare(of, id) {
			return of
		}
	}
	for _, past := range slices.Backward(r.Past) {
		if planner.IsShare(past.Promotion, id) {
			return past.Promotion
		}
	}
	return ""
}

func has(state *ledger.State, id string, t *pipeline.Target) bool {
	return shareOf(state.Records[t.Name.Value], id) != ""
}

// left says that the run which held a target's share is over, or has ended
// without letting go; "" where that is not so.
func (e *Engine) left(ctx context.Context, state *ledger.State, id string, r *rollout.Record) string {
	status, _, _ := r.ShareOf(shareOf(r, id))
	if status != rollout.PromotionPending || r.Lease == "" {
		return ""
	}
	holder := state.Runs[r.Lease]
	if holder == nil {
		return ""
	}
	copied := r.Clone()
	if _, err := e.Ledger.Take(ctx, &copied); err != nil && holder.RunURL != e.Run.RunURL {
		return "" // it is alive
	}
	return fmt.Sprintf("%s did not finish; run its shard again", holder.Name)
}

// upToDate reports whether a target without a part runs what the promotion
// brought to its like.
func (e *Engine) upToDate(state *ledger.State, id string, t *pipeline.Target, readings map[string]planner.Reading) bool {
	reading := readings[t.Name.Value]
	runs := reading.Live.Release.ID
	if p := state.Promotions[id]; p != nil && slices.Contains(p.Unchanged, t.Name.Value) {
		return true
	}
	if reading.Err != nil || runs == "" {
		return false
	}
	for other := range e.Pipeline.All() {
		r := state.Records[other.Name.Value]
		if r == nil || other.Stage != t.Stage || other.Component.Value != t.Component.Value {
			continue
		}
		if x, ok := r.Of(shareOf(r, id)); ok {
			return x.Spec.Release.ID == runs
		}
	}
	source, err := e.Pipeline.Source(t)
	if err != nil || source == nil {
		return false
	}
	there := readings[source.Name.Value]
	return there.Err == nil && there.Live.Release.ID == runs
}

// differing warns where shards pinned different releases of one chain.
func differing(id string, state *ledger.State, targets []*pipeline.Target) []driver.Finding {
	var findings []driver.Finding
	pinned := map[string]string{}
	for _, t := range targets {
		r := state.Records[t.Name.Value]
		if r == nil {
			continue
		}
		x, ok := r.Of(shareOf(r, id))
		if !ok {
			continue
		}
		from := t.Platform.Platform + "\n" + t.Component.Value
		if s := x.Spec.Source; s != nil {
			from += "\n" + s.Name
		}
		release := x.Spec.Release.ID
		if first, ok := pinned[from]; ok && first != release {
			findings = append(findings, driver.Finding{Target: t.Name.Value, Severity: driver.Warn, Message: fmt.Sprintf(
				"its shard pinned release %s, another pinned %s: what they promote from changed meanwhile; give every shard the release that plan tells (--release)", release, first)})
			continue
		}
		pinned[from] = release
	}
	return findings
}
