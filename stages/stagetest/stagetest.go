// Package stagetest is the conformance suite that every platform passes.
//
// A driver's test starts a fake platform and says where things are; the suite
// holds the driver to the contract of package driver: nothing happens before
// Begin, Begin happens once, what was lost is found again, success was read
// back, errors say what may be done about them. The engine stands on these.
//
//	func TestConformance(t *testing.T) {
//		stagetest.RunConformance(t, func(t *testing.T, faults ...string) stagetest.Harness { … })
//	}
//
// Every step opens a new driver and takes its arguments through JSON, as
// another process would: a driver that remembers fails.
package stagetest

import (
	"context"
	"net/http"
	"testing"
	"time"

	"sluice/stages/driver"
)

// Harness is a fresh fake platform and what the suite must know of it.
type Harness struct {
	Facts driver.Facts
	Open  func(context.Context, driver.Env) (driver.Driver, error)

	// Env reaches the fake platform, with credentials that it accepts.
	Env map[string]string
	// Inside carries requests to the same fake platform within this process, over no
	// connection. Nil where it cannot: then thousands of requests of the hostile
	// suite each take one.
	Inside http.RoundTripper
	// Snapshot keeps how the platform and its clock stand, and returns what puts
	// both back; Effects goes on counting. Nil where that cannot be: then every
	// life of the hostile suite begins on a platform of its own.
	Snapshot func() (putBack func())
	// Rejected is laid over Env: credentials that the platform does not accept.
	// Nil where the fake platform asks for none.
	Rejected map[string]string
	// RequestIDs says that the platform gives every refused request an id.
	RequestIDs bool

	// Now is the clock of the platform and the driver; it stands until Advance
	// moves it.
	Now     func() time.Time
	Advance func(time.Duration)

	// Members are targets that one release can travel to, all from the same
	// source: at least one, at least two where Facts.Batch is more than 1. The
	// source runs a release that no target runs; each target runs an earlier one.
	Members []Member
	// Unknown is a target whose resource the platform does not have.
	Unknown driver.Target
	// Empty is a target where nothing runs yet; nil where the platform has none.
	Empty *driver.Target
	// Asks is a target on which the platform asks for an approval of its own; nil
	// where Facts.Approves is false.
	Asks *driver.Target

	// OutOfReach is why the vendor's own client cannot reach the fake platform; ""
	// where it can.
	OutOfReach string

	// Effects counts the changes that took effect on the platform so far. A
	// change of several targets in one request counts once.
	Effects func() int
	// Intrude lets somebody else put another release on a target, past the
	// driver. Nil where the platform cannot tell who did what.
	Intrude func(target string) error
	// Reach brings the platform where a kind of its own rollouts (Approve,
	// Reject, Advance, RetryJob, IgnoreJob, Cancel) is possible on a member's
	// target, and returns that change. Nil where Facts.Remote is false.
	Reach func(t *testing.T, kind driver.Kind) driver.Change
}

// Member is a target and the source that its release comes from.
type Member struct{ Target, Source driver.Target }

// NewHarness starts a fresh platform for one subtest, which fails the test
// where it cannot. faults spoil its requests in the words of the sandbox:
// TARGET:KIND:cut (the effect happens, its answer is lost), :drop (lost before
// the effect), :throttle and :deny (refused, no effect), each once.
type NewHarness func(t *testing.T, faults ...string) Harness

// RunConformance holds a platform to the driver contract.
func RunConformance(t *testing.T, newHarness NewHarness) {
	first := newHarness(t)
	t.Run("Facts", func(t *testing.T) { checkFacts(t, first) })
	for _, p := range properties() {
		t.Run(p.name, func(t *testing.T) { p.check(newBench(t, newHarness(t))) })
	}
	spoiled := func(kind driver.Kind, how string) string {
		return first.Members[0].Target.Name + ":" + string(kind) + ":" + how
	}
	for _, kind := range first.Facts.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Run("OneEffect", func(t *testing.T) { oneEffect(newBench(t, newHarness(t)), kind) })
			t.Run("DoneByHand", func(t *testing.T) { doneByHand(newBench(t, newHarness(t)), kind) })
			if kind.IsCommand() {
				return
			}
			t.Run("AnswerLost", func(t *testing.T) {
				answerLost(newBench(t, newHarness(t, spoiled(kind, "cut"))), kind)
			})
			t.Run("NeverSent", func(t *testing.T) { neverSent(newBench(t, newHarness(t)), kind) })
			t.Run("Dropped", func(t *testing.T) { dropped(newBench(t, newHarness(t, spoiled(kind, "drop"))), kind) })
			t.Run("Throttled", func(t *testing.T) { throttled(newBench(t, newHarness(t, spoiled(kind, "throttle"))), kind) })
			t.Run("Denied", func(t *testing.T) { denied(newBench(t, newHarness(t, spoiled(kind, "deny"))), kind) })
			t.Run("Cancelled", func(t *testing.T) { cancelled(newBench(t, newHarness(t)), kind) })
		})
	}
}

// property is one part of the contract that needs no fault.
type property struct {
	name  string
	check func(*bench)
}

func properties() []property {
	return []property{
		{"Current", current},
		{"LiveOfSeveral", liveOfSeveral},
		{"LiveBesideTrouble", liveBesideTrouble},
		{"LiveShares", liveShares},
		{"LiveAhead", liveAhead},
		{"AsksOnce", asksOnce},
		{"Resolve", resolve},
		{"Latest", latest},
		{"Make", makes},
		{"Approval", approval},
		{"Digests", digests},
		{"PrepareChangesNothing", prepareChangesNothing},
		{"OthersOperation", othersOperation},
		{"UnknownResource", unknownResource},
		{"NothingRuns", nothingRuns},
		{"WrongCredentials", wrongCredentials},
		{"ClearText", clearText},
		{"RefusedDial", refusedDial},
		{"UndeclaredKinds", undeclaredKinds},
		{"Foreign", foreign},
		{"ForeignWhileLost", foreignWhileLost},
		{"Batch", batch},
		{"Concurrent", concurrent},
		{"OtherErrors", otherErrors},
	}
}
