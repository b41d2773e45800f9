package ecs_test

import (
	"testing"

	"sluice/internal/sandbox/awsapi"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/stages/driver"
	"sluice/stages/ecs"
	"sluice/stages/stagetest"
)

func TestConformance(t *testing.T) { stagetest.RunConformance(t, newHarness) }

func TestHostile(t *testing.T) { stagetest.RunHostile(t, newHarness) }

func newHarness(t *testing.T, faults ...string) stagetest.Harness {
	b := newBench(t, faults...)
	return stagetest.Harness{
		Facts: ecs.Facts(), Open: ecs.Open,
		Env: b.server.Env(), Rejected: map[string]string{"AWS_ACCESS_KEY_ID": awsapi.RejectedKeyID}, RequestIDs: true,
		Now: b.clock.Now, Advance: b.clock.Move,
		Members:  []stagetest.Member{{Target: target("prod"), Source: target("staging")}},
		Unknown:  target("gone"),
		Snapshot: func() func() { return sandboxtest.Snapshot(t, b.emulator, b.clock) },
		Inside:   b.server.Transport(),
		Effects:  func() int { return len(b.server.Effects()) },
		Intrude:  b.emulator.Intrude,
		Fails:    "fail",
		Reach:    func(kind driver.Kind) driver.Change { return b.reach(t, kind) },
	}
}
