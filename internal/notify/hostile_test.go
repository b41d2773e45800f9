package notify_test

import (
	"net/http"
	"strings"
	"testing"

	"sluice/internal/notify"
	"sluice/internal/outside/outsidetest"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
)

// TestHostileEverywhere: whichever text of a message comes from outside, Slack calls
// nobody and leads nowhere for it, and the event is one JSON document. A field that is
// added has its place here by itself.
func TestHostileEverywhere(t *testing.T) {
	env := map[string]string{"SLACK": "https://hooks.slack.example/services/T/B/x"}
	for _, place := range outsidetest.PlacesOf[notify.Message]() {
		for _, status := range []view.Status{view.Succeeded, view.Failed, view.Pending} {
			for _, words := range []string{outsidetest.Words, outsidetest.Null} {
				m := outcome(status)
				m.Error, m.Outcome.Targets[0].ErrorMessage = "it smokes", "it smokes"
				if status == view.Pending {
					m.Outcome.Targets[0].ErrorMessage, m.Outcome.Targets[0].WaitingFor = "", &view.Waiting{Kind: rollout.WaitApproval, Command: "sluice approve"}
				}
				place.Put(&m, words)
				s := &site{answers: []int{http.StatusOK}}
				warnings, _ := told(t, s, env, m, hook("https://hooks.example/x", pipeline.Told()...), &pipeline.Hook{Slack: "SLACK", Events: pipeline.Told()})
				if place.Path == "Outcome.Status" {
					continue // it says who is told
				}
				if len(warnings) > 0 || len(s.sent) != 2 {
					t.Fatalf("%s: %d were told; %q", place.Path, len(s.sent), warnings)
				}
				if wrong := outsidetest.Document(s.sent[0]); len(wrong) > 0 {
					t.Errorf("%s: the event: %s", place.Path, strings.Join(wrong, "; "))
				}
				if wrong := outsidetest.Slack([]byte(s.sent[1])); len(wrong) > 0 {
					t.Errorf("%s: Slack: %s\n%s", place.Path, strings.Join(wrong, "; "), s.sent[1])
				}
			}
		}
	}
}
