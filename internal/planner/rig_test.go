package planner_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/internal/work"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// t0 is when the tests' time begins: a Sunday noon.
var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// one is the pipeline of most tests: what runs on web-dev goes to web.
const one = `
name: shop
stages:
  - name: dev
    targets: [{name: web-dev, moon: {id: web-dev}}]
  - name: prod
    targets: [{name: web, moon: {id: web}}]
`

// chain has three stages.
const chain = `
name: shop
stages:
  - name: dev
    targets: [{name: web-dev, moon: {id: web-dev}}]
  - name: staging
    targets: [{name: web-staging, moon: {id: web-staging}, verify: [{run: [smoke]}]}]
  - name: prod
    targets: [{name: web, moon: {id: web}}]
`

// canary30 is a canary of two steps, half an hour each.
const canary30 = `strategy: {canary: {percentages: [10, 50], wait: 30m}}`

// with adds keys to the last target of a pipeline in flow style.
func with(file, keys string) string {
	i := strings.LastIndex(file, "}]")
	return file[:i] + ", " + keys + file[i:]
}

// staged adds keys to the last stage.
func staged(file, keys string) string {
	i := strings.LastIndex(file, "    targets:")
	return file[:i] + "    " + keys + "\n" + file[i:]
}

// rig is a state, a pipeline file and platforms, for which plans are made. Its
// records are made by the machine's own transitions.
type rig struct {
	t        testing.TB
	pipeline *pipeline.Pipeline
	platform *fake
	checks   checks
	state    *ledger.State
	now      time.Time
	clock    *work.Clock // nil: one that stands still at now
	places   int
	actor    rollout.Actor
	origin   string
	attempt  int
}

func facts() []driver.Facts {
	id := []driver.Key{{Name: "id", Type: driver.String, Required: true, Identity: true}}
	return []driver.Facts{
		{Platform: "moon", Keys: id, Kinds: []driver.Kind{driver.Deploy, driver.Weight, driver.Stable, driver.Disable, driver.Rollback}},
		{Platform: "fleet", Keys: id, Batch: 3, Kinds: []driver.Kind{driver.Deploy, driver.Rollback}},
		{Platform: "list", Keys: id, Ahead: true, Kinds: []driver.Kind{driver.Deploy, driver.Weight, driver.Stable, driver.Disable, driver.Rollback}},
		{Platform: "sun", Keys: id, Kinds: []driver.Kind{
			driver.Deploy, driver.Weight, driver.Stable, driver.Disable, driver.Rollback, driver.Host, driver.Route, driver.Unroute, driver.Unhost,
		}},
		{Platform: "cloud", Keys: id, Remote: true, Kinds: []driver.Kind{driver.Deploy, driver.Rollback}},
	}
}

// newRig is a pipeline where r2 runs in the first stage, and r1 everywhere else.
func newRig(t testing.TB, file string) *rig {
	t.Helper()
	p, problems := pipeline.Parse("sluice.yaml", []byte(file), facts())
	if p == nil {
		t.Fatalf("the test's own pipeline is wrong:\n%.2000s", pipeline.Format(problems))
	}
	r := &rig{
		t: t, pipeline: p, platform: newFake(), now: t0, places: 8, actor: rollout.Actor{Login: "alice", Person: true},
		state: &ledger.State{
			Records: map[string]*rollout.Record{}, Promotions: map[string]*rollout.Promotion{},
			Runs: map[string]*rollout.Run{}, Index: rollout.NewIndex("shop"),
		},
	}
	for target := range p.All() {
		r.platform.runs[target.Name.Value] = live("r1")
		if target.Stage == p.Stages[0] {
			r.platform.runs[target.Name.Value] = live("r2")
		}
	}
	return r
}

func live(release string) driver.Live {
	return driver.Live{Release: driver.Release{ID: release}}
}

// planner is that of a new invocation.
func (r *rig) planner() *planner.Planner {
	clock := work.System()
	clock.Now = func() time.Time { return r.now }
	if r.clock != nil {
		clock = *r.clock
	}
	w := work.Begin(r.t.Context(), clock, work.Limits{Places: r.places, Inline: 2 * time.Minute})
	r.t.Cleanup(w.End)
	return planner.New(planner.Config{
		Pipeline: r.pipeline, Platform: r.platform, Checks: r.checks, Work: w,
		Setting:    rollout.Setting{Person: r.actor.Person, Outside: r.outside},
		Invocation: planner.Invocation{Actor: r.actor, Origin: r.origin, Attempt: r.attempt, Commit: "c0ffee"},
	})
}

