package view

import (
	"testing"
	"time"

	"sluice/rollout"
	"sluice/stages/driver"
)

// TestFollowed: an operation that no record knows is told as any other: what it
// came to, its exit code, and what goes on.
func TestFollowed(t *testing.T) {
	v := newWorld(t).view()
	tell := func(status driver.Status, r driver.Result) Outcome {
		op := driver.Operation{ID: "op 1", Status: status, Results: map[string]driver.Result{"a": r}}
		return v.Followed("a", "op 1", op, t0.Add(30*time.Second))
	}
	for name, c := range map[string]struct {
		outcome Outcome
		status  Status
		exit    Exit
		waits   Waiting
		why     string
	}{
		"over":   {tell(driver.Done, driver.Result{Outcome: driver.Succeeded}), Succeeded, ExitDone, Waiting{}, ""},
		"failed": {tell(driver.Done, driver.Result{Outcome: driver.Failed, Errors: []driver.Problem{{Code: "A", Message: "m"}, {Message: "n"}}}), Failed, ExitFailed, Waiting{}, "A: m; n"},
		"at work": {tell(driver.Running, driver.Result{Outcome: driver.Open}), Pending, ExitDone,
			Waiting{Kind: rollout.WaitOperation, Until: t0.Add(30 * time.Second), Command: "sluice operation 'op 1' --target a"}, ""},
		"waits": {tell(driver.Pending, driver.Result{Outcome: driver.Open, Waiting: "approval"}), Pending, ExitDone,
			Waiting{Kind: rollout.WaitPlatform, Reason: "op 1 waits there for approval", Command: "sluice operation 'op 1' --target a"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			one := c.outcome.Targets[0]
			if c.outcome.Status != c.status || c.outcome.Exit(false) != c.exit || one.ErrorMessage != c.why || one.Stage != "production" || one.PlatformRelease != "op 1" {
				t.Errorf("%+v is exit %d", c.outcome, c.outcome.Exit(false))
			}
			switch w := one.WaitingFor; {
			case w == nil:
				if c.waits.Kind != "" {
					t.Errorf("it waits for nothing, want %+v", c.waits)
				}
			case w.Kind != c.waits.Kind || w.Reason != c.waits.Reason || w.Command != c.waits.Command || !w.Until.Equal(c.waits.Until):
				t.Errorf("it waits for %+v, want %+v", *w, c.waits)
			}
		})
	}
}
