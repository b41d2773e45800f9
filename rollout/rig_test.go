package rollout

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/stages/driver"
)

// t0 is when tests begin.
var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// rig drives one target's record the way the engine does, against an imagined
// platform and checks whose answers a test scripts.
type rig struct {
	t       *testing.T
	r       Record
	now     time.Time
	setting Setting
	runs    traffic
	sent    []string            // effects sent, in order
	checks  []string            // jobs whose checks ran, in order
	script  map[string][]string // by effect ("canary-10/weight"), poll, lookup or job: how it answers, then well
	remote  func(kind driver.Kind) (state State, outcome driver.Outcome)
	// tookBack has what fails leave the target as it was.
	tookBack bool
}

// person is somebody at a terminal.
func person(login string) Actor { return Actor{Login: login, Person: true} }

func voter(login, comment string) Voter { return Voter{Actor: person(login), Comment: comment} }

// apply makes a transition of the record.
func (s *rig) apply(t Transition) error { return Apply(&s.r, t, s.now) }

// lock blocks the target, as carol's lock does; unlock ends that.
func (s *rig) lock()   { s.must(s.apply(AddBlock{Block: lockOf("carol")})) }
func (s *rig) unlock() { s.must(s.apply(EndBlock{ID: "lock", By: person("carol")})) }

func lockOf(by string) Block {
	return Block{ID: "lock", Kind: BlockLock, Scope: ScopeTarget, Whom: Everybody, By: by, Reason: "hands off"}
}

// create adds a rollout without running it.
func (s *rig) create(spec Spec, first bool) *Execution {
	s.t.Helper()
	s.must(s.apply(Create{Spec: spec, First: first}))
	e, _ := s.r.Newest()
	return e
}

func newRig(t *testing.T) *rig {
	return newRigOf(t, "web")
}

func newRigOf(t *testing.T, name string) *rig {
	s := &rig{t: t, now: t0, runs: traffic{Stable: "r1"}, script: map[string][]string{}}
	s.r = New("shop", targetOf(name))
	s.r.Release = &driver.Release{ID: "r1"}
	return s
}

// start creates a rollout and runs it as far as it goes.
func (s *rig) start(change ...func(*Spec)) *Execution {
	s.t.Helper()
	name := s.create(plan(change...), s.runs.Stable == "").Rollout.Name
	s.run()
	return s.rollout(name)
}

// rollout finds a rollout again: pointers into a record do not last.
func (s *rig) rollout(name string) *Execution {
	s.t.Helper()
	e, ok := s.r.Rollout(name)
	if !ok {
		s.t.Fatalf("no rollout %s", name)
	}
	return e
}

// answer is how the next thing of that name answers.
func (s *rig) answer(name string) string {
	list := s.script[name]
	if len(list) == 0 {
		return "done"
	}
	s.script[name] = list[1:]
	return list[0]
}

// run does what is due until something must be waited for, and says what is due then.
func (s *rig) run() Due {
	s.t.Helper()
	for range 500 {
		Settle(&s.r, nil, s.setting, s.now)
		if !s.do(Next(&s.r, nil, s.setting, s.now)) {
			return Next(&s.r, nil, s.setting, s.now)
		}
	}
	s.t.Fatal("there is no end to what is due")
	return Due{}
}

// after lets time pass, then runs.
func (s *rig) after(d time.Duration) Due {
	s.t.Helper()
	s.now = s.now.Add(d)
	return s.run()
}

// do does one thing and reports whether to go on.
func (s *rig) do(due Due) bool {
	switch due.Action {
	case ActionEffect:
		return s.effect(due)
	case ActionConfirm:
		return s.confirm(due)
	case ActionFollow:
		return s.follow(due)
	case ActionCheck:
		return s.check(due)
	default:
		return false
	}
}

func (s *rig) check(due Due) bool {
	name := due.Phase + "/" + due.Job
	s.must(s.apply(StartJob{Due: due}))
	if e := s.rollout(due.Rollout); slices.ContainsFunc(e.Spec.Gates.Own(due.Job), Gate.Measures) {
		looks := s.looks(due)
		for _, l := range looks {
			if !e.Spec.Gates.Own(due.Job)[l.Check].Measures() {
				s.checks = append(s.checks, name)
			}
		}
		s.must(s.apply(Looked{Due: due, Looks: looks}))
		return true
	}
	s.checks = append(s.checks, name)
	switch s.answer(name) {
	case "fail":
		s.must(s.apply(FailJob{Due: due, Cause: ExecutionFailed, Message: name + " failed"}))
	case "interrupted":
		return false
	default:
		s.must(s.apply(PassJob{Due: due}))
	}
	return true
}

