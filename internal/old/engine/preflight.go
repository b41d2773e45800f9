package engine

import (
	"context"
	"slices"

	"sluice/internal/old/rollout"
	"sluice/stages/driver"
)

// preflight prepares the first effect of every journey, and refuses all where
// one is refused. Nothing is changed anywhere.
func (e *Engine) preflight(ctx context.Context, journeys []*journey, id string) error {
	var refusals []driver.Finding
	for _, batch := range e.batches(journeys) {
		if err := collect(&refusals, e.preflightBatch(ctx, batch, id)); err != nil {
			return err
		}
	}
	if len(refusals) > 0 {
		return &RefusedError{Findings: refusals}
	}
	return nil
}

// batches groups journeys that one call can serve. Journeys that resume or
// queue have no first effect now.
func (e *Engine) batches(journeys []*journey) [][]*journey {
	var batches [][]*journey
	for _, j := range journeys {
		if j.resume != nil || j.queue {
			continue
		}
		at := slices.IndexFunc(batches, func(b []*journey) bool { return e.together(b, j) })
		if at < 0 {
			batches = append(batches, []*journey{j})
			continue
		}
		batches[at] = append(batches[at], j)
	}
	return batches
}

// together reports whether j fits into the batch's call.
func (e *Engine) together(batch []*journey, j *journey) bool {
	head := batch[0]
	if head.source == nil || j.source == nil || head.slot.record.Platform != j.slot.record.Platform {
		return false
	}
	facts, _ := e.Stages.Facts(j.slot.record.Platform)
	return len(batch) < facts.BatchSize() && head.source.name() == j.source.name() &&
		head.spec.Release.ID == j.spec.Release.ID && firstKind(head) == firstKind(j)
}

// firstKind is the first effect of a journey.
func firstKind(j *journey) driver.Kind {
	if j.spec.Remote {
		return driver.Deploy
	}
	return j.spec.Phases[0].Effects[0]
}

func (e *Engine) preflightBatch(ctx context.Context, batch []*journey, id string) error {
	call := driver.Call{Key: "preflight/" + id, Kind: firstKind(batch[0])}
	for _, j := range batch {
		call.Changes = append(call.Changes, j.change(call.Kind))
	}
	place, err := e.place(batch[0].spec.Target)
	if err != nil {
		return err
	}
	p, err := retryReads(ctx, e, func(ctx context.Context) (driver.Prepared, error) { return place.Prepare(ctx, call) })
	if err != nil {
		return refuseUnknown(err, batch[0].slot.name())
	}
	return e.judge(batch, p)
}

// change is a journey's first effect, before there is a rollout.
func (j *journey) change(kind driver.Kind) driver.Change {
	c := driver.Change{Target: j.spec.Target, Source: j.spec.Source, Release: j.spec.Release, Options: j.spec.Options, Job: rollout.JobDeploy}
	if !j.spec.Remote {
		c.Phase = j.spec.Phases[0].ID
	}
	if kind == driver.Weight {
		c.Percent, c.Variables, c.UseStageCache = j.spec.Phases[0].Percent, j.spec.Variables, j.spec.UseStageCache
	}
	return c
}

// judge takes the preflight's findings over into the journeys.
func (e *Engine) judge(batch []*journey, p driver.Prepared) error {
	refusals := &RefusedError{}
	for _, f := range p.Findings {
		switch f.Severity {
		case driver.Refuse, driver.Foreign:
			refusals.Findings = append(refusals.Findings, f)
		case driver.Warn:
			e.Observer.Warn(f.Target, findingText(f))
		}
	}
	if len(refusals.Findings) > 0 {
		return refusals
	}
	for _, j := range batch {
		name := j.slot.name()
		j.unchanged = slices.Contains(p.Unchanged, name) && !j.unproven()
		j.first = slices.Contains(p.First, name)
		j.runs = p.Runs[name].ID
		if j.unchanged && j.spec.Release.ID == "" {
			j.spec.Release = p.Runs[name]
		}
		for _, c := range p.Call.Changes {
			if c.Target.Name == name && j.spec.Release.ID == "" {
				j.spec.Release = c.Release
			}
		}
	}
	batch[0].slot.fresh, batch[0].slot.freshAt = &p, e.Now()
	return nil
}

// unproven reports whether the target's newest rollout of this release failed:
// that the release stands there is then no success.
func (j *journey) unproven() bool {
	newest, ok := j.slot.record.Newest()
	return ok && newest.Spec.Release.ID == j.spec.Release.ID && newest.Rollout.State == rollout.StateFailed
}
