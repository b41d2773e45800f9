package engine

import (
	"context"
	"fmt"
	"slices"

	"sluice/internal/old/rollout"
	"sluice/pipeline"
	"sluice/stages/driver"
)

// sourceCache reads each source's record and release once.
type sourceCache struct {
	engine  *Engine
	slots   map[string]*slot
	current map[string]driver.Release
}

func (c *sourceCache) slot(ctx context.Context, t *pipeline.Target) (*slot, error) {
	if s := c.slots[t.Name.Value]; s != nil {
		return s, nil
	}
	slots, err := c.engine.load(ctx, []*pipeline.Target{t})
	if err != nil {
		return nil, err
	}
	c.slots[t.Name.Value] = slots[0]
	return slots[0], nil
}

// runs is what runs on a target now, by the platform.
func (c *sourceCache) runs(ctx context.Context, t *pipeline.Target) (driver.Release, error) {
	if r, ok := c.current[t.Name.Value]; ok {
		return r, nil
	}
	place, err := c.engine.place(t.Driver())
	if err != nil {
		return driver.Release{}, err
	}
	r, err := retryReads(ctx, c.engine, func(ctx context.Context) (driver.Release, error) { return place.Current(ctx) })
	if err == nil {
		c.current[t.Name.Value] = r
	}
	return r, err
}

// sourceOf finds where a target's release comes from; nil where it has to be
// named: at the start of a chain, and in a hot fix that skips stages.
func (e *Engine) sourceOf(ctx context.Context, req Promotion, s *slot, c *sourceCache) (*slot, error) {
	declared, err := e.declaredSource(req, s.declared)
	if err != nil {
		return nil, refused(s.name(), err.Error(), "")
	}
	if declared == nil {
		return nil, nil
	}
	return c.slot(ctx, declared)
}

func (e *Engine) declaredSource(req Promotion, t *pipeline.Target) (*pipeline.Target, error) {
	if req.From != nil {
		return e.sourceIn(req, t)
	}
	if req.SkipStages && req.Release != "" {
		return nil, nil
	}
	if !req.SkipStages {
		return e.Pipeline.Source(t)
	}
	return e.chainStart(t)
}

// sourceIn is the target's source in a stage that was named. Leaving stages
// out on the way takes --skip-stages.
func (e *Engine) sourceIn(req Promotion, t *pipeline.Target) (*pipeline.Target, error) {
	previous := e.Pipeline.Previous(t.Stage)
	if req.From != previous && !req.SkipStages && e.before(req.From, t.Stage) {
		return nil, fmt.Errorf("promoting from %s to %s leaves stages out; say --skip-stages --reason \"…\" for a hot fix", req.From.Name.Value, t.Stage.Name.Value)
	}
	var found []*pipeline.Target
	for _, candidate := range req.From.Targets {
		if candidate.Component.Value == t.Component.Value && candidate.Platform.Platform == t.Platform.Platform {
			found = append(found, candidate)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, fmt.Errorf("stage %s has no target of this component on this platform", req.From.Name.Value)
	}
	if i := slices.IndexFunc(found, func(c *pipeline.Target) bool { return c.Name.Value == t.From.Value }); i >= 0 {
		return found[i], nil
	}
	return nil, fmt.Errorf("stage %s has several targets of this component; say which with `from` in the pipeline file", req.From.Name.Value)
}

func (e *Engine) before(a, b *pipeline.Stage) bool {
	return slices.Index(e.Pipeline.Stages, a) < slices.Index(e.Pipeline.Stages, b)
}

// chainStart follows a target's sources back to the first.
func (e *Engine) chainStart(t *pipeline.Target) (*pipeline.Target, error) {
	for {
		source, err := e.Pipeline.Source(t)
		if err != nil || source == nil {
			return t, err
		}
		t = source
	}
}

// pin decides which release travels, once and for all.
func (e *Engine) pin(ctx context.Context, req Promotion, s, source *slot, c *sourceCache) (driver.Release, error) {
	if source == nil {
		return e.named(ctx, req, s)
	}
	runs, err := c.runs(ctx, source.declared)
	if err != nil {
		return driver.Release{}, refuseUnknown(err, source.name())
	}
	if runs.ID == "" {
		return driver.Release{}, refused(s.name(), fmt.Sprintf("nothing runs on %s yet, so there is nothing to promote", source.name()),
			fmt.Sprintf("deploy there first, or `sluice promote --to %s --release ID`", source.record.Stage))
	}
	if req.Release != "" && req.Release != runs.ID {
		return driver.Release{}, refused(s.name(), fmt.Sprintf("release %s does not run on %s; %s does", req.Release, source.name(), runs.ID),
			"promote it there first, or say --skip-stages --reason \"…\" for a hot fix")
	}
	if err := proven(req, s, source, runs); err != nil {
		return driver.Release{}, err
	}
	return e.resolve(ctx, s, runs)
}

// named is the release that the request names, where no source can tell.
func (e *Engine) named(ctx context.Context, req Promotion, s *slot) (driver.Release, error) {
	if req.Release == "" {
		return driver.Release{}, refused(s.name(), fmt.Sprintf("stage %s is the first of its chain, so no stage before it tells which release to promote", s.record.Stage), "name one with --release")
	}
	return e.resolve(ctx, s, driver.Release{ID: req.Release})
}

// resolve fills in what the platform knows of a release, and proves that the
// target can have it.
func (e *Engine) resolve(ctx context.Context, s *slot, release driver.Release) (driver.Release, error) {
	if !release.CreateTime.IsZero() {
		return release, nil
	}
	place, err := e.place(s.declared.Driver())
	if err != nil {
		return release, err
	}
	known, err := retryReads(ctx, e, func(ctx context.Context) (driver.Release, error) { return place.Resolve(ctx, release.ID) })
	if err != nil {
		return release, refuseUnknown(err, s.name())
	}
	return known, nil
}

// proven refuses a release that the source has not proven: one that failed
// there, is still being rolled out there, or is not what its record says.
func proven(req Promotion, s, source *slot, runs driver.Release) error {
	if req.SkipStages {
		return nil
	}
	if active, ok := source.record.Active(); ok && active.Spec.Release.ID == runs.ID && active.Touched() && active.Spec.Command != CommandRollback {
		return refused(s.name(), fmt.Sprintf("release %s is still being rolled out on %s (%s is %s)", runs.ID, source.name(), active.Rollout.Name, active.Rollout.State),
			"wait for it, or say --skip-stages --reason \"…\" for a hot fix")
	}
	if newest, ok := source.record.Newest(); ok && newest.Spec.Release.ID == runs.ID && newest.Rollout.State == rollout.StateFailed {
		return refused(s.name(), fmt.Sprintf("release %s failed on %s: %s", runs.ID, source.name(), newest.Rollout.FailureReason),
			fmt.Sprintf("`sluice retry-job --target %s` or `sluice ignore-job --target %s` first", source.name(), source.name()))
	}
	if known := source.record.Release; known != nil && known.ID != runs.ID && !req.AcceptDrift {
		return refused(s.name(), fmt.Sprintf("%s runs %s, but the state says %s: somebody changed it outside of Sluice", source.name(), runs.ID, known.ID),
			"look at it, then say --accept-drift to promote what runs there")
	}
	return nil
}
