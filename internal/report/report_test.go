package report

import (
	"flag"
	"fmt"
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
		Previous: "v41", Commit: "1234567890abcdef1234567890abcdef12345678", RunURL: "https://github.example/octo/shop/actions/runs/7/attempts/2",
		Console: "https://console.example/places/b?in=(somewhere)",
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
				t.Console, t.RunURL, t.Commit = "javascript:alert(1)", "https://evil.example/actions/runs/7](https://x) | y", "<b>"
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
				RunURL: "https://github.example/octo/shop/actions/runs/7" + bad + "x", Commit: bad,
				WaitingFor: &view.Waiting{Kind: rollout.WaitOperator, By: bad, Command: bad},
			},
		}}
		md := Summary(shop(t), "promote", out, bad)
		if rows, cells, html := survey(md); rows != 1 || cells != 16 || html != 0 {
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
// has no room for. Nothing is wider than a terminal.
func TestStatus(t *testing.T) {
	now := time.Date(2026, 11, 22, 14, 30, 0, 0, time.UTC)
	got := Status([]view.TargetStatus{
		{
			Target: view.Target{
				Target: "api", Stage: "production", Platform: "here", Rollout: "v42-to-api-0001", State: rollout.StateInProgress, Phase: "canary-50",
				BlockedBy: []view.Block{{ID: "lock-1", Kind: rollout.BlockLock, By: "anna", Reason: "incident 12"}, {ID: "freeze", Kind: rollout.BlockPolicy}},
			},
			Runs: "v41", Drift: true, Says: "v40", Since: now.Add(-time.Hour),
		},
		{
			Target: view.Target{Target: "web", Stage: "production", Platform: "here"}, Runs: "5f0c", RunsName: "v7", Since: now.AddDate(0, 0, -2),
			Problem: "no\nanswer", LookedAt: now.Add(-time.Minute),
		},
	}, false, now)
	want := `STAGE       TARGET  RUNS         SINCE       ROLLOUT          STATE        PHASE      BLOCKED BY
production  api     v41 (drift)  13:30:00Z   v42-to-api-0001  IN_PROGRESS  canary-50  lock-1, freeze
production  web     v7 (5f0c)    2026-11-20  -                -            -          -
api shows drift: the state says v40, and somebody else changed it
api is locked by anna: incident 12; ` + "`sluice unlock --target api --reason '…'`" + ` ends it
api is held back by policy freeze
web could not be asked, last seen at 2026-11-22T14:29:00Z: no answer
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestFolded: a stage of many targets is told by its states, and only what
// somebody has to look at by name; all of them where they are wanted.
func TestFolded(t *testing.T) {
	targets := []view.TargetStatus{{Target: view.Target{Target: "first", Stage: "staging", Platform: "here", State: rollout.StateSucceeded}, Runs: "v42"}}
	for i := range 300 {
		one := view.Target{Target: fmt.Sprintf("eu-%d", i), Stage: "production", Platform: "here", State: rollout.StateSucceeded}
		runs := "v42"
		switch {
		case i == 7:
			one.State, one.ErrorMessage = rollout.StateFailed, "verify failed"
		case i >= 200:
			one.State, one.Phase, runs = rollout.StateInProgress, "canary-10", "v41"
			one.WaitingFor = &view.Waiting{Kind: rollout.WaitBake}
		}
		targets = append(targets, view.TargetStatus{Target: one, Runs: runs})
	}
	want := `STAGE    TARGET  PLATFORM  RUNS  STATE
staging  first   here      v42   SUCCEEDED

STAGE       TARGETS  RUNS  STATE        PHASE      WAITS FOR  SUCH AS
production  199      v42   SUCCEEDED    -          -          eu-0
production  1        v42   FAILED       -          -          eu-7
production  100      v41   IN_PROGRESS  canary-10  bake       eu-200
eu-7 failed: verify failed
`
	if got := Status(targets, false, time.Time{}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := strings.Count(Status(targets, true, time.Time{}), "\nproduction  "); got != 300 {
		t.Errorf("--all lists %d targets", got)
	}
}

// TestWidth: whatever the platforms call their releases, a line has room on a
// terminal, and no command is broken.
func TestWidth(t *testing.T) {
	digest := "sha256:8ee6ae0c77183446758e0da5f718e48311752b29bd3b1dbe92dacb9187135156"
	one := view.Target{
		Target: strings.Repeat("target-", 8) + "1", Stage: strings.Repeat("s", 40), Platform: "here", State: rollout.StatePendingApproval,
		Rollout: strings.Repeat("r", 60), Phase: "canary-10", BlockedBy: []view.Block{{ID: "went-back-" + strings.Repeat("x", 50), Kind: rollout.BlockWentBack}},
	}
	got := Status([]view.TargetStatus{{Target: one, Runs: digest, Shares: []view.Share{{Release: digest, Percent: "90"}, {Release: digest, Percent: "10"}}}}, false, time.Time{})
	for line := range strings.Lines(got) {
		if line = strings.TrimRight(line, "\n"); len([]rune(line)) > Width && !strings.HasPrefix(line, indent+"`") {
			t.Errorf("%d columns: %s", len([]rune(line)), line)
		}
		if strings.Count(line, "`")%2 != 0 {
			t.Errorf("a command is broken: %s", line)
		}
	}
	if !strings.Contains(got, "8ee6ae0c7718") {
		t.Errorf("the release is not named:\n%s", got)
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

// TestLink: a link leads to a page, and whatever its address holds stays in it.
func TestLink(t *testing.T) {
	for address, want := range map[string]string{
		"https://console.example/a?b=c":      "[api](https://console.example/a?b=c)",
		"https://console.example/(a)|[b]<c>": "[api](https://console.example/%28a%29%7C%5Bb%5D%3Cc%3E)",
		"javascript:alert(1)":                "api",
		"//evil.example":                     "api",
		"":                                   "api",
	} {
		if got := link("api", address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
