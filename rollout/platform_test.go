package rollout

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"sluice/stages/driver"
)

// traffic is what runs on the imagined platform: a release for all, and one
// that has a share.

type traffic struct {
	Stable  string `json:"stable"`
	Canary  string `json:"canary,omitempty"`
	Percent string `json:"percent,omitempty"`
	Hosted  string `json:"hosted,omitempty"` // for testers alone
	Routed  bool   `json:"routed,omitempty"` // testers are led there
}

func (p traffic) json() json.RawMessage {
	data, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return data
}

func (p traffic) String() string {
	text := p.Stable
	if p.Canary != "" {
		text += "+" + p.Percent + "%" + p.Canary
	}
	if p.Hosted != "" {
		text += " hosts " + p.Hosted
	}
	if p.Routed {
		text += " for testers"
	}
	return text
}

// after is the traffic once a change is made.
func (p traffic) after(kind driver.Kind, c driver.Change) traffic {
	next := p.moved(kind, c)
	next.Hosted, next.Routed = p.Hosted, p.Routed
	switch kind {
	case driver.Host:
		next.Hosted = c.Release.ID
	case driver.Unhost:
		next.Hosted = ""
	case driver.Route, driver.Unroute:
		next.Routed = kind == driver.Route
	}
	return next
}

func (p traffic) moved(kind driver.Kind, c driver.Change) traffic {
	switch kind {
	case driver.Deploy:
		return traffic{Stable: c.Release.ID}
	case driver.Weight:
		return traffic{Stable: p.Stable, Canary: c.Release.ID, Percent: c.Percent}
	case driver.Stable:
		return traffic{Stable: p.Canary, Canary: p.Canary, Percent: "0"}
	case driver.Disable:
		return traffic{Stable: p.Stable}
	case driver.Rollback:
		if len(c.Baseline) == 0 {
			return traffic{Stable: c.Release.ID} // the platform goes back by itself
		}
		var back traffic
		if err := json.Unmarshal(c.Baseline, &back); err != nil {
			panic(fmt.Sprintf("rollback to %q: %v", c.Baseline, err))
		}
		return back
	default:
		return p
	}
}

// told gives the record the platform's answer to an open effect.
func (s *rig) told(answer, key string) bool {
	e, step := s.open(key)
	op := driver.Operation{ID: "op-" + key, Status: driver.Running}
	result := driver.Result{Outcome: driver.Open}
	switch answer {
	case "done":
		s.runs = s.runs.after(step.Call.Kind, step.Call.Changes[0])
		op.Status, result = driver.Done, driver.Result{Outcome: driver.Succeeded, Release: driver.Release{ID: s.runs.Stable}, After: s.runs.json()}
	case "preview":
		result.Waiting = waitingApproval
	case "fail":
		op.Status, result = driver.Done, driver.Result{Outcome: driver.Failed, Errors: []driver.Problem{{Code: "BROKEN", Message: "it broke"}}}
	case "denied":
		s.must(s.apply(Refuse{Due: step.due(), Key: key, Cause: ExecutionFailed, Message: "denied"}))
		return true
	case "withdraw":
		s.must(s.apply(Withdraw{Key: key, Why: "never sent"}))
		return false
	case "foreign":
		s.must(s.apply(AskPerson{Due: step.due(), Key: key, Found: json.RawMessage(`{"stable":"foreign"}`), Message: "neither before nor after"}))
		return false
	}
	if e.Spec.Remote && s.remote != nil {
		var state State
		state, result.Outcome = s.remote(step.Call.Kind)
		result.Rollout = s.theirs(e, state)
	}
	if s.tookBack && result.Outcome == driver.Failed {
		s.runs = traffic{Stable: e.Previous.ID}
		result.Restored, result.Release, result.After = true, e.Previous, s.runs.json()
	}
	op.Results = map[string]driver.Result{s.r.Target: result}
	s.must(s.apply(Answer{Key: key, Operation: op}))
	return result.Outcome != driver.Open
}

// theirs is a platform's own rollout with a canary that a test moves.
func (s *rig) theirs(e *Execution, state State) json.RawMessage {
	phases := slices.Clone(e.Rollout.Phases)
	if len(phases) == 0 {
		phases = []Phase{remotePhase("canary-50", PhaseInProgress), remotePhase("stable", PhasePending)}
	}
	data, err := Encode(Record{Rollouts: []Execution{{Rollout: Rollout{Name: "projects/p/rollouts/x", TargetID: "web", State: state, Phases: phases}}}})
	if err != nil {
		s.t.Fatal(err)
	}
	var r struct {
		Rollouts []struct{ Rollout json.RawMessage }
	}
	if err := json.Unmarshal(data, &r); err != nil {
		s.t.Fatal(err)
	}
	return r.Rollouts[0].Rollout
}

func remotePhase(id string, state PhaseState) Phase {
	return Phase{ID: id, State: state, DeploymentJobs: &DeploymentJobs{DeployJob: &Job{ID: "deploy", State: JobState(state), DeployJob: jsontext.Value("{}")}}}
}

func (s *rig) open(key string) (*Execution, *Step) {
	s.t.Helper()
	for i := range s.r.Rollouts {
		if step, ok := s.r.Rollouts[i].Steps.of(key); ok {
			return &s.r.Rollouts[i], step
		}
	}
	s.t.Fatalf("no open effect %s", key)
	return nil, nil
}

// confirm looks an effect up whose answer was lost: unless scripted, it had
// taken effect.
func (s *rig) confirm(due Due) bool {
	e := s.rollout(due.Rollout)
	step, _ := e.Steps.Open()
	switch answer := s.answer("lookup " + string(due.Kind)); answer {
	case "undecided":
		s.must(s.apply(LookedUp{Key: step.Call.Key}))
		return false
	case "absent":
		s.sent = append(s.sent, describe(due.Kind, step.Call.Changes[0]))
		return s.told("done", step.Call.Key)
	default:
		return s.told(answer, step.Call.Key)
	}
}

// follow polls once; an operation that still runs is left.
func (s *rig) follow(due Due) bool {
	e := s.rollout(due.Rollout)
	step, _ := e.Steps.Open()
	return s.told(s.answer("poll "+string(due.Kind)), step.Call.Key)
}

func callOf(key string, kind driver.Kind, changes ...driver.Change) driver.Call {
	return driver.Call{Key: key, Kind: kind, Changes: changes, Intended: t0}
}

// doneFor is the answer that a release was read back on a target.
func doneFor(target string, release driver.Release) driver.Operation {
	return driver.Operation{Status: driver.Done, Results: map[string]driver.Result{target: {Outcome: driver.Succeeded, Release: release}}}
}
