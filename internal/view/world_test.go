package view

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/ledger"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// t0 is when tests begin.
var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const file = `name: shop
stages:
  - name: staging
    targets:
      - {name: web-staging, here: {place: s}}
  - name: production
    targets:
      - {name: a, from: web-staging, here: {place: a}}
      - {name: b, from: web-staging, here: {place: b}}
      - {name: c, from: web-staging, here: {place: c}}
`

func shop(t *testing.T) *pipeline.Pipeline {
	t.Helper()
	facts := []driver.Facts{{
		Platform: "here", Kinds: []driver.Kind{driver.Deploy, driver.Weight, driver.Stable, driver.Disable, driver.Rollback},
		Keys: []driver.Key{{Name: "place", Type: driver.String, Required: true, Identity: true}},
	}}
	p, problems := pipeline.Parse("shop.yaml", []byte(file), facts)
	if pipeline.Failed(problems) {
		t.Fatal(pipeline.Format(problems))
	}
	return p
}

// world is a stage with three targets, driven by rollout's own transitions
// against a platform whose answers a test scripts.
type world struct {
	t        *testing.T
	pipeline *pipeline.Pipeline
	state    *ledger.State
	groups   map[string]*rollout.Group
	now      time.Time
	setting  rollout.Setting
	freeze   *rollout.Block      // a policy's window
	answers  map[string][]string // by target and kind of work, as in "a weight", how it goes, then well
	made     int
	seen     map[string]int   // what was told
	took     map[string]error // what became of commands that were printed, as things stand
}

// targets are those of the stage, in the file's order.
func targets() []string { return []string{"a", "b", "c"} }

func newWorld(t *testing.T) *world {
	w := &world{t: t, pipeline: shop(t), state: nothing(), groups: map[string]*rollout.Group{}, now: t0, answers: map[string][]string{}, seen: map[string]int{}}
	w.setting = rollout.Setting{Person: true, Outside: w.outside}
	for _, name := range targets() {
		target, err := w.pipeline.Target(name)
		if err != nil {
			t.Fatal(err)
		}
		r := rollout.New("shop", target.Driver())
		r.Release = &driver.Release{ID: "r1"}
		w.state.Records[name] = &r
	}
	return w
}

func (w *world) outside(_ *rollout.Record, q rollout.Question, now time.Time) []rollout.Block {
	if w.freeze == nil || !w.freeze.Holds(now) || q.Intention.Back() || slices.Contains(q.Overrides, w.freeze.ID) {
		return nil
	}
	return []rollout.Block{*w.freeze}
}

// view is what a look at the world now is told with.
func (w *world) view() View {
	return View{Pipeline: w.pipeline, Setting: w.setting, Now: w.now, Run: "mine"}
}

func human(login string) rollout.Actor { return rollout.Actor{Login: login, Person: true} }

// spec is the plan of a rollout on a target.
func (w *world) spec(target, promotion, release string) rollout.Spec {
	declared, err := w.pipeline.Target(target)
	if err != nil {
		w.t.Fatal(err)
	}
	return rollout.Spec{
		Promotion: promotion, Command: rollout.CommandPromote, Target: declared.Driver(), Release: driver.Release{ID: release},
		Phases: rollout.PhasesOf(nil, false), Restore: true, Timeout: rollout.Duration(24 * time.Hour),
		OperationTimeout: rollout.Duration(time.Hour), Creator: "alice", Person: true,
	}
}

// promote makes a promotion of a release to targets.
func (w *world) promote(release string, names []string, change func(*rollout.Spec), entry func(*rollout.Promotion)) string {
	w.made++
	id := fmt.Sprintf("p-%d", w.made)
	p := &rollout.Promotion{
		Schema: rollout.Schema, Pipeline: "shop", ID: id, Command: rollout.CommandPromote, Stage: "production",
		Actor: "alice", Person: true, CreateTime: w.now, Members: names, OnFailure: rollout.OnFailureContinue,
	}
	entry(p)
	for _, name := range names {
		spec := w.spec(name, id, release)
		change(&spec)
		if err := rollout.Apply(w.state.Records[name], rollout.Create{Spec: spec}, w.now); err != nil {
			continue
		}
	}
	w.state.Promotions[id] = p
	w.groups[id] = rollout.NewGroup(p, w.state.Records)
	return id
}

// apply makes a transition of a target's record, and what it means for others.
func (w *world) apply(target string, t rollout.Transition) error {
	err := rollout.Apply(w.state.Records[target], t, w.now)
	w.changed(target)
	return err
}

