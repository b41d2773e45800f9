// Package conform are the cases that hold a driver to the contract of package driver:
// nothing happens before Begin, Begin happens once, what was lost is found again,
// success was read back, errors say what may be done about them. The engine stands on
// these.
//
// Drivers' own tests run them by way of stages/stagetest, and `sluice conform` runs
// them against a program ([Run]): there is one list of them, [Cases].
//
// Every step opens a new driver and takes its arguments through JSON, as
// another process would: a driver that remembers fails.
package conform

import (
	"context"
	"net/http"
	"time"

	"sluice/stages/driver"
)

// T is what a case may do with who runs it. A [testing.T] is one.
type T interface {
	Helper()
	Context() context.Context
	TempDir() string
	Error(args ...any)
	Errorf(format string, args ...any)
	// Fatal, Fatalf, Skip and Skipf end the case at once.
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Skip(args ...any)
	Skipf(format string, args ...any)
}

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

	// Header is what testers of the members send, to a domain that leads to their targets;
	// nil where Facts.Kinds has no Route.
	Header *driver.Header

	// Asks is a target on which the platform asks for an approval of its own; nil
	// where Facts.Approves is false.
	Asks *driver.Target

	// Fails is the fault by which the platform fails a Deploy that it took; "" where its
	// deployments do not fail.
	Fails string

	// NoEndpoint is why no variable of Env leads to the platform, so that none can lead
	// elsewhere; "" where one does.
	NoEndpoint string
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
	// Reject, Advance, RetryJob, IgnoreJob, Cancel, Terminate) is possible on a member's
	// target, and returns that change. Nil where no kind is a command.
	Reach func(kind driver.Kind) driver.Change
}

// Member is a target and the source that its release comes from.
type Member struct{ Target, Source driver.Target }

// Case is one part of the contract.
type Case struct {
	Name   string       // "Resolve", "deploy/AnswerLost"
	Faults []string     // what must go wrong on the platform that the case is given
	Check  func(*Bench) // on a platform of its own
}

// Cases are all cases for a platform, in the order in which they are told. first is a
// harness of it, of which no case changes anything.
func Cases(first Harness) []Case {
	cases := []Case{{Name: "Facts", Check: func(b *Bench) { checkFacts(b.T, b.Harness) }}}
	for _, p := range properties() {
		cases = append(cases, Case{Name: p.name, Check: p.check})
	}
	for _, kind := range first.Facts.Kinds {
		cases = append(cases, ofKind(first, kind)...)
	}
	return cases
}

// ofKind are the cases of one kind of effect.
func ofKind(first Harness, kind driver.Kind) []Case {
	of := func(name string, check func(*Bench, driver.Kind), faults ...string) Case {
		for i, how := range faults {
			faults[i] = first.Members[0].Target.Name + ":" + string(kind) + ":" + how
		}
		return Case{Name: string(kind) + "/" + name, Faults: faults, Check: func(b *Bench) { check(b, kind) }}
	}
	cases := []Case{of("OneEffect", oneEffect), of("DoneByHand", doneByHand)}
	if kind.IsCommand() {
		return cases
	}
	if kind == driver.Deploy && first.Fails != "" {
		cases = append(cases, of("Failed", deployFailed, first.Fails))
	}
	return append(cases,
		of("AnswerLost", answerLost, "cut"),
		of("NeverSent", neverSent),
		of("Dropped", dropped, "drop"),
		of("Throttled", throttled, "throttle"),
		of("Denied", denied, "deny"),
		of("Cancelled", cancelled),
	)
}

// property is one part of the contract that needs no fault.
type property struct {
	name  string
	check func(*Bench)
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
