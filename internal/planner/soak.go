package planner

import (
	"fmt"
	"time"

	"sluice/internal/ledger"
	"sluice/rollout"
)

// gone ends what soaked for a stage that its release stands on no more: it went
// back there, or something newer came. Nothing where it still does.
func gone(state *ledger.State, r *rollout.Record, by rollout.Actor) []rollout.Transition {
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
		return []rollout.Transition{rollout.Cancel{Rollout: e.Rollout.Name, By: by, Cause: fmt.Sprintf(
			"%s was to stand on %s until %s, and %s runs there now", e.Spec.Release.ID, name, e.Spec.SoakUntil.Format(time.RFC3339), before.Release.ID)}}
	}
	return nil
}
