package planner

import (
	"fmt"
	"slices"
	"time"

	"sluice/internal/ledger"
	"sluice/rollout"
	"sluice/stages/driver"
)

// soak notes until when a release has to stand on a stage before, where the stage
// says for how long: until it has stood on each of them. A hot fix leaves them out.
func (p *Planner) soak(req Promotion, d *draft, source *rollout.Record, runs driver.Live) {
	if req.Stage.Soak <= 0 || req.SkipStages {
		return
	}
	if until := p.stands(source, runs).Add(req.Stage.Soak).UTC(); until.After(d.soaks) {
		d.soaks = until
	}
}

// stands is since when a release has stood on its source: since our rollout of it
// was over, or since the platform says. Where nobody can say that it stood before,
// it counts from now on.
func (p *Planner) stands(source *rollout.Record, runs driver.Live) time.Time {
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
		return p.Work.Now()
	}
	return since
}

// gone ends what soaked for a stage that its release stands on no more: it went
// back there, or something newer came. Nothing where it still does.
func (p *Planner) gone(state *ledger.State, r *rollout.Record) []rollout.Transition {
	e, ok := r.Active()
	if !ok || e.Spec.SoakUntil.IsZero() || e.Spec.Source == nil || e.Rollout.State != rollout.StatePending && e.Rollout.State != rollout.StatePendingApproval {
		return nil
	}
	travels := e.Spec.Release
	if source := state.Records[e.Spec.Source.Name]; source != nil && source.Release != nil && travels.Is(source.Release.ID) {
		travels = *source.Release // which says where it came from, as the stages beside it do
	}
	for _, name := range append([]string{e.Spec.Source.Name}, e.Spec.Beside...) {
		before := state.Records[name]
		if before == nil || before.Release == nil || e.Spec.Release.Is(before.Release.ID) || travels.Same(*before.Release) {
			continue
		}
		return []rollout.Transition{rollout.Cancel{Rollout: e.Rollout.Name, By: p.Actor, Cause: fmt.Sprintf(
			"%s was to stand on %s until %s, and %s runs there now", e.Spec.Release.ID, name, e.Spec.SoakUntil.Format(time.RFC3339), before.Release.ID)}}
	}
	return nil
}
