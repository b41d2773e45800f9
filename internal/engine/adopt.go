package engine

import (
	"context"
	"fmt"

	"sluice/pipeline"
	"sluice/rollout"
)

// Import adopts what runs on targets today as their first state. Records that
// exist stay as they are; with acceptDrift they take over what runs.
func (e *Engine) Import(ctx context.Context, targets []*pipeline.Target, acceptDrift bool) (Status, error) {
	slots, err := e.load(ctx, targets)
	if err != nil {
		return Status{}, err
	}
	s := Status{Targets: make([]TargetStatus, len(slots))}
	for i, slot := range slots {
		t := &s.Targets[i]
		e.ask(ctx, slot, t)
		if t.Problem != "" {
			return Status{}, refused(slot.name(), t.Problem, "nothing was imported")
		}
		if err := e.free(ctx, slot, e.Now()); err != nil {
			return Status{}, err
		}
		e.adopt(slot, t, acceptDrift)
	}
	if err := e.commit(ctx, slots...); err != nil {
		return Status{}, err
	}
	for i, slot := range slots {
		s.Targets[i].TargetOutcome = e.target("", slot, nil)
	}
	s.Outcome = e.report(ctx, "", slots, nil)
	return s, nil
}

// adopt takes what runs over into a record.
func (e *Engine) adopt(s *slot, t *TargetStatus, acceptDrift bool) {
	known := s.record.Release
	switch {
	case t.Runs == "":
		e.Observer.Progress(s.name(), "nothing runs there: nothing to import")
		return
	case known != nil && known.ID == t.Runs:
		e.Observer.Progress(s.name(), "the state knows already that it runs "+t.Runs)
		return
	case known != nil && !acceptDrift:
		e.Observer.Warn(s.name(), fmt.Sprintf("it runs %s and the state says %s; left as it is, say --accept-drift to take it over", t.Runs, known.ID))
		return
	}
	s.record.Adopt(t.runs, e.Actor.Login, e.Now())
	s.dirty = true
	e.Observer.Progress(s.name(), "imported "+t.Runs)
}

// Collect sums a promotion up that was run in shards, from the records of all
// of its targets, and goes on with what they left unfinished. A target that no
// shard reached is failed: its shard can be run again alone.
func (e *Engine) Collect(ctx context.Context, id string, targets []*pipeline.Target) (rollout.Outcome, error) {
	slots, err := e.load(ctx, targets)
	if err != nil {
		return rollout.Outcome{}, err
	}
	out := e.report(ctx, id, slots, nil)
	for i, s := range slots {
		t := &out.Targets[i]
		if _, ok := s.record.Promotion(id); ok || t.Status == rollout.PromotionFailed {
			continue
		}
		if e.reached(ctx, s, slots, id) {
			t.Unchanged = true
			continue
		}
		t.Status = rollout.PromotionFailed
		t.ErrorMessage = "no shard reached this target; run its shard again"
	}
	e.sum(&out)
	out.Promotion = id
	return out, nil
}

// reached reports whether a target without a share of the promotion runs its
// release anyway: then nothing was left to do.
func (e *Engine) reached(ctx context.Context, s *slot, slots []*slot, id string) bool {
	for _, other := range slots {
		p, ok := other.record.Promotion(id)
		if !ok || other.declared.Component.Value != s.declared.Component.Value || other.record.Platform != s.record.Platform {
			continue
		}
		var t TargetStatus
		e.ask(ctx, s, &t)
		return t.Runs == p.Release
	}
	return false
}

// ShardedID names the promotion that the shards of one workflow run make up;
// it is the same in each of them. "" outside Actions, where nothing is shared.
func ShardedID(run, stage string, targets []*pipeline.Target) string {
	if run == "" {
		return ""
	}
	return promotionName(run, CommandPromote, stage, namesOfTargets(targets))
}

func namesOfTargets(targets []*pipeline.Target) []string {
	names := make([]string, len(targets))
	for i, t := range targets {
		names[i] = t.Name.Value
	}
	return names
}

// Shards deals the targets of a stage out to n shards, so that targets that
// share a call stay together. Shards may be empty where there are few targets.
func Shards(p *pipeline.Pipeline, targets []*pipeline.Target, n int) [][]*pipeline.Target {
	groups := groupsOf(p, targets)
	shards := make([][]*pipeline.Target, n)
	for i, g := range groups {
		shards[i%n] = append(shards[i%n], g...)
	}
	return shards
}

// groupsOf groups targets that share calls, in the order of the file.
func groupsOf(p *pipeline.Pipeline, targets []*pipeline.Target) [][]*pipeline.Target {
	var groups [][]*pipeline.Target
	at := map[string]int{}
	for _, t := range targets {
		key := ""
		if source, err := p.Source(t); err == nil && source != nil && t.Platform.BatchSize() > 1 {
			key = t.Platform.Platform + "\n" + source.Name.Value
		}
		if i, ok := at[key]; ok && key != "" {
			groups[i] = append(groups[i], t)
			continue
		}
		at[key] = len(groups)
		groups = append(groups, []*pipeline.Target{t})
	}
	return groups
}

// MaxShards is how many jobs a GitHub Actions matrix may have.
const MaxShards = 256

// Groups is how many shards have something to do at most.
func Groups(p *pipeline.Pipeline, targets []*pipeline.Target) int {
	return min(len(groupsOf(p, targets)), MaxShards)
}