func (w *world) changed(target string) {
	for _, g := range w.groups {
		g.Changed(target)
		for _, a := range g.React(w.now).Do {
			if rollout.Apply(w.state.Records[a.Target], a.Transition, w.now) == nil {
				g.Changed(a.Target)
			}
		}
	}
}

func (w *world) group(r *rollout.Record) *rollout.Group {
	e, ok := r.Active()
	if !ok {
		return nil
	}
	return w.groups[e.Spec.Promotion]
}

// run does what is due on all targets until each waits or its answer is missing.
func (w *world) run() {
	w.t.Helper()
	for range 300 {
		moved := false
		for _, name := range targets() {
			moved = w.step(name) || moved
		}
		if !moved {
			return
		}
	}
	w.t.Fatal("there is no end to what is due")
}

// step does one thing on a target and reports whether there may be more.
func (w *world) step(name string) bool {
	r := w.state.Records[name]
	settled := rollout.Settle(r, w.group(r), w.setting, w.now)
	w.changed(name)
	due := rollout.Next(r, w.group(r), w.setting, w.now)
	done := w.do(r, due)
	w.changed(name)
	return settled || done
}

func (w *world) do(r *rollout.Record, due rollout.Due) bool {
	switch due.Action {
	case rollout.ActionEffect:
		return w.effect(r, due)
	case rollout.ActionConfirm:
		return w.confirm(r, due)
	case rollout.ActionFollow:
		return w.follow(r, due)
	case rollout.ActionCheck:
		return w.check(r, due)
	case rollout.ActionStageCheck:
		g := w.group(r)
		g.StartCheck(r.Target, due, w.now)
		state := rollout.CheckFailed
		if w.answer(r.Target, "stage "+due.Job) == "done" {
			state = rollout.CheckPassed
		}
		g.EndCheck(r.Target, due, state, "it failed", w.now)
		return true
	default:
		return false
	}
}

// answer is how the next piece of work of that name goes.
func (w *world) answer(target, what string) string {
	key := target + " " + what
	list := w.answers[key]
	if len(list) == 0 {
		return "done"
	}
	w.answers[key] = list[1:]
	return list[0]
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) check(r *rollout.Record, due rollout.Due) bool {
	w.must(rollout.Apply(r, rollout.StartJob{Due: due}, w.now))
	switch w.answer(r.Target, due.Job) {
	case "fail":
		w.must(rollout.Apply(r, rollout.FailJob{Due: due, Cause: rollout.ExecutionFailed, Message: due.Job + " failed in " + due.Phase + ": exit status 1"}, w.now))
	case "left":
		return false
	default:
		w.must(rollout.Apply(r, rollout.PassJob{Due: due}, w.now))
	}
	return true
}

// effect sends what is due, as the script has it answered.
func (w *world) effect(r *rollout.Record, due rollout.Due) bool {
	e, _ := r.Rollout(due.Rollout)
	call := driver.Call{Key: e.CallKey(due), Kind: due.Kind, Changes: []driver.Change{e.Change(due)}, Intended: w.now}
	answer := w.answer(r.Target, string(due.Kind))
	switch answer {
	case "refuse":
		w.must(rollout.Apply(r, rollout.Refuse{Due: due, Cause: rollout.ExecutionFailed, Message: "it is not allowed"}, w.now))
		return true
	case "busy":
		w.must(rollout.Apply(r, rollout.Stopped{Rollout: due.Rollout, Cause: rollout.StopBusy, Until: w.now.Add(90 * time.Second), Message: "a deployment is under way"}, w.now))
		return false
	case "throttle":
		w.must(rollout.Apply(r, rollout.Stopped{Rollout: due.Rollout, Cause: rollout.StopPlatform, Until: w.now.Add(2*time.Minute + time.Millisecond), Message: "429 Too Many Requests"}, w.now))
		return false
	case "ask":
		w.must(rollout.Apply(r, rollout.AskPerson{Due: due, Key: call.Key, Message: "somebody else changed it"}, w.now))
		return false
	case "left":
		return false
	}
	w.must(rollout.Apply(r, rollout.Intend{Due: due, Call: call, Before: json.RawMessage(`{"runs":"r1"}`), After: json.RawMessage(`{}`)}, w.now))
	if answer == "lost" {
		return false
	}
	return w.told(r, due, call.Key, answer)
}

