package app

import (
	"testing"

	"sluice/internal/view"
	"sluice/pipeline"
)

// TestDispatched: a command is a run of a workflow that takes all of it, with what the
// workflow requires; of no other.
func TestDispatched(t *testing.T) {
	decide := pipeline.Dispatch{File: "decide.yml", Inputs: map[string]pipeline.Input{
		"command": {Options: []string{"approve", "unblock"}, Default: "approve"}, "stage": {Options: []string{"staging"}, Required: true, Default: "staging"},
		"target": {}, "reason": {Required: true},
	}}
	asks := pipeline.Dispatch{File: "asks.yml", Inputs: map[string]pipeline.Input{"command": {}, "ticket": {Required: true}}}
	plain := pipeline.Dispatch{File: "plain.yml", Inputs: map[string]pipeline.Input{"command": {}, "target": {}}}
	for _, test := range []struct {
		workflow pipeline.Dispatch
		command  view.Command
		want     string // "" where it does not take it
	}{
		{decide, view.Command{Name: "approve", Target: "api"}, "gh workflow run decide.yml -f command=approve -f target=api -f 'reason=…'"},
		{decide, view.Command{Name: "rollback", Target: "api"}, ""},
		{decide, view.Command{Name: "approve", Target: "api", Phase: "stable"}, ""},
		{asks, view.Command{Name: "approve"}, ""},
		{plain, view.Command{Name: "approve", Target: "it's"}, `gh workflow run plain.yml -f command=approve -f 'target=it'\''s'`},
		{plain, view.Command{Name: "unblock", Target: "api", Reason: true}, ""},
	} {
		got, ok := dispatched(test.workflow, test.command)
		if got != test.want || ok != (test.want != "") {
			t.Errorf("%s takes %+v as %q, want %q", test.workflow.File, test.command, got, test.want)
		}
	}
}
