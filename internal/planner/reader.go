package planner

import (
	"context"
	"fmt"

	"sluice/internal/work"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// runs is what the sources run, each asked once.
func (from reader) runs(ctx context.Context, drafts []*draft) map[string]Reading {
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
	return from.live(ctx, list)
}

// live reads what runs on targets, by their names; nothing is asked where nothing
// is wanted.
func (from reader) live(ctx context.Context, targets []driver.Target) map[string]Reading {
	readings := make(map[string]Reading, len(targets))
	if len(targets) == 0 {
		return readings
	}
	for i, reading := range from.platform.Live(ctx, targets) {
		readings[targets[i].Name] = reading
	}
	return readings
}

// resolve completes the releases: that they exist within the target's reach, and
// when they were made. A release that several targets reach alike is asked for
// once by the platform room.
func (from reader) resolve(ctx context.Context, drafts []*draft) {
	from.sideBySide(ctx, open(drafts), func(ctx context.Context, d *draft) {
		if !d.release.CreateTime.IsZero() {
			return
		}
		known, err := from.platform.Resolve(ctx, d.target.Driver(), d.release.ID)
		if err != nil {
			from.unread(d, d.name(), err)
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
func (from reader) unread(d *draft, asked string, err error) {
	if w, later := from.later(asked, err); later {
		d.pending = &w
		return
	}
	d.refusals = append(d.refusals, refuse(d.name(), err.Error(), ""))
}

// later reports whether a platform may answer the same later, and what is
// waited for until then.
func (from reader) later(asked string, err error) (rollout.Waiting, bool) {
	switch from.platform.CodeOf(err) {
	case driver.Retryable, driver.Lost, driver.Unknown:
	default:
		return rollout.Waiting{}, false
	}
	w := rollout.Waiting{Kind: rollout.WaitPlatform, Target: asked, Message: err.Error()}
	if from.platform.Busy(err) {
		w.Cause = rollout.CauseBusy
	}
	if after := from.platform.RetryAfter(err); after > 0 {
		w.Until = from.work.Now().Add(after).UTC()
	}
	return w, true
}

// comesNewer claims of no target that nothing is left to do while something newer
// is on its way there.
func (from reader) comesNewer(ctx context.Context, drafts []*draft) {
	var targets []driver.Target
	for _, d := range open(drafts) {
		if d.unchanged {
			targets = append(targets, d.target.Driver())
		}
	}
	readings := from.live(ctx, targets)
	for _, d := range open(drafts) {
		reading, asked := readings[d.name()]
		switch {
		case !asked:
		case reading.Err != nil:
			d.unchanged = false
			from.unread(d, d.name(), reading.Err)
		case reading.Live.Pending != nil:
			d.unchanged = false
			d.pending = &rollout.Waiting{
				Kind: rollout.WaitPlatform, Cause: rollout.CauseBusy, Target: d.name(),
				Message: "release " + reading.Live.Pending.ID + " is on its way there and not over",
			}
		}
	}
}

// canary is what the canary of a target runs; without an id where none stands, or
// nobody can tell.
func (from reader) canary(ctx context.Context, d *draft) driver.Release {
	var canary driver.Release
	live := from.live(ctx, []driver.Target{d.target.Driver()})[d.name()].Live
	for _, share := range live.Shares {
		if share.Release.ID != live.Release.ID {
			canary = share.Release
		}
	}
	return canary
}

// reader reads platforms for drafts. It changes nothing but these: a draft says what
// was found, or why nobody can tell.
type reader struct {
	platform Platform
	work     *work.Work
}

// sideBySide does a thing for each draft, at most as many at once as there are
// places. What went wrong stands in the drafts.
func (from reader) sideBySide(ctx context.Context, drafts []*draft, do func(context.Context, *draft)) {
	from.work.SideBySide(from.work.Places, len(drafts), func(i int) { do(ctx, drafts[i]) })
}

// refuseOlder refuses a release that the platform made before the one under way.
func (from reader) refuseOlder(ctx context.Context, d *draft, active *rollout.Execution) {
	theirs := active.Spec.Release
	if theirs.CreateTime.IsZero() && theirs.ID != "" {
		known, err := from.platform.Resolve(ctx, d.target.Driver(), theirs.ID)
		if err != nil {
			from.unread(d, d.name(), err)
			return
		}
		theirs = known
	}
	if d.release.CreateTime.IsZero() || theirs.CreateTime.IsZero() || !d.release.CreateTime.Before(theirs.CreateTime) {
		return
	}
	d.refuse(fmt.Sprintf("release %s is older than %s, which is being rolled out (%s is %s)", d.release.ID, theirs.ID, active.Rollout.Name, active.Rollout.State),
		"promote a newer release, or say --allow-older")
}
