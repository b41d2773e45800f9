package engine

import (
	"context"
	"fmt"
	"slices"

	"sluice/internal/old/rollout"
	"sluice/pipeline"
	"sluice/stages/driver"
)

// journey is what a promotion would do on one target.
type journey struct {
	slot      *slot
	source    *slot // nil for a pipeline's first stage
	spec      rollout.Spec
	first     bool   // the platform says that nothing runs on the target
	runs      string // what runs there now, where the preflight told it
	unchanged bool
	resume    *rollout.Execution // an unfinished rollout of the same release
	queue     bool               // behind an unfinished rollout
	supersede string             // the rollout that this one replaces
}

// journeys plans every target's share, and refuses all of them where one is
// refused.
func (e *Engine) journeys(ctx context.Context, req Promotion, slots []*slot, id string) ([]*journey, error) {
	var refusals []driver.Finding
	sources := &sourceCache{engine: e, slots: map[string]*slot{}, current: map[string]driver.Release{}}
	journeys := make([]*journey, 0, len(slots))
	for _, s := range slots {
		j, err := e.journey(ctx, req, s, sources)
		if err := collect(&refusals, err); err != nil {
			return nil, err
		}
		if j != nil {
			journeys = append(journeys, j)
		}
	}
	if len(refusals) > 0 {
		return nil, &RefusedError{Findings: refusals}
	}
	return journeys, e.preflight(ctx, journeys, id)
}

// journey plans one target's share.
func (e *Engine) journey(ctx context.Context, req Promotion, s *slot, sources *sourceCache) (*journey, error) {
	if err := e.mayStart(s, CommandPromote, req.Options.OverridePolicies); err != nil {
		return nil, err
	}
	source, err := e.sourceOf(ctx, req, s, sources)
	if err != nil {
		return nil, err
	}
	release, err := e.pin(ctx, req, s, source, sources)
	if err != nil {
		return nil, err
	}
	if s.record.IsAbandoned(release.ID) || (source != nil && source.record.IsAbandoned(release.ID)) {
		return nil, refused(s.name(), "release "+release.ID+" was abandoned", "promote another release")
	}
	j := &journey{slot: s, source: source}
	j.spec = e.spec(s.declared, release, req)
	if source != nil {
		t := source.declared.Driver()
		j.spec.Source = &t
	}
	if err := e.gatesRun(j.spec.Gates, s.name()); err != nil {
		return nil, err
	}
	return j, e.busy(ctx, req, j)
}

// mayStart refuses what a person's lock or a policy keeps from starting. A lock
// stops the line; it never keeps a target from being put back.
func (e *Engine) mayStart(s *slot, action string, overrides []string) error {
	if l := s.record.Lock; l != nil && l.Person && action != CommandRollback {
		return refused(s.name(), fmt.Sprintf("locked by %s since %s: %s", l.Actor, l.Since.Format("2006-01-02 15:04 MST"), l.Reason), "`sluice unlock --target "+s.name()+"` first")
	}
	if b, blocked := e.Pipeline.Blocked(e.question(s.declared, action, append(slices.Clone(e.OverridePolicies), overrides...))); blocked {
		return refused(s.name(), b.Message, "")
	}
	return nil
}

// question asks the policies about an action on a target now.
func (e *Engine) question(t *pipeline.Target, action string, overrides []string) pipeline.Question {
	invoker := pipeline.InvokerPerson
	if e.Actor.Automated {
		invoker = pipeline.InvokerAutomation
	}
	return pipeline.Question{
		Stage: t.Stage.Name.Value, Target: t.Name.Value, Action: action, Invoker: invoker,
		Overrides: overrides, Actor: e.Actor.Login, Now: e.Now(),
	}
}

// gatesRun refuses checks that cannot run in this place.
func (e *Engine) gatesRun(g rollout.Gates, target string) error {
	if e.Checks == nil {
		return nil
	}
	for _, gates := range [][]rollout.Gate{g.Predeploy, g.Verify, g.Analysis, g.Postdeploy} {
		for _, gate := range gates {
			if err := e.Checks.Preflight(gate); err != nil {
				return refused(target, err.Error(), "")
			}
		}
	}
	return nil
}

// collect adds a refusal to the others; any other error ends the planning.
func collect(refusals *[]driver.Finding, err error) error {
	if err == nil {
		return nil
	}
	if r, ok := asRefused(err); ok {
		*refusals = append(*refusals, r.Findings...)
		return nil
	}
	return err
}

// busy decides about a target with an unfinished rollout: the same release
// resumes, a newer one queues or supersedes, an older one is refused.
func (e *Engine) busy(ctx context.Context, req Promotion, j *journey) error {
	if err := e.free(ctx, j.slot, e.Now()); err != nil {
		return err
	}
	active, ok := j.slot.record.Active()
	if !ok {
		return nil
	}
	for i := range j.slot.record.Rollouts {
		if x := &j.slot.record.Rollouts[i]; !x.Over() && x.Spec.Release.ID == j.spec.Release.ID && x.Spec.Command == CommandPromote {
			j.resume = x
			return nil
		}
	}
	if err := e.notOlder(ctx, req, j, active); err != nil {
		return err
	}
	if j.slot.declared.Stage.Supersede && len(active.Steps) == 0 {
		j.supersede = active.Rollout.Name
		return nil
	}
	j.queue = true
	return nil
}

// notOlder refuses a release that the platform created before the one under way.
func (e *Engine) notOlder(ctx context.Context, req Promotion, j *journey, active *rollout.Execution) error {
	if req.AllowOlder {
		return nil
	}
	mine, err := e.created(ctx, j, j.spec.Release)
	if err != nil {
		return err
	}
	theirs, err := e.created(ctx, j, active.Spec.Release)
	if err != nil {
		return err
	}
	if mine.CreateTime.IsZero() || theirs.CreateTime.IsZero() || !mine.CreateTime.Before(theirs.CreateTime) {
		return nil
	}
	return refused(j.slot.name(),
		fmt.Sprintf("release %s is older than %s, which is being rolled out (%s is %s)", mine.ID, theirs.ID, active.Rollout.Name, active.Rollout.State),
		"promote a newer release, or say --allow-older")
}

// created is a release with the platform's creation time.
func (e *Engine) created(ctx context.Context, j *journey, release driver.Release) (driver.Release, error) {
	if !release.CreateTime.IsZero() {
		return release, nil
	}
	place, err := e.place(j.spec.Target)
	if err != nil {
		return release, err
	}
	return retryReads(ctx, e, func(ctx context.Context) (driver.Release, error) { return place.Resolve(ctx, release.ID) })
}