// effect prepares, saves and sends an effect.
func (s *rig) effect(due Due) bool {
	e := s.rollout(due.Rollout)
	key, change, name := e.CallKey(due), e.Change(due), strings.TrimPrefix(due.Phase+"/"+string(due.Kind), "/")
	if len(change.Expected) > 0 && string(change.Expected) != string(s.runs.json()) {
		s.must(s.apply(AskPerson{Due: due, Key: key, Found: s.runs.json(), Message: "somebody else was here"}))
		return false
	}
	answer := s.answer(name)
	if answer == "refuse" {
		s.must(s.apply(Refuse{Due: due, Cause: ExecutionFailed, Message: "refused: " + name}))
		return true
	}
	call := driver.Call{Key: key, Kind: due.Kind, Changes: []driver.Change{change}, Intended: s.now}
	if answer == "unchanged" {
		s.must(s.apply(Unchanged{Due: due, Call: call, Stands: s.runs.json()}))
		return true
	}
	s.must(s.apply(Intend{Due: due, Call: call, Before: s.runs.json(), After: s.runs.after(due.Kind, change).json()}))
	if answer == "lost" {
		return false
	}
	s.sent = append(s.sent, describe(due.Kind, change))
	return s.told(answer, key)
}

func describe(kind driver.Kind, c driver.Change) string {
	text := string(kind)
	if c.Percent != "" {
		text += " " + c.Percent
	}
	if c.Phase != "" && (kind == driver.Advance || kind == driver.RetryJob || kind == driver.IgnoreJob) {
		text += " " + c.Phase
	}
	return text
}

// states are the states of a rollout and its phases in one line.
func states(e *Execution) string {
	parts := []string{string(e.Rollout.State)}
	for _, p := range e.Rollout.Phases {
		parts = append(parts, p.ID+"="+string(p.State))
	}
	return strings.Join(parts, " ")
}

// jobs are the states of a phase's jobs in one line.
func jobs(t *testing.T, e *Execution, phase string) string {
	t.Helper()
	p, ok := e.Rollout.Phase(phase)
	if !ok {
		t.Fatalf("no phase %s", phase)
	}
	var parts []string
	for _, j := range p.Jobs() {
		parts = append(parts, j.ID+"="+string(j.State))
	}
	return strings.Join(parts, " ")
}

func (s *rig) want(what string, got, want any) {
	s.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

// wantWait asserts what is waited for.
func (s *rig) wantWait(due Due, kind WaitKind, in time.Duration) {
	s.t.Helper()
	if due.Action != ActionWait || due.Waiting.Kind != kind {
		s.t.Fatalf("due is %+v, want to wait for %s", due, kind)
	}
	want := time.Time{}
	if in != 0 {
		want = s.now.Add(in)
	}
	if !due.Waiting.Until.Equal(want) {
		s.t.Errorf("waits until %v, want %v", due.Waiting.Until, want)
	}
}

// must fails the test on an error.
func (s *rig) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// wantRefusal asserts a refusal that names the state it found.
func (s *rig) wantRefusal(err error, state State, reason string) {
	s.t.Helper()
	var refused *RefusedError
	if !errors.As(err, &refused) {
		s.t.Fatalf("error %v, want a refusal in state %s", err, state)
	}
	if refused.State != state || state != "" && !strings.Contains(err.Error(), "it is "+string(state)) {
		s.t.Errorf("refusal %q, want it to name the state %s", err, state)
	}
	if !strings.Contains(err.Error(), reason) {
		s.t.Errorf("refusal %q, want it to say %q", err, reason)
	}
}

// wantReason asserts why something is refused.
func (s *rig) wantReason(err error, reason Reason) {
	s.t.Helper()
	if refused := s.refusal(err, reason); refused.Error() == "" {
		s.t.Error("a refusal says nothing")
	}
}

// refusal is the refusal for a reason that is asserted.
func (s *rig) refusal(err error, reason Reason) *RefusedError {
	s.t.Helper()
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Reason != reason {
		s.t.Fatalf("error %v, want a refusal for %s", err, reason)
	}
	return refused
}
