// Package stagetest runs the conformance cases of stages/conform under `go test`, and
// the hostile suite, on every platform.
//
// A driver's test starts a fake platform and says where things are:
//
//	func TestConformance(t *testing.T) {
//		stagetest.RunConformance(t, func(t *testing.T, faults ...string) stagetest.Harness { … })
//	}
package stagetest

import (
	"testing"

	"sluice/stages/conform"
)

// Harness is a fresh fake platform and what the suites must know of it.
type Harness = conform.Harness

// Member is a target and the source that its release comes from.
type Member = conform.Member

// NewHarness starts a fresh platform for one subtest, which fails the test
// where it cannot. faults spoil its requests in the words of the sandbox:
// TARGET:KIND:cut (the effect happens, its answer is lost), :drop (lost before
// the effect), :throttle and :deny (refused, no effect), each once.
type NewHarness func(t *testing.T, faults ...string) Harness

// RunConformance holds a platform to the driver contract.
func RunConformance(t *testing.T, newHarness NewHarness) {
	for _, c := range conform.Cases(newHarness(t)) {
		t.Run(c.Name, func(t *testing.T) { c.Check(conform.NewBench(t, newHarness(t, c.Faults...))) })
	}
}
