package engine

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"sluice/internal/old/rollout"
	"sluice/pipeline"
	"sluice/stages/driver"
)

// Import adopts what runs on targets today as their first state. Records that
// exist stay as they are; with acceptDrift they take over what runs.
func (e *Engine) Import(ctx context.Context, targets []*pipeline.Target, acceptDrift bool) (Status, error) {
	slots, err := e.load(ctx, targets)
	if err != nil {
		return Status{}, err
	}
	s := Status{Targets: make([]TargetStatus, len(slots))}
	e.askAll(ctx, slots, s.Targets)
	for i, slot := range slots {
		if problem := s.Targets[i].Problem; problem != "" {
			return Status{}, refused(slot.name(), problem, "nothing was imported")
		}
		if err := e.free(ctx, slot, e.Now()); err != nil {
			return Status{}, err
		}
		if err := e.adopt(slot, &s.Targets[i], acceptDrift); err != nil {
			return Status{}, err
		}
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

// askAll asks the platforms about slots, side by side.
func (e *Engine) askAll(ctx context.Context, slots []*slot, targets []TargetStatus) {
	var group errgroup.Group
	group.SetLimit(e.Concurrency)
	for i, s := range slots {
		group.Go(func() error { e.ask(ctx, s, &targets[i]); return nil })
	}
	_ = group.Wait() // what could not be asked stands in the targets
}

// adopt takes what runs over into a record.
func (e *Engine) adopt(s *slot, t *TargetStatus, acceptDrift bool) error {
	known := s.record.Release
	switch {
	case t.Runs == "":
		e.Observer.Progress(s.name(), "nothing runs there: nothing to import")
		return nil
	case known != nil && known.ID == t.Runs:
		e.Observer.Progress(s.name(), "the state knows already that it runs "+t.Runs)
		return nil
	case known != nil && !acceptDrift:
		e.Observer.Warn(s.name(), fmt.Sprintf("it runs %s and the state says %s; left as it is, say --accept-drift to take it over", t.Runs, known.ID))
		return nil
	}
	if x, ok := s.record.Active(); ok {
		return refused(s.name(), fmt.Sprintf("rollout %s is %s", x.Rollout.Name, x.Rollout.State), "finish or cancel it first; nothing was imported")
	}
	s.record.Adopt(t.runs, e.Actor.Login, e.Now())
	s.dirty = true
	e.Observer.Progress(s.name(), "imported "+t.Runs)
	return nil
}

// Collect sums a promotion up that was run in shards, from the records of all
// of its targets. It changes nothing. A target that no shard reached, or whose
// shard died at work, is failed: its shard can be run again alone. req is what
// the shards were asked for, with the targets of all of them.
func (e *Engine) Collect(ctx context.Context, id string, req Promotion) (rollout.Outcome, error) {
	slots, err := e.load(ctx, req.Targets)
	if err != nil {
		return rollout.Outcome{}, err
	}
	out := e.report(ctx, id, slots, nil)
	sources := &sourceCache{engine: e, slots: map[string]*slot{}, current: map[string]driver.Release{}}
	for i, s := range slots {
		t := &out.Targets[i]
		if share, ok := s.record.Promotion(id); ok {
			e.collectShare(ctx, s, share, t)
			continue
		}
		*t = e.outside(s)
		t.Unchanged = e.upToDate(ctx, req, s, slots, id, sources)
		if !t.Unchanged {
			t.Status, t.Effect = rollout.PromotionFailed, true
			t.ErrorMessage = "no shard reached this target; run its shard again"
		}
	}
	e.sum(&out)
	out.Promotion = id
	e.warnDiffering(id, slots)
	return out, nil
}

// warnDiffering says where shards pinned different releases, because their
// source changed between them.
func (e *Engine) warnDiffering(id string, slots []*slot) {
	pinned := map[string]string{}
	for _, s := range slots {
		share, ok := s.record.Promotion(id)
		if !ok {
			continue
		}
		from := share.From + "\n" + s.record.Platform + "\n" + s.declared.Component.Value
		if first, ok := pinned[from]; ok && first != share.Release {
			e.Observer.Warn(s.name(), fmt.Sprintf("its shard pinned release %s, another pinned %s: what they promote from changed meanwhile; give every shard the release that plan tells (--release)", share.Release, first))
			continue
		}
		pinned[from] = share.Release
	}
}

// collectShare tells a share that waits for something, or that another run has
// taken up, from one whose job died: that one's lease is still there.
func (e *Engine) collectShare(ctx context.Context, s *slot, share *rollout.Promotion, t *rollout.TargetOutcome) {
	l := s.record.Lock
	if share.Status != rollout.PromotionPending || l == nil || l.Person {
		return
	}
	if !sameRun(l.RunURL, share.RunURL) && e.free(ctx, &slot{key: s.key, record: s.record.Clone()}, e.Now()) != nil {
		return
	}
	t.Status, t.WaitingFor, t.Effect = rollout.PromotionFailed, nil, true
	t.ErrorMessage = fmt.Sprintf("%s did not finish; run its shard again", l.Holder)
}

// sameRun reports whether two URLs are of one workflow run, whatever the attempt.
func sameRun(a, b string) bool {
	runA, _, _ := strings.Cut(a, "/attempts/")
	runB, _, _ := strings.Cut(b, "/attempts/")
	return runA != "" && runA == runB
}

// outside is a target without a share of the promotion: what it runs, by its
// record.
func (e *Engine) outside(s *slot) rollout.TargetOutcome {
	t := rollout.OutcomeOf(&s.record, nil)
	t.Stage, t.Component = s.declared.Stage.Name.Value, s.declared.Component.Value
	return t
}

// upToDate reports whether a target without a share of the promotion runs its
// release anyway: then nothing was left to do. Which release that is, the other
// shares say; where there are none, its source does.
func (e *Engine) upToDate(ctx context.Context, req Promotion, s *slot, slots []*slot, id string, sources *sourceCache) bool {
	var runs TargetStatus
	e.ask(ctx, s, &runs)
	if runs.Runs == "" {
		return false
	}
	for _, other := range slots {
		p, ok := other.record.Promotion(id)
		if ok && other.declared.Component.Value == s.declared.Component.Value && other.record.Platform == s.record.Platform {
			return runs.Runs == p.Release
		}
	}
	source, err := e.sourceOf(ctx, req, s, sources)
	if err != nil {
		return false
	}
	release, err := e.pin(ctx, req, s, source, sources)
	return err == nil && release.ID == runs.Runs
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
