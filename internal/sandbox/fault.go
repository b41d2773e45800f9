package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// FaultKind says how a request is spoiled.
type FaultKind string

// The fault kinds that every emulator knows. An emulator may have more: see
// [Faulter].
const (
	FaultThrottle   = FaultKind(Throttle)      // refused as the platform throttles; no effect
	FaultError      = FaultKind(Broken)        // refused with the platform's internal error; no effect
	FaultDeny       = FaultKind(Denied)        // refused for missing permission; no effect
	FaultBusy       = FaultKind("busy")        // refused because somebody else is changing the same thing: see Busier; no effect
	FaultDrop       = FaultKind("drop")        // the connection is cut before the effect
	FaultCut        = FaultKind("cut")         // the effect happens and is kept, then the connection is cut without an answer
	FaultKillBefore = FaultKind("kill-before") // Options.Kill before the effect
	FaultKillAfter  = FaultKind("kill-after")  // Options.Kill after the effect was kept, before the answer
	FaultEmpty      = FaultKind("empty")       // the request is served, and answered 200 without a body
	FaultObject     = FaultKind("object")      // the request is served, and answered 200 with {}
	FaultNull       = FaultKind("null")        // the request is served, and answered 200 with null
	FaultForeign    = FaultKind("foreign")     // somebody else changes the target just before the request is served: see Intruder
)

// anyChange is the step that stands for every action but Read.
const anyChange = "*"

// Fault spoils certain requests of one target.
type Fault struct {
	Target string // a pipeline target's name; a platform's key where no pipeline is given
	Step   string // the kind of action: a driver's kind, "read", "other", or "*" for any change; see OfChecks
	Nth    int    // the first request spoiled, counted from 1 among those that match
	Kind   FaultKind
	Times  int // how many requests in a row, at least 1
}

// String is the fault as [ParseFault] reads it.
func (f Fault) String() string {
	text := f.Target + ":" + f.Step
	if f.Nth > 1 {
		text += "#" + strconv.Itoa(f.Nth)
	}
	text += ":" + string(f.Kind)
	if f.Times > 1 {
		text += "=" + strconv.Itoa(f.Times)
	}
	return text
}

// ParseFault reads TARGET:STEP[#N]:KIND[=TIMES], such as "web:stable:cut",
// "web:weight#2:drop" (the second request of that kind) or
// "web:read:throttle=2" (the first two). Whether the target exists and its
// emulator knows the kind is found out by [Start]. more are steps that its caller
// knows beside.
func ParseFault(s string, more ...string) (Fault, error) {
	target, rest, _ := strings.Cut(s, ":")
	step, kind, ok := strings.Cut(rest, ":")
	if !ok || target == "" || step == "" || kind == "" {
		return Fault{}, fmt.Errorf("fault %q: want TARGET:STEP:KIND, such as web:stable:cut", s)
	}
	f := Fault{Target: target}
	var err error
	if f.Step, f.Nth, err = counted(step, "#"); err != nil {
		return Fault{}, fmt.Errorf("fault %q: step %w", s, err)
	}
	if known := slices.Concat(kinds(), asked(), more); f.Step != anyChange && !slices.Contains(known, f.Step) {
		return Fault{}, fmt.Errorf("fault %q: unknown step %q; give one of %s, or * for any change", s, f.Step, strings.Join(known, ", "))
	}
	if kind, f.Times, err = counted(kind, "="); err != nil {
		return Fault{}, fmt.Errorf("fault %q: kind %w", s, err)
	}
	if kind == "" {
		return Fault{}, fmt.Errorf("fault %q: a kind comes before =, such as web:read:throttle=2", s)
	}
	f.Kind = FaultKind(kind)
	return f, nil
}

// The steps of what the checks of a target ask beside the platforms.
const (
	StepMetric  = "metric"
	StepCompare = "compare"
	StepAlarms  = "alarms"
)

func asked() []string { return []string{StepMetric, StepCompare, StepAlarms} }

// OfChecks reports whether the fault is one of what checks ask, which the sources of
// metrics serve and no platform.
func (f Fault) OfChecks() bool { return slices.Contains(asked(), f.Step) }

