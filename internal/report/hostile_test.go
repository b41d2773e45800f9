package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice/internal/outside/outsidetest"
	"sluice/internal/view"
	"sluice/rollout"
)

// TestHostileEverywhere: whichever text of what is told comes from outside, nothing in
// it acts: not in a summary, and not on a terminal.
func TestHostileEverywhere(t *testing.T) {
	p, now := shop(t), time.Date(2026, 11, 22, 14, 30, 0, 0, time.UTC)
	summary := func(out view.Outcome) string { return Summary(p, "promote", out, "") }
	for _, state := range []rollout.PromotionStatus{rollout.PromotionSucceeded, rollout.PromotionPending, rollout.PromotionFailed} {
		base := toldOf(state)
		planted(t, "summary", base, summary, func(md string) []string { return outsidetest.Markdown(md) })
		planted(t, "text", base, func(out view.Outcome) string { return Text("promote", out) }, outsidetest.Terminal)
		status := view.TargetStatus{
			Target: base.Targets[0], Runs: "v41", Shares: []view.Share{{Release: "v41", Percent: "90"}, {Release: "v42", Percent: "10"}}, Lease: &view.Lease{},
			Approval: &view.Approval{Given: []view.Approver{{}}}, Drift: true, Problem: "away",
		}
		for _, all := range []bool{true, false} {
			planted(t, "status", status, func(s view.TargetStatus) string { return Status(many(s, 30), all, now) }, outsidetest.Terminal)
		}
	}
	planted(t, "history", view.PastRollout{}, func(r view.PastRollout) string { return History([]view.PastRollout{r}) }, outsidetest.Terminal)
	planted(t, "detail", view.Detail{}, Detail, outsidetest.Terminal)
	planted(t, "events", view.PastEvent{}, func(e view.PastEvent) string { return Events([]view.PastEvent{e}) }, outsidetest.Terminal)
	for _, words := range []string{outsidetest.Words, outsidetest.Null, outsidetest.Long()} {
		for _, md := range []string{Page(p, words, view.Outcome{Status: view.Status(words)}, words), Summary(p, words, toldOf(rollout.PromotionFailed), words), Summary(nil, "plan", view.Outcome{}, words)} {
			report(t, fmt.Sprintf("%.10q", words), md, outsidetest.Markdown(md))
		}
	}
}

// toldOf is an outcome with something of everything that is told.
func toldOf(state rollout.PromotionStatus) view.Outcome {
	at := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	target := view.Target{
		Target: "api", Stage: "production", Platform: "here", Release: "v42", Rollout: "v42-to-api-0001", Promotion: "p-1", Status: state,
		BlockedBy: []view.Block{{ID: "lock-1", Kind: rollout.BlockLock}}, Queued: []view.Queued{{}}, Automation: []view.Automation{{}},
		Measures: []view.Measure{{Check: "errors", Trend: []view.Trend{{At: at, Value: 1}, {At: at, Value: 2}}}},
	}
	switch state {
	case rollout.PromotionFailed:
		target.ErrorMessage, target.Stands, target.Ways = "it smokes", "v41", []string{"sluice retry-job"}
	case rollout.PromotionPending:
		target.WaitingFor = &view.Waiting{Kind: rollout.WaitOperator, By: "somebody", Command: "sluice retry-job", Or: "sluice ignore-job", Workflow: "gh workflow run"}
	}
	return view.Outcome{Status: view.Failed, Promotion: "p-1", Release: "v42", Targets: []view.Target{target}}
}

func many(s view.TargetStatus, n int) []view.TargetStatus {
	list := make([]view.TargetStatus, n)
	for i := range list {
		list[i] = s
	}
	return list
}

// planted puts hostile text into each place of what is shown, one after the other.
func planted[T any](t *testing.T, what string, base T, show func(T) string, judge func(string) []string) {
	t.Helper()
	for _, place := range outsidetest.PlacesOf[T]() {
		for _, words := range []string{outsidetest.Words, outsidetest.Null} {
			v := base
			place.Put(&v, words)
			text := show(v)
			report(t, what+" of "+place.Path, text, judge(text))
		}
	}
}

func report(t *testing.T, what, text string, wrong []string) {
	t.Helper()
	if len(wrong) > 0 {
		t.Errorf("%s: %s\n%.2000s", what, strings.Join(wrong, "; "), text)
	}
}