// told has an operation answered.
func (w *world) told(r *rollout.Record, due rollout.Due, key, answer string) bool {
	e, _ := r.Rollout(due.Rollout)
	op := driver.Operation{ID: "operation-1", Status: driver.Running}
	result := driver.Result{Outcome: driver.Open}
	if e.Spec.Remote {
		result.Rollout, result.Waiting = theirs(e, answer)
	}
	switch answer {
	case "done", "SUCCEEDED":
		op.Status, result.Outcome, result.Release, result.After = driver.Done, driver.Succeeded, e.Spec.Release, json.RawMessage(`{}`)
	case "fail", "FAILED":
		op.Status, result.Outcome, result.Errors = driver.Done, driver.Failed, []driver.Problem{{Message: "the platform said no"}}
	}
	op.Results = map[string]driver.Result{r.Target: result}
	w.must(rollout.Apply(r, rollout.Answer{Key: key, Operation: op}, w.now))
	return op.Status == driver.Done
}

// theirs is a platform's own rollout in a state, and what it waits for.
func theirs(e *rollout.Execution, answer string) (json.RawMessage, string) {
	state, phases, waiting := answer, `{"id":"canary-10","state":"IN_PROGRESS","deploymentJobs":{"deployJob":{"id":"deploy","state":"IN_PROGRESS","deployJob":{}}}},{"id":"stable","state":"PENDING"}`, ""
	child := func(id, state string) string {
		return fmt.Sprintf(`{"id":%q,"state":%q,"createChildRolloutJob":{}}`, id, state)
	}
	switch answer {
	case "done":
		state = "SUCCEEDED"
	case "fail":
		state = "FAILED"
	case "advance":
		state, waiting, phases = "IN_PROGRESS", "advance", `{"id":"canary-10","state":"SUCCEEDED"},{"id":"stable","state":"PENDING"}`
	case "approval":
		state, waiting = "PENDING_APPROVAL", "approval"
	case "HALTED":
		waiting, phases = "advance", fmt.Sprintf(`{"id":"stable","state":"IN_PROGRESS","childRolloutJobs":{"createRolloutJobs":[%s,%s]}}`, child("eu", "SUCCEEDED"), child("us", "FAILED"))
	case "HALTED twice":
		state, waiting = "HALTED", "advance"
		phases = fmt.Sprintf(`{"id":"stable","state":"IN_PROGRESS","childRolloutJobs":{"createRolloutJobs":[%s,%s]}}`, child("eu", "FAILED"), child("us", "FAILED"))
	case "HALTED unseen":
		state, waiting, phases = "HALTED", "advance", ""
	case "run":
		state = "IN_PROGRESS"
	}
	return json.RawMessage(fmt.Sprintf(`{"name":%q,"targetId":%q,"state":%q,"phases":[%s]}`, "theirs/"+e.Rollout.Name, e.Spec.Target.Name, state, phases)), waiting
}

func (w *world) confirm(r *rollout.Record, due rollout.Due) bool {
	e, _ := r.Rollout(due.Rollout)
	step, _ := e.Steps.Open()
	switch w.answer(r.Target, "lookup") {
	case "absent":
		w.must(rollout.Apply(r, rollout.Withdraw{Key: step.Call.Key, Why: "it had not taken effect"}, w.now))
	case "undecided":
		w.must(rollout.Apply(r, rollout.LookedUp{Key: step.Call.Key}, w.now))
		return false
	case "foreign":
		w.must(rollout.Apply(r, rollout.AskPerson{Due: due, Key: step.Call.Key, Message: "something else stands there"}, w.now))
		return false
	default:
		w.told(r, due, step.Call.Key, "done")
	}
	return true
}

func (w *world) follow(r *rollout.Record, due rollout.Due) bool {
	e, _ := r.Rollout(due.Rollout)
	step, _ := e.Steps.Open()
	answer := w.answer(r.Target, "poll")
	if answer == "stay" {
		return false
	}
	return w.told(r, due, step.Call.Key, answer)
}

// lock is a block that carol placed.
func lock(now time.Time, bothWays bool) rollout.AddBlock {
	return rollout.AddBlock{Block: rollout.Block{
		ID: "lock-1", Kind: rollout.BlockLock, Scope: rollout.ScopeTarget, Whom: rollout.Everybody, By: "carol", Reason: "incident 12", BothWays: bothWays, At: now,
	}}
}

// percents splits "10,50".
// shares are the phases of a canary with these percentages.
func shares(text string) []rollout.PhaseSpec {
	var list []rollout.PhaseSpec
	for percent := range strings.SplitSeq(text, ",") {
		list = append(list, rollout.PhaseSpec{ID: "canary-" + percent, Percent: percent})
	}
	return list
}
