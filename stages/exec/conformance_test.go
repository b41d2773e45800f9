package exec_test

import (
	"encoding/json"
	"testing"
	"time"

	"sluice/internal/sandbox"
	emulator "sluice/internal/sandbox/exec"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
	"sluice/stages/driver"
	"sluice/stages/exec"
	"sluice/stages/stagetest"
)

func TestConformance(t *testing.T) { stagetest.RunConformance(t, newHarness) }

func TestHostile(t *testing.T) { stagetest.RunHostile(t, newHarness) }

func newHarness(t *testing.T, faults ...string) stagetest.Harness {
	clock := sandboxtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	e := emulator.New(clock.Now)
	server := sandboxtest.Start(t, sandbox.Options{
		Emulators: []sandbox.Emulator{e}, Faults: sandboxtest.Faults(t, faults...),
		Pipelines: []*pipeline.Pipeline{sandboxtest.Pipeline(t, "exec",
			[]sandboxtest.Target{{Name: "staging", Config: keys("shop-staging")}},
			[]sandboxtest.Target{{Name: "production", Config: keys("shop")}},
		)},
	})
	return stagetest.Harness{
		Facts: exec.Facts(), Open: exec.Open, Env: server.Env(), RequestIDs: true,
		Now: clock.Now, Advance: clock.Move,
		Members:    []stagetest.Member{{Target: place("production", "shop"), Source: place("staging", "shop-staging")}},
		Unknown:    place("gone", "gone"),
		Snapshot:   func() func() { return sandboxtest.Snapshot(t, e, clock) },
		Inside:     server.Transport(),
		OutOfReach: "the program itself is not started in a rehearsal",
		Effects:    func() int { return len(server.Effects()) },
		Intrude:    e.Intrude,
		Fails:      "fail",
	}
}

func keys(resource string, command ...string) map[string]any {
	if len(command) == 0 {
		command = []string{"./deploy"}
	}
	return map[string]any{"command": command, "resource": resource}
}

func place(name, resource string, command ...string) driver.Target {
	config, _ := json.Marshal(keys(resource, command...)) //nolint:errchkjson // plain data
	return driver.Target{Name: name, Stage: name, Platform: "exec", Config: config}
}
