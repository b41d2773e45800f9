package planner

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sluice/internal/ledger"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// proof finds the release that each target of a promotion gets, and that the stages
// before have proven it.
type proof struct {
	Promotion
	reader
	overrides []string // blocks that whoever promotes passes
	state     *ledger.State
	runs      map[string]Reading // what the sources run, by target
}

// pin finds the release that each draft brings: what its source runs, or what
// was named.
func (f proof) pin(ctx context.Context, drafts []*draft) {
	for _, d := range open(drafts) {
		if d.source == nil {
			d.named(f.Promotion)
			continue
		}
		reading := f.runs[d.source.Name.Value]
		if reading.Err != nil {
			f.unread(d, d.source.Name.Value, reading.Err)
			continue
		}
		d.release = reading.Live.Release
		f.prove(d, d.source, reading.Live, f.release(d.target))
		f.soak(d, f.state.Records[d.source.Name.Value], reading.Live)
		f.beside(ctx, d)
	}
}

// beside looks at the other stages that have to run the release too.
func (f proof) beside(ctx context.Context, d *draft) {
	for _, other := range d.beside {
		name := other.Name.Value
		if !d.open() {
			return
		}
		reading := f.runs[name]
		if reading.Err != nil {
			f.unread(d, name, reading.Err)
			return
		}
		f.prove(d, other, reading.Live, f.calledThere(ctx, other, reading.Live.Release, d.release.ID))
		f.soak(d, f.state.Records[name], reading.Live)
	}
}

// calledThere is what a target calls the release that another target knows by an id:
// the same, unless it has another id within the target's reach.
func (f proof) calledThere(ctx context.Context, t *pipeline.Target, runs driver.Release, id string) string {
	if runs.ID == "" || runs.Called(id) {
		return id
	}
	known, err := f.platform.Resolve(ctx, t.Driver(), id)
	if err != nil || !known.Is(id) {
		return id
	}
	return known.ID
}

// prove refuses a release that a target of a stage before does not run, or has not
// proven. wanted is the release that it has to run; "" whatever it runs.
func (f proof) prove(d *draft, before *pipeline.Target, live driver.Live, wanted string) {
	source, runs := before.Name.Value, live.Release
	switch {
	case runs.ID == "":
		d.refuse(fmt.Sprintf("nothing runs on %s yet, so there is nothing to promote", source),
			fmt.Sprintf("deploy there first, or `sluice promote --to %s --release ID`", before.Stage.Name.Value))
	case wanted != "" && !runs.Called(wanted):
		d.refuse(fmt.Sprintf("release %s does not run on %s; %s does", wanted, source, runs.ID),
			"promote it there first, or say --skip-stages --reason \"…\" for a hot fix")
	case live.Pending != nil && !f.SkipStages:
		d.refuse(fmt.Sprintf("%s is about to run something newer, %s, which is not over there", source, live.Pending.ID),
			"wait for it, or say --skip-stages --reason \"…\" for a hot fix")
	case !f.SkipStages:
		f.byRecord(f.state.Records[source], d, source, runs)
	}
}

// byRecord refuses a release that the source's record does not speak well of.
func (f proof) byRecord(r *rollout.Record, d *draft, source string, runs driver.Release) {
	if r == nil {
		return
	}
	if blocks := abandoned(r, runs.ID, f.overrides); len(blocks) > 0 {
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
	if known := r.Release; known != nil && known.ID != runs.ID && !f.AcceptDrift {
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

// named takes the release that was named.
func (d *draft) named(req Promotion) {
	wanted := req.release(d.target)
	if wanted == "" {
		d.refuse(fmt.Sprintf("stage %s is the first of its chain, so no stage before it tells which release to promote", d.target.Stage.Name.Value), "name one with --release")
		return
	}
	d.release = driver.Release{ID: wanted}
}

// soak notes until when a release has to stand on a stage before, where the stage
// says for how long: until it has stood on each of them. A hot fix leaves them out.
func (f proof) soak(d *draft, source *rollout.Record, runs driver.Live) {
	if f.Stage.Soak <= 0 || f.SkipStages {
		return
	}
	if until := f.stands(source, runs).Add(f.Stage.Soak).UTC(); until.After(d.soaks) {
		d.soaks = until
	}
}

// stands is since when a release has stood on its source: since our rollout of it
// was over, or since the platform says. Where nobody can say that it stood before,
// it counts from now on.
func (f proof) stands(source *rollout.Record, runs driver.Live) time.Time {
	since := runs.Since
	if source != nil {
		for _, e := range slices.Backward(source.Rollouts) {
			if ended := e.Rollout.DeployEndTime; e.Touched() && !ended.IsZero() {
				if e.Spec.Release.ID == runs.Release.ID && ended.After(since) {
					since = ended
				}
				break
			}
		}
	}
	if since.IsZero() {
		return f.work.Now()
	}
	return since
}
