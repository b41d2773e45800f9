package planner

import (
	"context"
	"slices"
	"time"

	"sluice/rollout"
	"sluice/stages/driver"
)

// newEnough is how old what was read of a target may be to serve its preflight.
const newEnough = 5 * time.Second

// preflight prepares the first effect of what would begin now, in the calls in
// which it would be sent. What went wrong stands in the drafts.
func (from reader) preflight(ctx context.Context, drafts []*draft) {
	calls := from.calls(drafts)
	from.readAhead(ctx, calls)
	from.work.SideBySide(from.work.Places, len(calls), func(i int) { from.prepare(ctx, calls[i]) })
}

// readAhead reads the targets of calls together where the platform can, so that
// none is read by itself. What could not be read so is read by its Prepare, whose
// error counts.
func (from reader) readAhead(ctx context.Context, calls [][]*draft) {
	var ahead []*draft
	var targets []driver.Target
	for _, d := range slices.Concat(calls...) {
		if from.platform.Facts(d.target.Platform.Platform).Ahead {
			ahead, targets = append(ahead, d), append(targets, d.target.Driver())
		}
	}
	read := from.live(ctx, targets)
	for _, d := range ahead {
		r := read[d.name()]
		if r.Err == nil && from.work.Now().Sub(r.At) <= newEnough {
			d.stands, d.readAt = r.Live.Stands, r.At
		}
	}
}

// calls groups drafts as one call can serve them.
func (from reader) calls(drafts []*draft) [][]*draft {
	type key struct{ platform, as, source, release, kind string }
	var calls [][]*draft
	last := map[key]int{}
	for _, d := range open(drafts) {
		if d.resumes != "" || d.queued {
			continue
		}
		k := key{platform: d.target.Platform.Platform, as: from.platform.AskedAs(d.target.Driver()), release: d.release.ID, kind: string(firstKind(d.spec))}
		size := from.platform.Facts(k.platform).BatchSize()
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
		return s.FirstPhase().Effects[0]
	}
}

// prepare asks the platform what the first effect of some drafts would do.
func (from reader) prepare(ctx context.Context, drafts []*draft) {
	call := driver.Call{Key: "preflight/" + drafts[0].spec.Promotion, Kind: firstKind(drafts[0].spec)}
	at := from.work.Now()
	for _, d := range drafts {
		call.Changes = append(call.Changes, d.change(call.Kind))
		if d.stands != nil && d.readAt.Before(at) {
			at = d.readAt
		}
	}
	prepared, err := from.platform.Prepare(ctx, call)
	if err != nil {
		from.unprepared(drafts, err)
		return
	}
	found := lookAt(prepared)
	for _, d := range drafts {
		d.take(found)
		d.prepared, d.readAt = &prepared, at
	}
}

// unprepared takes over that nothing could be prepared. A target whose platform
// may answer later gets its rollout all the same, and waits with it.
func (from reader) unprepared(drafts []*draft, err error) {
	for _, d := range drafts {
		w, later := from.later(d.name(), err)
		if !later {
			d.refusals = append(d.refusals, refuse(d.name(), err.Error(), ""))
			continue
		}
		d.silent = &w
	}
}

// change is what the first effect of a draft should make true.
func (d *draft) change(kind driver.Kind) driver.Change {
	c := driver.Change{Stands: d.stands, Target: d.spec.Target, Source: d.spec.Source, Release: d.release, Options: d.spec.Options, Job: rollout.JobDeploy, Header: d.spec.Header}
	c.Options.Resolved = d.accepts || d.replaces && d.record.Unfinished()
	if !d.spec.Remote {
		c.Phase = d.spec.FirstPhase().ID
	}
	if kind == driver.Host {
		c.Variables = d.spec.VariablesIn(rollout.PhaseTesters)
	}
	if kind == driver.Weight {
		first := d.spec.FirstPhase()
		c.Percent, c.Variables, c.UseStageCache = first.Percent, d.spec.VariablesIn(first.ID), d.spec.UseStageCache
	}
	return c
}

// found is what a call's preparation says, by target.
type found struct {
	findings         map[string][]driver.Finding
	unchanged, first map[string]bool
	releases, runs   map[string]driver.Release // what it would make run there, and what runs
}

