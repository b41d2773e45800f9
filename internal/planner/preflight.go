package planner

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"sluice/rollout"
	"sluice/stages/driver"
)

// sideBySide does a thing for each draft, at most as many at once as there are
// places.
func (p *Planner) sideBySide(ctx context.Context, drafts []*draft, do func(context.Context, *draft)) {
	var group errgroup.Group
	group.SetLimit(max(p.Work.Places, 1))
	for _, d := range drafts {
		group.Go(func() error {
			do(ctx, d)
			return nil
		})
	}
	_ = group.Wait() // what went wrong stands in the drafts
}

// preflight prepares the first effect of what would begin now, in the calls in
// which it would be sent.
func (p *Planner) preflight(ctx context.Context, drafts []*draft) {
	calls := p.calls(drafts)
	var group errgroup.Group
	group.SetLimit(max(p.Work.Places, 1))
	for _, call := range calls {
		group.Go(func() error {
			p.prepare(ctx, call)
			return nil
		})
	}
	_ = group.Wait() // what went wrong stands in the drafts
}

// calls groups drafts as one call can serve them.
func (p *Planner) calls(drafts []*draft) [][]*draft {
	type key struct{ platform, source, release, kind string }
	var calls [][]*draft
	last := map[key]int{}
	for _, d := range open(drafts) {
		if d.resumes != "" || d.queued {
			continue
		}
		k := key{platform: d.target.Platform.Platform, release: d.release.ID, kind: string(firstKind(d.spec))}
		size := p.Platform.Facts(k.platform).BatchSize()
		if d.source != nil {
			k.source = d.source.Name.Value
		}
		at, ok := last[k]
		if !ok || d.source == nil || len(calls[at]) >= size {
			last[k] = len(calls)
			calls = append(calls, []*draft{d})
			continue
		}
		calls[at] = append(calls[at], d)
	}
	return calls
}

// firstKind is the first effect of a plan.
func firstKind(s rollout.Spec) driver.Kind {
	switch {
	case s.Remote && s.Command == rollout.CommandRollback:
		return driver.Rollback
	case s.Remote:
		return driver.Deploy
	default:
		return s.Phases[0].Effects[0]
	}
}

// prepare asks the platform what the first effect of some drafts would do.
func (p *Planner) prepare(ctx context.Context, drafts []*draft) {
	call := driver.Call{Key: "preflight/" + drafts[0].spec.Promotion, Kind: firstKind(drafts[0].spec)}
	for _, d := range drafts {
		call.Changes = append(call.Changes, d.change(call.Kind))
	}
	at := p.Work.Now()
	prepared, err := p.Platform.Prepare(ctx, call)
	if err != nil {
		p.unprepared(drafts, err)
		return
	}
	for _, d := range drafts {
		d.take(prepared)
		d.prepared, d.readAt = &prepared, at
	}
}

// unprepared takes over that nothing could be prepared. A target whose platform
// may answer later gets its rollout all the same, and waits with it.
func (p *Planner) unprepared(drafts []*draft, err error) {
	for _, d := range drafts {
		w, later := p.later(d.name(), err)
		if !later {
			d.refusals = append(d.refusals, refuse(d.name(), err.Error(), ""))
			continue
		}
		d.silent = &w
	}
}

// change is what the first effect of a draft should make true.
func (d *draft) change(kind driver.Kind) driver.Change {
	c := driver.Change{Target: d.spec.Target, Source: d.spec.Source, Release: d.release, Options: d.spec.Options, Job: rollout.JobDeploy}
	c.Options.Resolved = d.replaces && d.record.Unfinished()
	if !d.spec.Remote {
		c.Phase = d.spec.Phases[0].ID
	}
	if kind == driver.Weight {
		c.Percent, c.Variables, c.UseStageCache = d.spec.Phases[0].Percent, d.spec.Variables, d.spec.UseStageCache
	}
	return c
}

// take reads what was found for a draft out of what was prepared.
func (d *draft) take(prepared driver.Prepared) {
	name := d.name()
	for _, f := range prepared.Findings {
		if f.Target != name && f.Target != "" {
			continue
		}
		switch f.Severity {
		case driver.Refuse, driver.Foreign:
			d.refusals = append(d.refusals, Refusal{Target: name, Findings: []driver.Finding{f}})
		default:
			d.findings = append(d.findings, f)
		}
	}
	d.unchanged = slices.Contains(prepared.Unchanged, name) && !d.unproven()
	d.first = slices.Contains(prepared.First, name)
	d.runs = prepared.Runs[name]
	if d.release.ID != "" {
		return
	}
	if d.unchanged {
		d.setRelease(d.runs)
		return
	}
	for _, c := range prepared.Call.Changes {
		if c.Target.Name == name {
			d.setRelease(c.Release)
		}
	}
}

// setRelease takes the release that only the platform could tell.
func (d *draft) setRelease(r driver.Release) { d.release, d.spec.Release = r, r }

// unproven reports whether what runs is a release whose rollout failed here: that
// it runs proves nothing.
func (d *draft) unproven() bool {
	newest, ok := d.record.Newest()
	return ok && newest.Spec.Release.ID == d.release.ID && newest.Rollout.State == rollout.StateFailed
}