// counted splits "word" or "word<sep>3" into the word and the number, 1
// without one.
func counted(s, sep string) (string, int, error) {
	word, digits, found := strings.Cut(s, sep)
	if !found {
		return word, 1, nil
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > 1_000_000 {
		return "", 0, fmt.Errorf("%q: after %s comes a number from 1 to 1000000", s, sep)
	}
	return word, n, nil
}

// matches reports whether an action on a platform is one that f may spoil.
func (f Fault) matches(platform string, a Action) bool {
	if f.Step != a.Kind && (f.Step != anyChange || a.Kind == Read) {
		return false
	}
	if len(a.Targets) == 0 {
		return f.Target == platform
	}
	return slices.Contains(a.Targets, f.Target)
}

// faults are the faults still to come. Emulators share them.
type faults struct {
	mu    sync.Mutex
	armed []*armedFault
}

type armedFault struct {
	Fault
	seen int // matching requests so far
}

func newFaults(list []Fault) *faults {
	fs := &faults{}
	for _, f := range list {
		f.Nth, f.Times = max(f.Nth, 1), max(f.Times, 1)
		fs.armed = append(fs.armed, &armedFault{Fault: f})
	}
	return fs
}

// next counts the action for every fault that it matches and returns the first
// of them that is due.
func (fs *faults) next(platform string, a Action) (due Fault, ok bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range fs.armed {
		if !f.matches(platform, a) {
			continue
		}
		f.seen++
		if !ok && f.seen >= f.Nth && f.seen < f.Nth+f.Times {
			due, ok = f.Fault, true
		}
	}
	return due, ok
}

// hollow is what a fault puts in place of a body that says something.
func (k FaultKind) hollow() (body string, is bool) {
	switch k {
	case FaultEmpty:
		return "", true
	case FaultObject:
		return "{}", true
	case FaultNull:
		return "null", true
	default:
		return "", false
	}
}

// checkFault refuses a fault that could never happen. targets maps the targets
// that can be named to their emulators.
func checkFault(f Fault, targets map[string]Emulator, kill bool) error {
	e, ok := targets[f.Target]
	if !ok {
		return fmt.Errorf("fault %s: no target %q here; the targets are %s", f, f.Target, strings.Join(sortedKeys(targets), ", "))
	}
	if known := kindsOf(e); !slices.Contains(known, string(f.Kind)) {
		return fmt.Errorf("fault %s: unknown kind %q; %s knows %s", f, f.Kind, e.Platform(), strings.Join(known, ", "))
	}
	if !kill && (f.Kind == FaultKillBefore || f.Kind == FaultKillAfter) {
		return errors.New("fault " + f.String() + ": there is no process to kill here; use drop or cut")
	}
	return nil
}

// kindsOf lists the fault kinds that e knows.
func kindsOf(e Emulator) []string {
	known := []string{
		string(FaultThrottle), string(FaultError), string(FaultDeny), string(FaultDrop),
		string(FaultCut), string(FaultKillBefore), string(FaultKillAfter),
		string(FaultEmpty), string(FaultObject), string(FaultNull),
	}
	if _, ok := e.(Intruder); ok {
		known = append(known, string(FaultForeign))
	}
	if _, ok := e.(Busier); ok {
		known = append(known, string(FaultBusy))
	}
	if f, ok := e.(Faulter); ok {
		known = append(known, f.FaultKinds()...)
	}
	return known
}

type faultKey struct{}

// withFault tells the handler of r which of its emulator's own faults applies.
func withFault(r *http.Request, f Fault) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), faultKey{}, f))
}

// FaultOf is the emulator's own fault kind ([Faulter]) that applies to r, or
// "" where none does.
func FaultOf(r *http.Request) FaultKind {
	f, _ := r.Context().Value(faultKey{}).(Fault)
	return f.Kind
}

// FaultTarget is the target that [FaultOf] was asked for: one of those that a
// request of several touches, or "".
func FaultTarget(r *http.Request) string {
	f, _ := r.Context().Value(faultKey{}).(Fault)
	return f.Target
}
