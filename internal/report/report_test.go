package report

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

var update = flag.Bool("update", false, "rewrite the golden files") //nolint:gochecknoglobals // the flag package wants one

const file = `name: shop
stages:
  - name: staging
    targets:
      - {name: api-staging, here: {place: a}}
  - name: production
    targets:
      - {name: api, here: {place: b}}
      - {name: api-us, from: api-staging, here: {place: c}}
`

func shop(t *testing.T) *pipeline.Pipeline {
	t.Helper()
	facts := []driver.Facts{{
		Platform: "here", Kinds: []driver.Kind{driver.Deploy, driver.Rollback},
		Keys: []driver.Key{{Name: "place", Type: driver.String, Required: true, Identity: true}},
	}}
	p, problems := pipeline.Parse("shop.yaml", []byte(file), facts)
	if pipeline.Failed(problems) {
		t.Fatal(pipeline.Format(problems))
	}
	return p
}

func outcomes() map[string]view.Outcome {
	until := time.Date(2026, 11, 22, 14, 30, 0, 0, time.UTC)
	target := view.Target{
		Target: "api", Stage: "production", Platform: "here", Release: "v42", Rollout: "v42-to-api-0001", Promotion: "p-1",
	}
	with := func(change func(*view.Target)) view.Target {
		t := target
		change(&t)
		return t
	}
	return map[string]view.Outcome{
		"succeeded": {Status: view.Succeeded, Promotion: "p-1", Release: "v42", Targets: []view.Target{
			with(func(t *view.Target) { t.Status, t.State = rollout.PromotionSucceeded, rollout.StateSucceeded }),
		}},
		"unchanged": {Status: view.Unchanged, Release: "v42", Targets: []view.Target{
			{Target: "api", Stage: "production", Platform: "here", Release: "v42", Status: rollout.PromotionSucceeded, Unchanged: true},
		}},
		"bakes": {Status: view.Pending, Promotion: "p-1", Release: "v42", Next: until, Targets: []view.Target{
			with(func(t *view.Target) {
				t.Status, t.State, t.Phase = rollout.PromotionPending, rollout.StateInProgress, "canary-50"
				t.WaitingFor = &view.Waiting{Kind: rollout.WaitBake, Until: until, Command: "sluice reconcile"}
			}),
		}},
		"asks": {Status: view.Pending, Promotion: "p-1", Release: "v42", Targets: []view.Target{
			with(func(t *view.Target) {
				t.Status, t.State, t.Phase = rollout.PromotionPending, rollout.StateInProgress, "stable"
				t.WaitingFor = &view.Waiting{Kind: rollout.WaitOperator, By: "somebody <else> changed it", Command: "sluice retry-job --target api", Or: "sluice ignore-job --target api"}
			}),
		}},
		"hostile": {Status: view.Failed, Promotion: "p-1", Targets: []view.Target{
			with(func(t *view.Target) {
				t.Release = "v1|`x`\n::set-output name=a::b"
				t.Status, t.State = rollout.PromotionFailed, rollout.StateFailed
				t.ErrorMessage = "<img src=x onerror=alert(1)> @octocat see https://evil.example #1\n\n# Pwned | x | y"
			}),
			with(func(t *view.Target) {
				t.Target, t.Release, t.Status, t.State = "api-us", "v1\"]; click s0 call alert()", rollout.PromotionSucceeded, rollout.StateSucceeded
			}),
		}},
		"none": {Status: view.Unchanged},
	}
}

// TestGolden holds what people read against testdata/*.
func TestGolden(t *testing.T) {
	p := shop(t)
	for name, out := range outcomes() {
		golden(t, name+".md", Summary(p, "promote", out, ""))
		golden(t, name+".txt", Text("promote", out))
	}
	golden(t, "refused.md", Summary(p, "promote", view.Outcome{Status: view.Refused}, "api: ```no```\nweb: <b>locked</b>"))
	golden(t, "page.md", Page(p, "plan", view.Outcome{Status: view.Succeeded}, "production/api (here)\n  sends  `x`\n"))
	golden(t, "unbound.md", Summary(nil, "", view.Outcome{Status: view.Error}, "no pipeline file"))
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// TestSummaryOfHostileText: what a platform or the state says never becomes
// another row, another block, or a node that is more than text.
func TestSummaryOfHostileText(t *testing.T) {
	for _, bad := range hostile() {
		out := view.Outcome{Status: view.Failed, Promotion: bad, Release: bad, Targets: []view.Target{
			{
				Target: "api", Stage: "production", Platform: "here", Release: bad, Rollout: bad, State: rollout.State(bad), Phase: bad, ErrorMessage: bad,
				WaitingFor: &view.Waiting{Kind: rollout.WaitOperator, By: bad, Command: bad},
			},
		}}
		md := Summary(shop(t), "promote", out, bad)
		if rows, cells, html := survey(md); rows != 1 || cells != 14 || html != 0 {
			t.Errorf("%q makes %d rows, %d cells and %d links or tags:\n%s", bad, rows, cells, html, md)
		}
	}
}

// TestDiagram: a release cannot leave its box.
func TestDiagram(t *testing.T) {
	p := shop(t)
	for _, bad := range hostile() {
		out := view.Outcome{Targets: []view.Target{{Target: "api", Stage: "production", Release: bad, Status: rollout.PromotionFailed}}}
		diagram := Diagram(p, out)
		if lines := strings.Count(diagram, "\n"); lines != 11 {
			t.Errorf("%q makes a diagram of %d lines:\n%s", bad, lines, diagram)
		}
		if strings.Count(diagram, `"`) != 4 || strings.ContainsAny(diagram, "<&;@#") != strings.Contains(diagram, "#") {
			t.Errorf("%q leaves its box:\n%s", bad, diagram)
		}
	}
	if Diagram(nil, view.Outcome{}) != "" {
		t.Error("a diagram of no pipeline")
	}
}

// TestStatus: a column for what blocks, and a line for each thing that the table
// has no room for.
func TestStatus(t *testing.T) {
	got := Status([]view.TargetStatus{
		{
			Target: view.Target{
				Target: "api", Stage: "production", Platform: "here", Rollout: "v42-to-api-0001", State: rollout.StateInProgress, Phase: "canary-50",
				BlockedBy: []view.Block{{ID: "lock-1", Kind: rollout.BlockLock, By: "anna", Reason: "incident 12"}, {ID: "freeze", Kind: rollout.BlockPolicy}},
			},
			Runs: "v41", Drift: true, Says: "v40",
		},
		{Target: view.Target{Target: "web", Stage: "production", Platform: "here"}, Runs: "5f0c", RunsName: "v7", Problem: "no\nanswer"},
	})
	want := `STAGE       TARGET  PLATFORM  RUNS                             ROLLOUT          STATE        PHASE      BLOCKED BY
production  api     here      v41 (drift: the state says v40)  v42-to-api-0001  IN_PROGRESS  canary-50  lock-1, freeze
production  web     here      v7 (5f0c)                        -                -            -          -
api is locked by anna: incident 12; ` + "`sluice unlock --target api --reason '…'`" + ` ends it
api is held back by policy freeze
web could not be asked: no answer
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTable(t *testing.T) {
	got := Table([]string{"A", "B", "C"}, [][]string{{"x", "", "1"}, {"longer", "", ""}})
	if want := "A       C\nx       1\nlonger  -\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := Table([]string{"A"}, nil); got != "" {
		t.Errorf("a table of nothing is %q", got)
	}
}