// outside asks the file's policies, as the engine does.
func (r *rig) outside(record *rollout.Record, q rollout.Question, now time.Time) []rollout.Block {
	invoker := pipeline.InvokerAutomation
	if q.Person {
		invoker = pipeline.InvokerPerson
	}
	var list []rollout.Block
	for _, b := range r.pipeline.Blocked(pipeline.Question{
		Stage: record.Stage, Target: record.Target, Action: string(q.Intention), Invoker: invoker,
		Overrides: q.Overrides, Actor: r.actor.Login, Now: now,
	}) {
		list = append(list, rollout.Block{ID: b.Policy.Name.Value, Kind: rollout.BlockPolicy, Until: b.Until, By: b.Denied, Standing: b.Policy.Standing})
	}
	return list
}

func (r *rig) target(name string) *pipeline.Target {
	r.t.Helper()
	t, err := r.pipeline.Target(name)
	if err != nil {
		r.t.Fatal(err)
	}
	return t
}

func (r *rig) targets(names ...string) []*pipeline.Target {
	list := make([]*pipeline.Target, len(names))
	for i, n := range names {
		list[i] = r.target(n)
	}
	return list
}

func (r *rig) stage(name string) *pipeline.Stage {
	r.t.Helper()
	s, err := r.pipeline.Stage(name)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// promote plans a promotion to a stage; what is said changes the request.
func (r *rig) promote(stage string, said ...func(*planner.Promotion)) planner.Plan {
	r.t.Helper()
	p := r.planner()
	s := r.stage(stage)
	req := planner.Promotion{Stage: s, Targets: s.Targets}
	for _, say := range said {
		say(&req)
	}
	if req.ID == "" {
		req.ID = p.PromotionID(rollout.CommandPromote, stage, req.Targets)
	}
	plan, err := p.Promote(r.t.Context(), r.state, req)
	if err != nil {
		r.t.Fatal(err)
	}
	return plan
}

func release(id string) func(*planner.Promotion) {
	return func(p *planner.Promotion) { p.Release = id }
}
func skipStages(p *planner.Promotion)  { p.SkipStages = true }
func acceptDrift(p *planner.Promotion) { p.AcceptDrift = true }
func allowOlder(p *planner.Promotion)  { p.AllowOlder = true }
func replace(p *planner.Promotion)     { p.Replace = true }

// carry does what a plan says to the state, as the executor does before it asks
// what is due.
func (r *rig) carry(plan planner.Plan) planner.Plan {
	r.t.Helper()
	r.passes(plan)
	if id := plan.Promotion.ID; id != "" && r.state.Promotions[id] == nil {
		entry := plan.Promotion.Clone()
		r.state.Promotions[id] = &entry
	}
	for _, m := range plan.Moves {
		for _, t := range m.Do {
			r.must(rollout.Apply(r.record(m.Target), t, r.now))
		}
	}
	return plan
}

// record is a target's in the state, made where there is none.
func (r *rig) record(target string) *rollout.Record {
	if r.state.Records[target] == nil {
		fresh := r.planner().Fresh(r.target(target))
		r.state.Records[target] = &fresh
	}
	return r.state.Records[target]
}

// apply makes a transition of a target's record.
func (r *rig) apply(target string, t rollout.Transition) {
	r.t.Helper()
	r.must(rollout.Apply(r.record(target), t, r.now))
}

func (r *rig) newest(target string) *rollout.Execution {
	r.t.Helper()
	x, ok := r.record(target).Newest()
	if !ok {
		r.t.Fatalf("%s has no rollout", target)
	}
	return x
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// drive does what is due on a target until something must be waited for. Jobs
// that are named fail; "lost" leaves the next effect without an answer.
func (r *rig) drive(target string, fails ...string) {
	r.t.Helper()
	record := r.record(target)
	for range 100 {
		g := r.group(record)
		rollout.Settle(record, g, rollout.Setting{Person: true}, r.now)
		due := rollout.Next(record, g, rollout.Setting{Person: true}, r.now)
		switch due.Action {
		case rollout.ActionEffect:
			if r.effect(record, due, slices.Contains(fails, "lost")) {
				return
			}
		case rollout.ActionCheck:
			r.apply(target, rollout.StartJob{Due: due})
			if slices.Contains(fails, due.Job) {
				r.apply(target, rollout.FailJob{Due: due, Cause: rollout.ExecutionFailed, Message: due.Job + " failed"})
				continue
			}
			r.apply(target, rollout.PassJob{Due: due})
		default:
			return
		}
	}
	r.t.Fatal("there is no end to what is due")
}

func (r *rig) group(record *rollout.Record) *rollout.Group {
	x, ok := record.Active()
	if !ok || r.state.Promotions[x.Spec.Promotion] == nil {
		return nil
	}
	g := rollout.NewGroup(r.state.Promotions[x.Spec.Promotion], r.state.Records)
	g.React(r.now)
	return g
}

// effect sends an effect and has it answered well, unless its answer is lost.
func (r *rig) effect(record *rollout.Record, due rollout.Due, lost bool) bool {
	r.t.Helper()
	x, _ := record.Rollout(due.Rollout)
	key, change := x.CallKey(due), x.Change(due)
	runs := r.platform.runs[record.Target].Release
	call := driver.Call{Key: key, Kind: due.Kind, Changes: []driver.Change{change}, Intended: r.now}
	r.apply(record.Target, rollout.Intend{Due: due, Call: call, Before: standing(runs.ID), After: standing(change.Release.ID), Runs: runs})
	if lost {
		return true
	}
	if due.Kind != driver.Weight && due.Kind != driver.Disable {
		runs = change.Release
		r.platform.runs[record.Target] = driver.Live{Release: runs}
	}
	r.apply(record.Target, rollout.Answer{Key: key, Operation: driver.Operation{
		Status: driver.Done, Results: map[string]driver.Result{record.Target: {Outcome: driver.Succeeded, Release: runs, After: standing(change.Release.ID)}},
	}})
	return false
}

func standing(release string) json.RawMessage { return json.RawMessage(`{"runs":"` + release + `"}`) }

// passes fails the test where a plan is refused.
func (r *rig) passes(plan planner.Plan) planner.Plan {
	r.t.Helper()
	if err := plan.Err(); err != nil {
		r.t.Fatalf("refused: %v", err)
	}
	return plan
}

// refuses fails the test unless a plan is refused with these words.
func (r *rig) refuses(plan planner.Plan, words string) {
	r.t.Helper()
	err := plan.Err()
	if err == nil || !strings.Contains(err.Error(), words) {
		r.t.Fatalf("got %v, want a refusal with %q", err, words)
	}
	var refused *planner.RefusedError
	if !errors.As(err, &refused) {
		r.t.Errorf("%T is no refusal", err)
	}
}

// blockedBy asserts that a plan is refused by these blocks, and nothing else.
func (r *rig) blockedBy(plan planner.Plan, ids ...string) {
	r.t.Helper()
	var got []string
	for _, one := range plan.Refusals {
		if one.Reason == nil || one.Reason.Reason != rollout.ReasonBlocked {
			r.t.Errorf("refused with %+v", one)
			continue
		}
		for _, b := range one.Reason.Blocks {
			got = append(got, strings.TrimSuffix(b.ID+" on "+one.Reason.Source, " on "))
		}
	}
	if !slices.Equal(got, ids) {
		r.t.Errorf("blocked by %q, want %q", got, ids)
	}
}

// move is what a plan does on a target.
func (r *rig) move(plan planner.Plan, target string) planner.Move {
	r.t.Helper()
	for _, m := range plan.Moves {
		if m.Target == target {
			return m
		}
	}
	r.t.Fatalf("the plan says nothing of %s: %+v", target, plan.Moves)
	return planner.Move{}
}

// does fails the test unless a move makes these kinds of transitions.
func (r *rig) does(m planner.Move, want ...string) {
	r.t.Helper()
	var got []string
	for _, t := range m.Do {
		got = append(got, strings.TrimPrefix(fmt.Sprintf("%T", t), "rollout."))
	}
	if !slices.Equal(got, want) {
		r.t.Errorf("%s: does %v, want %v", m.Target, got, want)
	}
}

// waits fails the test unless a move is left pending for this.
func (r *rig) waits(m planner.Move, kind rollout.WaitKind) rollout.Waiting {
	r.t.Helper()
	if m.Pending == nil || m.Pending.Kind != kind {
		r.t.Fatalf("%s waits for %+v, want %s", m.Target, m.Pending, kind)
	}
	return *m.Pending
}

// frozen is a deep copy of the state, to be held against it later.
func (r *rig) frozen() func() {
	copied := ledger.State{Records: map[string]*rollout.Record{}, Promotions: map[string]*rollout.Promotion{}}
	for name, record := range r.state.Records {
		c := record.Clone()
		copied.Records[name] = &c
	}
	for id, p := range r.state.Promotions {
		c := p.Clone()
		copied.Promotions[id] = &c
	}
	return func() {
		r.t.Helper()
		for name, record := range r.state.Records {
			if copied.Records[name] == nil || !reflect.DeepEqual(record.Clone(), *copied.Records[name]) {
				r.t.Errorf("planning changed the record of %s", name)
			}
		}
		for id, p := range r.state.Promotions {
			if copied.Promotions[id] == nil || !reflect.DeepEqual(p.Clone(), *copied.Promotions[id]) {
				r.t.Errorf("planning changed promotion %s", id)
			}
		}
		if len(r.state.Records) != len(copied.Records) || len(r.state.Promotions) != len(copied.Promotions) {
			r.t.Error("planning added to the state")
		}
	}
}

// checks can run every program but those named here.
type checks map[string]error

func (c checks) Preflight(g rollout.Gate) error {
	if len(g.Run) == 0 {
		return nil
	}
	return c[g.Run[0]]
}

// cancelled is a context that has ended.
func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
