package entrecode_test

import (
	"encoding/json"
	"testing"
	"time"

	"sluice/internal/sandbox"
	emulator "sluice/internal/sandbox/entrecode"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
	"sluice/stages/driver"
	"sluice/stages/entrecode"
	"sluice/stages/stagetest"
)

func TestConformance(t *testing.T) { stagetest.RunConformance(t, newHarness) }

func TestHostile(t *testing.T) { stagetest.RunHostile(t, newHarness) }

func newHarness(t *testing.T, faults ...string) stagetest.Harness {
	r := newRig(t, faults...)
	empty := place("empty", "p-empty", "t-empty")
	return stagetest.Harness{
		Facts: entrecode.Facts(), Open: entrecode.Open,
		Env: r.server.Env(), Rejected: map[string]string{"ENTRECODE_ACCESS_TOKEN": emulator.RejectedToken},
		Now: r.clock.Now, Advance: r.clock.Move,
		Members:  []stagetest.Member{{Target: production(), Source: staging()}},
		Unknown:  place("gone", "p-gone", "t-1"),
		Empty:    &empty,
		Snapshot: func() func() { return sandboxtest.Snapshot(t, r.emulator, r.clock) },
		Inside:   r.server.Transport(),
		Effects:  r.effects,
		Intrude:  r.server.Intrude,
		Fails:    "fail",
	}
}

// rig is a sandbox with a pipeline of two platforms, and one that nothing was
// ever deployed from.
type rig struct {
	clock    *sandboxtest.Clock
	emulator *emulator.Emulator
	server   *sandbox.Server
}

func newRig(t *testing.T, faults ...string) *rig {
	clock := sandboxtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	e := emulator.New(clock.Now)
	own := pipelineOf(t)
	forget(t, e, own, "p-empty")
	server := sandboxtest.Start(t, sandbox.Options{
		Emulators: []sandbox.Emulator{e}, Pipelines: []*pipeline.Pipeline{own}, Faults: sandboxtest.Faults(t, faults...),
	})
	return &rig{clock, e, server}
}

func (r *rig) effects() int { return len(r.server.Effects()) }

func pipelineOf(t *testing.T) *pipeline.Pipeline {
	own := func(d driver.Target) sandboxtest.Target { return sandboxtest.Target{Name: d.Name, Config: d.Config} }
	return sandboxtest.Pipeline(t, "entrecode",
		[]sandboxtest.Target{own(staging())},
		[]sandboxtest.Target{own(production()), own(place("empty", "p-empty", "t-empty"))},
	)
}

// forget makes e's platform one that nothing was ever deployed from.
func forget(t *testing.T, e *emulator.Emulator, p *pipeline.Pipeline, platform string) {
	t.Helper()
	if err := e.Seed(p); err != nil {
		t.Fatal(err)
	}
	edit(t, e, func(state map[string]map[string]map[string]any) {
		for id, d := range state["deployments"] {
			if d["platform"] == platform {
				delete(state["deployments"], id)
			}
		}
	})
}

// edit changes the resources that e keeps, by kind and id.
func edit(t *testing.T, e *emulator.Emulator, change func(map[string]map[string]map[string]any)) {
	t.Helper()
	saved, err := e.Save()
	if err != nil {
		t.Fatal(err)
	}
	var whole map[string]any
	var state map[string]map[string]map[string]any
	var raw map[string]json.RawMessage
	must(t, json.Unmarshal(saved, &whole))
	must(t, json.Unmarshal(saved, &raw))
	events := raw["events"]
	delete(raw, "events")
	rest, err := json.Marshal(raw)
	must(t, err)
	must(t, json.Unmarshal(rest, &state))
	change(state)
	for kind, resources := range state {
		whole[kind] = resources
	}
	whole["events"] = events
	next, err := json.Marshal(whole)
	must(t, err)
	must(t, e.Restore(next))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func staging() driver.Target    { return place("staging", "p-staging", "t-1") }
func production() driver.Target { return place("production", "p-production", "t-2", "t-3") }

// place is a target of the one app of these tests.
func place(name, platform string, targets ...string) driver.Target {
	config, _ := json.Marshal(map[string]any{"appID": "a-shop", "platformID": platform, "targetIDs": targets}) //nolint:errchkjson // strings
	return driver.Target{Name: name, Stage: name, Platform: "entrecode", Config: config}
}
