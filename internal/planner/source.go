package planner

import (
	"context"
	"fmt"
	"slices"

	"sluice/internal/ledger"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// fromSources finds the target that each release comes from.
func (p *Planner) fromSources(req Promotion, drafts []*draft) {
	for _, d := range drafts {
		source, err := p.source(req, d.target)
		if err != nil {
			d.refuse(err.Error(), "")
			continue
		}
		d.source = source
		if source != nil {
			d.beside = p.alsoRun(req, d.target, source)
		}
	}
}

// alsoRun are the targets that have to run t's release beside its source: every stage
// that t's comes after has proven it. A hot fix leaves them out, and so does what is
// brought back from a later stage.
func (p *Planner) alsoRun(req Promotion, t, source *pipeline.Target) []*pipeline.Target {
	if req.SkipStages || !slices.Contains(p.Pipeline.Previous(t.Stage), source.Stage) {
		return nil
	}
	return p.Pipeline.Beside(t, source)
}

// source is the target that t's release comes from; nil where a release must be
// named.
func (p *Planner) source(req Promotion, t *pipeline.Target) (*pipeline.Target, error) {
	switch {
	case req.From != nil:
		return p.sourceIn(req, t)
	case req.SkipStages && req.release(t) != "":
		return nil, nil
	case req.SkipStages:
		return p.chainStart(t)
	default:
		return p.Pipeline.Source(t)
	}
}

// sourceIn finds t's source in a stage that was named.
func (p *Planner) sourceIn(req Promotion, t *pipeline.Target) (*pipeline.Target, error) {
	if !slices.Contains(p.Pipeline.Previous(t.Stage), req.From) && !req.SkipStages && !p.Pipeline.Before(t.Stage, req.From) {
		return nil, fmt.Errorf("promoting from %s to %s leaves stages out; say --skip-stages --reason \"…\" for a hot fix", req.From.Name.Value, t.Stage.Name.Value)
	}
	alike := func(c *pipeline.Target) bool {
		return c.Stage == req.From && c.Component.Value == t.Component.Value && c.Platform.Platform == t.Platform.Platform
	}
	if named, err := p.Pipeline.Target(t.From.Value); t.From.Value != "" && err == nil && alike(named) {
		return named, nil
	}
	var found *pipeline.Target
	for _, candidate := range req.From.Of(t.Component.Value) {
		switch {
		case !alike(candidate):
		case found != nil:
			return nil, severalSources(req.From)
		default:
			found = candidate
		}
	}
	if found == nil {
		return nil, fmt.Errorf("stage %s has no target of this component on this platform", req.From.Name.Value)
	}
	return found, nil
}

func severalSources(from *pipeline.Stage) error {
	return fmt.Errorf("stage %s has several targets of this component; say which with `from` in the pipeline file", from.Name.Value)
}

// chainStart is the first target of t's chain.
func (p *Planner) chainStart(t *pipeline.Target) (*pipeline.Target, error) {
	for {
		source, err := p.Pipeline.Source(t)
		if err != nil || source == nil {
			return t, err
		}
		t = source
	}
}

// pin finds the release that each draft brings: what its source runs, or what
// was named.
func (p *Planner) pin(ctx context.Context, state *ledger.State, req Promotion, drafts []*draft) {
	runs := p.runs(ctx, open(drafts))
	for _, d := range open(drafts) {
		if d.source == nil {
			d.named(req)
			continue
		}
		reading := runs[d.source.Name.Value]
		if reading.Err != nil {
			p.unread(d, d.source.Name.Value, reading.Err)
			continue
		}
		d.release = reading.Live.Release
		p.prove(state, req, d, d.source, reading.Live, req.release(d.target))
		p.soak(req, d, state.Records[d.source.Name.Value], reading.Live)
		p.proveBeside(ctx, state, req, d, runs)
	}
}

// proveBeside looks at the other stages that have to run the release too.
func (p *Planner) proveBeside(ctx context.Context, state *ledger.State, req Promotion, d *draft, runs map[string]Reading) {
	for _, other := range d.beside {
		name := other.Name.Value
		if !d.open() {
			return
		}
		reading := runs[name]
		if reading.Err != nil {
			p.unread(d, name, reading.Err)
			return
		}
		p.prove(state, req, d, other, reading.Live, p.calledThere(ctx, other, reading.Live.Release, d.release.ID))
		p.soak(req, d, state.Records[name], reading.Live)
	}
}

// calledThere is what a target calls the release that another target knows by an id:
// the same, unless it has another id within the target's reach.
func (p *Planner) calledThere(ctx context.Context, t *pipeline.Target, runs driver.Release, id string) string {
	if runs.ID == "" || runs.Called(id) {
		return id
	}
	known, err := p.Platform.Resolve(ctx, t.Driver(), id)
	if err != nil || !known.Is(id) {
		return id
	}
	return known.ID
}

// runs is what the sources run, each asked once.
func (p *Planner) runs(ctx context.Context, drafts []*draft) map[string]Reading {
	var list []driver.Target
	have := map[string]bool{}
	for _, d := range drafts {
		if d.source == nil {
			continue
		}
		for _, t := range append([]*pipeline.Target{d.source}, d.beside...) {
			if !have[t.Name.Value] {
				have[t.Name.Value] = true
				list = append(list, t.Driver())
			}
		}
	}
	return p.live(ctx, list)
}

// live reads what runs on targets, by their names; nothing is asked where nothing
// is wanted.
func (p *Planner) live(ctx context.Context, targets []driver.Target) map[string]Reading {
	readings := make(map[string]Reading, len(targets))
	if len(targets) == 0 {
		return readings
	}
	for i, reading := range p.Platform.Live(ctx, targets) {
		readings[targets[i].Name] = reading
	}
	return readings
}

// named takes the release that was named.
func (d *draft) named(req Promotion) {
	wanted := req.release(d.target)
	if wanted == "" {
		d.refuse(fmt.Sprintf("stage %s is the first of its chain, so no stage before it tells which release to promote", d.target.Stage.Name.Value), "name one with --release")
		return
	}
	d.release = driver.Release{ID: wanted}
}

// prove refuses a release that a target of a stage before does not run, or has not
// proven. wanted is the release that it has to run; "" whatever it runs.
func (p *Planner) prove(state *ledger.State, req Promotion, d *draft, before *pipeline.Target, live driver.Live, wanted string) {
	source, runs := before.Name.Value, live.Release
	switch {
	case runs.ID == "":
		d.refuse(fmt.Sprintf("nothing runs on %s yet, so there is nothing to promote", source),
			fmt.Sprintf("deploy there first, or `sluice promote --to %s --release ID`", before.Stage.Name.Value))
	case wanted != "" && !runs.Called(wanted):
		d.refuse(fmt.Sprintf("release %s does not run on %s; %s does", wanted, source, runs.ID),
			"promote it there first, or say --skip-stages --reason \"…\" for a hot fix")
	case live.Pending != nil && !req.SkipStages:
		d.refuse(fmt.Sprintf("%s is about to run something newer, %s, which is not over there", source, live.Pending.ID),
			"wait for it, or say --skip-stages --reason \"…\" for a hot fix")
	case !req.SkipStages:
		p.proveByRecord(state.Records[source], req, d, source, runs)
	}
}

// proveByRecord refuses a release that the source's record does not speak well of.
func (p *Planner) proveByRecord(r *rollout.Record, req Promotion, d *draft, source string, runs driver.Release) {
	if r == nil {
		return
	}
	if blocks := abandoned(r, runs.ID, p.Actor.Overrides); len(blocks) > 0 {
		for _, b := range blocks {
			d.abandoned = append(d.abandoned, standing{target: source, block: b})
		}
		return
	}
	if active, ok := r.Active(); ok && active.Spec.Release.ID == runs.ID && active.Touched() && active.Spec.Command != rollout.CommandRollback {
		d.refuse(fmt.Sprintf("release %s is still being rolled out on %s (%s is %s)", runs.ID, source, active.Rollout.Name, active.Rollout.State),
			"wait for it, or say --skip-stages --reason \"…\" for a hot fix")
		return
	}
	if newest, ok := r.Newest(); ok && newest.Spec.Release.ID == runs.ID && newest.Rollout.State == rollout.StateFailed {
		d.refuse(fmt.Sprintf("release %s failed on %s: %s", runs.ID, source, newest.Rollout.FailureReason),
			fmt.Sprintf("`sluice retry-job --target %s` or `sluice ignore-job --target %s` first", source, source))
		return
	}
	if known := r.Release; known != nil && known.ID != runs.ID && !req.AcceptDrift {
		d.refuse(fmt.Sprintf("%s runs %s, but the state says %s: somebody changed it outside of Sluice", source, runs.ID, known.ID),
			"look at it, then say --accept-drift to promote what runs there")
	}
}

// abandoned are the blocks of a release that was abandoned where it runs.
func abandoned(r *rollout.Record, release string, overrides []string) []rollout.Block {
	return slices.DeleteFunc(slices.Clone(r.Blocks), func(b rollout.Block) bool {
		return b.Kind != rollout.BlockAbandon || b.Release != release || slices.Contains(overrides, b.ID)
	})
}

// resolve completes the releases: that they exist within the target's reach, and
// when they were made. A release that several targets reach alike is asked for
// once by the platform room.
func (p *Planner) resolve(ctx context.Context, drafts []*draft) {
	p.sideBySide(ctx, open(drafts), func(ctx context.Context, d *draft) {
		if !d.release.CreateTime.IsZero() {
			return
		}
		known, err := p.Platform.Resolve(ctx, d.target.Driver(), d.release.ID)
		if err != nil {
			p.unread(d, d.name(), err)
			return
		}
		if known.Digest == "" {
			known.Digest = d.release.Digest // the same artifact, which is not there yet
		}
		d.release = known
	})
}

// unread takes over that something could not be read: the target is pending
// where its platform may answer later, else refused.
func (p *Planner) unread(d *draft, asked string, err error) {
	if w, later := p.later(asked, err); later {
		d.pending = &w
		return
	}
	d.refusals = append(d.refusals, refuse(d.name(), err.Error(), ""))
}

// later reports whether a platform may answer the same later, and what is
// waited for until then.
func (p *Planner) later(asked string, err error) (rollout.Waiting, bool) {
	switch p.Platform.CodeOf(err) {
	case driver.Retryable, driver.Lost, driver.Unknown:
	default:
		return rollout.Waiting{}, false
	}
	w := rollout.Waiting{Kind: rollout.WaitPlatform, Target: asked, Message: err.Error()}
	if p.Platform.Busy(err) {
		w.Cause = rollout.CauseBusy
	}
	if after := p.Platform.RetryAfter(err); after > 0 {
		w.Until = p.Work.Now().Add(after).UTC()
	}
	return w, true
}