func lookAt(prepared driver.Prepared) found {
	f := found{
		findings: map[string][]driver.Finding{}, unchanged: setOf(prepared.Unchanged), first: setOf(prepared.First),
		releases: make(map[string]driver.Release, len(prepared.Call.Changes)), runs: prepared.Runs,
	}
	for _, finding := range prepared.Findings {
		f.findings[finding.Target] = append(f.findings[finding.Target], finding)
	}
	for _, c := range prepared.Call.Changes {
		f.releases[c.Target.Name] = c.Release
	}
	return f
}

// of are the findings about a target; those about the whole call are told with
// the first that asks.
func (f found) of(name string) []driver.Finding {
	about := slices.Concat(f.findings[""], f.findings[name])
	delete(f.findings, "")
	return about
}

// take reads what was found for a draft.
func (d *draft) take(f found) {
	name := d.name()
	for _, finding := range f.of(name) {
		switch finding.Severity {
		case driver.Refuse, driver.Foreign:
			d.refusals = append(d.refusals, Refusal{Target: name, Findings: []driver.Finding{finding}})
		default:
			d.findings = append(d.findings, finding)
		}
	}
	d.first, d.runs = f.first[name], f.runs[name]
	d.unchanged = f.unchanged[name] && !d.unproven() && !d.testersAlone()
	switch {
	case d.release.ID != "":
	case d.unchanged:
		d.setRelease(d.runs)
	default:
		d.setRelease(f.releases[name])
	}
}

// testersAlone reports whether what is there already stands for testers alone: that is
// not what is asked for.
func (d *draft) testersAlone() bool {
	return !d.spec.Remote && firstKind(d.spec) == driver.Host && d.runs.ID != d.release.ID
}

// unproven reports whether what runs is a release whose rollout failed here: that
// it runs proves nothing.
func (d *draft) unproven() bool {
	newest, ok := d.record.Newest()
	return ok && newest.Spec.Release.ID == d.release.ID && newest.Rollout.State == rollout.StateFailed
}

// testersLeft looks at what stands for testers where no canary has traffic.
func (from reader) testersLeft(ctx context.Context, d *draft) {
	for _, kind := range []driver.Kind{driver.Unroute, driver.Unhost} {
		if !d.unchanged || d.spec.Header == nil {
			return
		}
		d.unchanged, d.prepared, d.findings = false, nil, nil
		d.spec.Phases = []rollout.PhaseSpec{{ID: rollout.PhaseStable, Effects: []driver.Kind{kind}}}
		from.preflight(ctx, []*draft{d})
	}
}

// lookBack asks the platform whether the target can go back. One that does not
// answer goes back all the same, when it does.
func (from reader) lookBack(ctx context.Context, d *draft, trial *rollout.Record) {
	x, ok := goingBack(trial, d.spec.Promotion)
	if !ok {
		return // it was withdrawn: nothing is to be sent
	}
	change := driver.Change{
		Target: d.spec.Target, Release: x.Spec.Release, Phase: rollout.PhaseStable, Job: rollout.JobDeploy,
		Baseline: []byte(x.Baseline), Options: driver.Options{Resolved: true},
	}
	call := driver.Call{Key: "preflight/" + d.spec.Promotion, Kind: driver.Rollback, Changes: []driver.Change{change}}
	at := from.work.Now()
	prepared, err := from.platform.Prepare(ctx, call)
	if err != nil {
		from.unprepared([]*draft{d}, err)
		return
	}
	d.prepared, d.readAt, d.runs = &prepared, at, prepared.Runs[d.name()]
	for _, f := range prepared.Findings {
		switch f.Severity {
		case driver.Refuse:
			d.refusals = append(d.refusals, Refusal{Target: d.name(), Findings: []driver.Finding{f}})
		case driver.Foreign: // whoever was there: the goal is wanted
			f.Severity = driver.Warn
			d.findings = append(d.findings, f)
		default:
			d.findings = append(d.findings, f)
		}
	}
	d.release = x.Spec.Release
}

// goingBack finds the rollback that a record has got in a promotion.
func goingBack(r *rollout.Record, promotion string) (*rollout.Execution, bool) {
	for i := range slices.Backward(r.Rollouts) {
		if x := &r.Rollouts[i]; x.Spec.Promotion == promotion && x.Rollout.RollbackOfRollout != "" {
			return x, true
		}
	}
	return nil, false
}
