package report

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/internal/old/rollout"
	"sluice/pipeline"
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

func outcomes() map[string]rollout.Outcome {
	until := time.Date(2026, 11, 22, 14, 30, 0, 0, time.UTC)
	target := rollout.TargetOutcome{
		Target: "api", Stage: "production", Platform: "here", Release: "v42", Rollout: "v42-to-api-0001", Promotion: "p-1",
	}
	with := func(change func(*rollout.TargetOutcome)) rollout.TargetOutcome {
		t := target
		change(&t)
		return t
	}
	return map[string]rollout.Outcome{
		"succeeded": {Status: rollout.StatusSucceeded, Promotion: "p-1", Release: "v42", Targets: []rollout.TargetOutcome{
			with(func(t *rollout.TargetOutcome) { t.Status, t.State = rollout.PromotionSucceeded, rollout.StateSucceeded }),
		}},
		"unchanged": {Status: rollout.StatusUnchanged, Release: "v42", Targets: []rollout.TargetOutcome{
			{Target: "api", Stage: "production", Platform: "here", Release: "v42", Status: rollout.PromotionSucceeded, Unchanged: true},
		}},
		"bakes": {Status: rollout.StatusPending, Promotion: "p-1", Release: "v42", Next: until, Targets: []rollout.TargetOutcome{
			with(func(t *rollout.TargetOutcome) {
				t.Status, t.State, t.Phase = rollout.PromotionPending, rollout.StateInProgress, "canary-50"
				t.WaitingFor = &rollout.Waiting{Kind: rollout.WaitBake, Until: until, Command: "sluice reconcile"}
			}),
		}},
		"asks": {Status: rollout.StatusPending, Promotion: "p-1", Release: "v42", Targets: []rollout.TargetOutcome{
			with(func(t *rollout.TargetOutcome) {
				t.Status, t.State, t.Phase = rollout.PromotionPending, rollout.StateInProgress, "stable"
				t.WaitingFor = &rollout.Waiting{Kind: rollout.WaitOperator, By: "somebody <else> changed it", Command: "sluice retry-job --target api", Or: "sluice ignore-job --target api"}
			}),
		}},
		"hostile": {Status: rollout.StatusFailed, Promotion: "p-1", Targets: []rollout.TargetOutcome{
			with(func(t *rollout.TargetOutcome) {
				t.Release = "v1|`x`\n::set-output name=a::b"
				t.Status, t.State = rollout.PromotionFailed, rollout.StateFailed
				t.ErrorMessage = "<img src=x onerror=alert(1)> @octocat see https://evil.example #1\n\n# Pwned | x | y"
			}),
			with(func(t *rollout.TargetOutcome) {
				t.Target, t.Release, t.Status, t.State = "api-us", "v1\"]; click s0 call alert()", rollout.PromotionSucceeded, rollout.StateSucceeded
			}),
		}},
		"none": {Status: rollout.StatusUnchanged},
	}
}

