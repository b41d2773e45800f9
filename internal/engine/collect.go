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
	state, err := e.promoting.load(ctx, e.promoting.wanted(req))
	if err != nil {
		return view.Outcome{}, err
	}
	c := collected{id: id, pipeline: e.config.Pipeline, state: state}
	if err := e.config.Ledger.LoadPromotions(ctx, state, c.shares(req.Targets)...); err != nil {
		return view.Outcome{}, err
	}
	plan := planner.Plan{Command: rollout.CommandPromote, Promotion: rollout.Promotion{ID: id}}
	result := executor.Result{Promotions: state.Promotions}
	runs := readings(ctx, e.config.Platform, c.unreached(req.Targets))
	lost := map[string]string{}
	for _, t := range req.Targets {
		name := t.Name.Value
		row := executor.RowResult{Target: name, Record: state.Records[name]}
		if c.has(t) {
			lost[name] = c.left(state.Records[name], func(r *rollout.Record, holder *rollout.Run) bool { return isOver(ctx, e.config, r, holder) })
		} else if row.Unchanged = c.upToDate(t, runs); !row.Unchanged {
			lost[name] = "no shard reached this target; run its shard again"
		}
		plan.Moves, result.Rows = append(plan.Moves, planner.Move{Target: name, Unchanged: row.Unchanged}), append(result.Rows, row)
	}
	plan.Findings = c.differing(req.Targets)
	tell(e.config.Notify, state, plan)
	out := e.runner.view().Result(state, plan, result)
	out.Fail(lost)
	return out, ctx.Err()
}

// isOver reports whether the run that holds a record is over, or is this one.
func isOver(ctx context.Context, c Config, r *rollout.Record, holder *rollout.Run) bool {
	copied := r.Clone()
	_, err := c.Ledger.Take(ctx, &copied)
	return err == nil || holder.RunURL == c.Run.RunURL
}

// collected is what the shards of a promotion left in a state.
type collected struct {
	id       string // the promotion's
	pipeline *pipeline.Pipeline
	state    *ledger.State
}

// unreached are the targets that have no part in the promotion, with their sources.
func (c collected) unreached(targets []*pipeline.Target) []*pipeline.Target {
	var left []*pipeline.Target
	for _, t := range targets {
		if c.has(t) {
			continue
		}
		left = append(left, t)
		if source, err := c.pipeline.Source(t); err == nil && source != nil && !slices.Contains(left, source) {
			left = append(left, source)
		}
	}
	return left
}

// shares are the promotion and the shards' shares of it that targets are in.
func (c collected) shares(targets []*pipeline.Target) []string {
	ids := []string{c.id}
	for _, t := range targets {
		if share := c.shareOf(c.state.Records[t.Name.Value]); share != "" && !slices.Contains(ids, share) {
			ids = append(ids, share)
		}
	}
	return ids
}

// shareOf is the promotion, or the shard's share of it, that a record is in; "" for
// none.
func (c collected) shareOf(r *rollout.Record) string {
	if r == nil {
		return ""
	}
	for i := range slices.Backward(r.Rollouts) {
		if of := r.Rollouts[i].Spec.Promotion; planner.IsShare(of, c.id) {
			return of
		}
	}
	for _, past := range slices.Backward(r.Past) {
		if planner.IsShare(past.Promotion, c.id) {
			return past.Promotion
		}
	}
	return ""
}

func (c collected) has(t *pipeline.Target) bool {
	return c.shareOf(c.state.Records[t.Name.Value]) != ""
}

// left says that the run which held a target's share is over, or has ended
// without letting go; "" where that is not so.
func (c collected) left(r *rollout.Record, isOver func(*rollout.Record, *rollout.Run) bool) string {
	status, _, _ := r.ShareOf(c.shareOf(r))
	if status != rollout.PromotionPending || r.Lease == "" {
		return ""
	}
	holder := c.state.Runs[r.Lease]
	if holder == nil || !isOver(r, holder) {
		return ""
	}
	return fmt.Sprintf("%s did not finish; run its shard again", holder.Name)
}

// upToDate reports whether a target without a part runs what the promotion
// brought to its like.
func (c collected) upToDate(t *pipeline.Target, readings map[string]planner.Reading) bool {
	reading := readings[t.Name.Value]
	runs := reading.Live.Release.ID
	if p := c.state.Promotions[c.id]; p != nil && slices.Contains(p.Unchanged, t.Name.Value) {
		return true
	}
	if reading.Err != nil || runs == "" {
		return false
	}
	for other := range c.pipeline.All() {
		r := c.state.Records[other.Name.Value]
		if r == nil || other.Stage != t.Stage || other.Component.Value != t.Component.Value {
			continue
		}
		if x, ok := r.Of(c.shareOf(r)); ok {
			return x.Spec.Release.ID == runs
		}
	}
	source, err := c.pipeline.Source(t)
	if err != nil || source == nil {
		return false
	}
	there := readings[source.Name.Value]
	return there.Err == nil && there.Live.Release.ID == runs
}

// differing warns where shards pinned different releases of one chain.
func (c collected) differing(targets []*pipeline.Target) []driver.Finding {
	var findings []driver.Finding
	pinned := map[string]string{}
	for _, t := range targets {
		r := c.state.Records[t.Name.Value]
		if r == nil {
			continue
		}
		x, ok := r.Of(c.shareOf(r))
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
