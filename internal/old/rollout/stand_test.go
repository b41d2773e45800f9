package rollout

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice/stages/driver"
)

// t0 is when tests begin.
var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// stand drives one target's record the way the engine does, against an imagined
// platform and checks whose answers a test scripts.
type stand struct {
	t      *testing.T
	r      Record
	now    time.Time
	view   View
	runs   traffic
	sent   []string            // effects sent, in order
	checks []string            // jobs whose checks ran, in order
	script map[string][]string // by effect ("canary-10/weight"), poll, lookup or job: how it answers, then well
	remote func(kind driver.Kind) (state State, outcome driver.Outcome)
}

func newStand(t *testing.T) *stand {
	s := &stand{t: t, now: t0, runs: traffic{Stable: "r1"}, script: map[string][]string{}}
	s.r = New("shop", target())
	s.r.Release = &driver.Release{ID: "r1"}
	return s
}

// start creates a rollout and runs it as far as it goes.
func (s *stand) start(change ...func(*Spec)) *Execution {
	s.t.Helper()
	name := Create(&s.r, plan(change...), s.runs.Stable == "", s.now).Rollout.Name
	s.run()
	return s.rollout(name)
}

// rollout finds a rollout again: pointers into a record do not last.
func (s *stand) rollout(name string) *Execution {
	s.t.Helper()
	e, ok := s.r.Rollout(name)
	if !ok {
		s.t.Fatalf("no rollout %s", name)
	}
	return e
}

// answer is how the next thing of that name answers.
func (s *stand) answer(name string) string {
	list := s.script[name]
	if len(list) == 0 {
		return "done"
	}
	s.script[name] = list[1:]
	return list[0]
}

// run does what is due until something must be waited for, and says what is due then.
func (s *stand) run() Due {
	s.t.Helper()
	for range 500 {
		Settle(&s.r, s.now)
		if !s.do(Next(&s.r, s.now, s.view)) {
			return Next(&s.r, s.now, s.view)
		}
	}
	s.t.Fatal("there is no end to what is due")
	return Due{}
}

// after lets time pass, then runs.
func (s *stand) after(d time.Duration) Due {
	s.t.Helper()
	s.now = s.now.Add(d)
	return s.run()
}

// do does one thing and reports whether to go on.
func (s *stand) do(due Due) bool {
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

func (s *stand) check(due Due) bool {
	e, name := s.rollout(due.Rollout), due.Phase+"/"+due.Job
	e.StartChecks(&s.r, due.Phase, due.Job, s.now)
	s.checks = append(s.checks, name)
	switch s.answer(name) {
	case "fail":
		e.FailJob(&s.r, due.Phase, due.Job, ExecutionFailed, name+" failed", s.now)
	case "interrupted":
		return false
	default:
		e.PassChecks(&s.r, due.Phase, due.Job, s.now)
	}
	return true
}

// effect prepares, saves and sends an effect.
func (s *stand) effect(due Due) bool {
	e := s.rollout(due.Rollout)
	key, change, name := e.CallKey(due), e.Change(due), strings.TrimPrefix(due.Phase+"/"+string(due.Kind), "/")
	if len(change.Expected) > 0 && string(change.Expected) != string(s.runs.json()) {
		e.Ask(&s.r, due, key, s.runs.json(), "somebody else was here", s.now)
		return false
	}
	answer := s.answer(name)
	if answer == "refuse" {
		e.FailEffect(&s.r, due, "", "refused: "+name, s.now)
		return true
	}
	call := driver.Call{Key: key, Kind: due.Kind, Changes: []driver.Change{change}, Intended: s.now}
	if answer == "unchanged" {
		e.Unchanged(&s.r, due, call, s.runs.json(), s.now)
		return true
	}
	e.Intend(&s.r, due, call, s.runs.json(), s.runs.after(due.Kind, change).json(), s.now)
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

func (s *stand) want(what string, got, want any) {
	s.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

// wantWait asserts what is waited for.
func (s *stand) wantWait(due Due, kind WaitKind, in time.Duration) {
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
func (s *stand) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// wantRefusal asserts a refusal that names the state it found.
func (s *stand) wantRefusal(err error, state, reason string) {
	s.t.Helper()
	var refused *RefusedError
	if !errors.As(err, &refused) {
		s.t.Fatalf("error %v, want a refusal in state %s", err, state)
	}
	if refused.State != state || !strings.Contains(err.Error(), "it is "+state) {
		s.t.Errorf("refusal %q, want it to name the state %s", err, state)
	}
	if !strings.Contains(refused.Reason, reason) {
		s.t.Errorf("refusal %q, want it to say %q", err, reason)
	}
}