// TestGolden holds what people read against testdata/*.
func TestGolden(t *testing.T) {
	p := shop(t)
	for name, out := range outcomes() {
		golden(t, name+".md", Summary(p, "promote", out, ""))
		golden(t, name+".txt", Text("promote", out))
	}
	golden(t, "refused.md", Summary(p, "promote", rollout.Outcome{Status: rollout.StatusRefused}, "api: ```no```\nweb: <b>locked</b>"))
	golden(t, "page.md", Page(p, "plan", rollout.Outcome{Status: rollout.StatusSucceeded}, "production/api (here)\n  sends  `x`\n"))
	golden(t, "unbound.md", Summary(nil, "", rollout.Outcome{Status: rollout.StatusError}, "no pipeline file"))
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
		out := rollout.Outcome{Status: rollout.StatusFailed, Promotion: bad, Release: bad, Targets: []rollout.TargetOutcome{
			{
				Target: "api", Stage: "production", Platform: "here", Release: bad, Rollout: bad, State: rollout.State(bad), Phase: bad, ErrorMessage: bad,
				WaitingFor: &rollout.Waiting{Kind: rollout.WaitOperator, By: bad, Command: bad},
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
		out := rollout.Outcome{Targets: []rollout.TargetOutcome{{Target: "api", Stage: "production", Release: bad, Status: rollout.PromotionFailed}}}
		diagram := Diagram(p, out)
		if lines := strings.Count(diagram, "\n"); lines != 11 {
			t.Errorf("%q makes a diagram of %d lines:\n%s", bad, lines, diagram)
		}
		if strings.Count(diagram, `"`) != 4 || strings.ContainsAny(diagram, "<&;@#") != strings.Contains(diagram, "#") {
			t.Errorf("%q leaves its box:\n%s", bad, diagram)
		}
	}
	if Diagram(nil, rollout.Outcome{}) != "" {
		t.Error("a diagram of no pipeline")
	}
}

func TestEvents(t *testing.T) {
	tests := []struct {
		event rollout.Event
		want  string
	}{
		{rollout.Event{Type: "rollout.created", Rollout: "r-1", Message: "promote of v42"}, "rollout r-1 created: promote of v42"},
		{rollout.Event{Type: "effect.succeeded", Phase: "canary-10.5", Message: "weight", Info: map[string]string{"percent": "10.5", "release": "v42"}}, "canary-10.5: 10.5 % of the traffic to v42"},
		{rollout.Event{Type: "effect.succeeded", Phase: "canary-10", Message: "weight"}, "canary-10: its share of the traffic"},
		{rollout.Event{Type: "effect.succeeded", Phase: "stable", Message: "stable", Info: map[string]string{"release": "v42"}}, "stable: all traffic to v42"},
		{rollout.Event{Type: "effect.succeeded", Phase: "stable", Message: "deploy", Info: map[string]string{"release": "v42"}}, "stable: deployed v42"},
		{rollout.Event{Type: "effect.succeeded", Phase: "stable", Message: "disable"}, "stable: the canary is removed"},
		{rollout.Event{Type: "effect.succeeded", Phase: "stable", Message: "rollback", Info: map[string]string{"release": "v41"}}, "stable: back to what ran before: v41"},
		{rollout.Event{Type: "effect.succeeded", Message: "approve"}, "the platform was told to approve"},
		{rollout.Event{Type: "job.failed", Phase: "canary-10", Job: "verify", Message: "verify failed in canary-10: exit status 1"}, "canary-10: verify failed: exit status 1"},
		{rollout.Event{Type: "job.ignored", Phase: "canary-10", Job: "verify", Actor: "anna"}, "canary-10: verify ignored by anna"},
		{rollout.Event{Type: "phase.succeeded", Phase: "canary-10"}, "canary-10 succeeded"},
		{rollout.Event{Type: "phase.advanced", Phase: "stable", Actor: "anna"}, "stable advanced by anna"},
		{rollout.Event{Type: "rollout.failed", Rollout: "r-1", Message: "said already"}, "rollout r-1 failed"},
		{rollout.Event{Type: "rollout.rejected", Rollout: "r-1", Message: "rejected by anna"}, "rollout r-1 rejected: rejected by anna"},
		{rollout.Event{Type: "approval.given", Actor: "anna", Message: "fine"}, "approved by anna: fine"},
		{rollout.Event{Type: "target.locked", Actor: "anna", Message: "incident"}, "target locked by anna: incident"},
		{rollout.Event{Type: "effect.intended", Phase: "stable", Message: "stable"}, ""},
		{rollout.Event{Type: "something.new"}, ""},
	}
	for _, test := range tests {
		if got := Event(test.event); got != test.want {
			t.Errorf("%s: got %q, want %q", test.event.Type, got, test.want)
		}
	}
	if got := Message(rollout.Event{Type: "job.failed", Message: "a\nb"}); got != "a b" {
		t.Errorf("a message of two lines is %q", got)
	}
}

func TestWaits(t *testing.T) {
	until := time.Date(2026, 11, 22, 14, 30, 0, 0, time.FixedZone("", 3600))
	tests := []struct {
		w    rollout.Waiting
		want string
	}{
		{rollout.Waiting{Kind: rollout.WaitApproval, By: "octocat", Until: until, Command: "sluice approve --target api"}, "waits for approval by octocat until 2026-11-22T13:30:00Z; continue with `sluice approve --target api`"},
		{rollout.Waiting{Kind: rollout.WaitApproval}, "waits for approval"},
		{rollout.Waiting{Kind: rollout.WaitBake, Until: until}, "bakes until 2026-11-22T13:30:00Z"},
		{rollout.Waiting{Kind: rollout.WaitPolicy, By: "weekend-freeze"}, "is held back by policy weekend-freeze"},
		{rollout.Waiting{Kind: rollout.WaitLock, By: "anna"}, "is held by anna"},
		{rollout.Waiting{Kind: rollout.WaitQueue, By: "v41-to-api-0001"}, "is queued behind v41-to-api-0001"},
		{rollout.Waiting{Kind: rollout.WaitOperation}, "waits for the platform's operation"},
		{rollout.Waiting{Kind: rollout.WaitPerson}, "waits for a person to advance it"},
		{rollout.Waiting{Kind: rollout.WaitOperator, By: "x", Command: "a", Or: "b"}, "waits for a person's decision: x; continue with `a` or `b`"},
		{rollout.Waiting{Kind: "new"}, "waits for new"},
	}
	for _, test := range tests {
		if got := Waits(test.w); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
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
