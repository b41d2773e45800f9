package page

import (
	"strings"
	"testing"
	"time"

	"sluice/internal/outside/outsidetest"
	"sluice/internal/view"
	"sluice/rollout"
)

// TestHostileEverywhere: whichever text of a report comes from outside, a browser does
// nothing for it. A field that is added has its place here by itself.
func TestHostileEverywhere(t *testing.T) {
	for _, place := range outsidetest.PlacesOf[view.Reported]() {
		for _, words := range []string{outsidetest.Words, outsidetest.Null} {
			r := small()
			place.Put(&r, words)
			if wrong := outsidetest.Page(rendered(t, r)); len(wrong) > 0 {
				t.Errorf("%s: %s", place.Path, strings.Join(wrong, "; "))
			}
		}
	}
}

// small is a report with one of everything.
func small() view.Reported {
	one := target("production", "api", "v59")
	one.Status, one.Moving, one.Phase, one.Problem, one.Unasked = rollout.PromotionPending, "v60", "canary-10", "away", "could not be asked"
	one.WaitingFor, one.Notes, one.Commands, one.Drift = &view.Waiting{Kind: rollout.WaitApproval}, []string{"waits"}, []string{"sluice approve"}, true
	one.Shares = []view.Share{{Release: "v59", Percent: "90"}, {Release: "v60", Percent: "10"}}
	past := passed("production", "api", "p-1", "v59", t0, rollout.StateFailed)
	past.Measures, past.Reason = []view.Measure{{Check: "errors"}}, "because"
	r := view.Reported{
		Pipeline: "shop", Description: "The shop", At: t0.Add(time.Hour), Rollouts: []view.ReportedRollout{past}, Orphans: []view.ReportedTarget{one},
		Stages: []view.ReportedStage{{Name: "production", After: []string{"staging"}, Approvers: []string{"anna"}, Quorum: 1, Targets: []view.ReportedTarget{one}}},
	}
	r.Deliveries = []view.Delivery{view.DeliveryOf("production", r.Rollouts, r.At)}
	return r
}
