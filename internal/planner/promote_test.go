package planner_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/planner"
	"sluice/internal/work"
	"sluice/rollout"
	"sluice/stages/driver"
)

// TestPromote: what the source runs goes to the target, its plan frozen from the
// file as it is today, with everything that was read once.
func TestPromote(t *testing.T) {
	r := newRig(t, with(one, canary30))
	r.actor.Reason = "because"
	plan := r.passes(r.promote("prod"))
	m := r.move(plan, "web")
	r.does(m, "Create")
	create := m.Do[0].(rollout.Create)
	s := create.Spec
	if s.Release.ID != "r2" || s.Release.CreateTime.IsZero() || s.Source.Name != "web-dev" || s.Promotion != plan.Promotion.ID || s.Creator != "alice" || !s.Person || s.Reason != "because" || s.Commit != "c0ffee" || s.Controlled {
		t.Errorf("the plan of the rollout is %+v", s)
	}
	if ids := m.Shows.Phases; !slices.Equal(ids, []string{"canary-10", "canary-50", "stable"}) || s.Wait.Std() != 30*time.Minute || !s.Restore {
		t.Errorf("phases %v, wait %v", ids, s.Wait)
	}
	if m.First == nil || m.First.Call.Kind != driver.Weight || m.First.Call.Changes[0].Percent != "10" || !m.ReadAt.Equal(t0) || create.Runs.ID != "r1" {
		t.Errorf("the first effect is %+v", m.First)
	}
	if p := plan.Promotion; p.Stage != "prod" || p.From != "dev" || !slices.Equal(p.Members, []string{"web"}) || p.OnFailure != "continue" || !p.CreateTime.Equal(t0) || p.Waves != nil {
		t.Errorf("the promotion is %+v", p)
	}
	if got, want := r.platform.had(), []string{"live web-dev", "prepare weight web", "resolve r2"}; !slices.Equal(got, want) {
		t.Errorf("asked %v, want %v", got, want)
	}
}

// TestFirstStage: the first stage of a chain is told its release: by its id, its
// name, or the beginning of its id, as the platform decides.
func TestFirstStage(t *testing.T) {
	r := newRig(t, chain)
	r.platform.releases["r3"] = driver.Release{ID: "r3", Name: "v42", CreateTime: t0}
	r.refuses(r.promote("dev"), "name one with --release")
	r.refuses(r.promote("dev", release("r77")), "notFound")
	for _, named := range []string{"r3", "v42"} {
		create := r.move(r.passes(r.promote("dev", release(named))), "web-dev").Do[0].(rollout.Create)
		if create.Spec.Release.ID != "r3" || create.Spec.Source != nil {
			t.Errorf("%s is %+v", named, create.Spec.Release)
		}
	}
	create := r.move(r.passes(r.promote("dev", release("abcdef09"))), "web-dev").Do[0].(rollout.Create)
	if create.Spec.Release.ID != "abcdef0999" {
		t.Errorf("the beginning of an id is %+v", create.Spec.Release)
	}
	r.platform.trouble["resolve abcdef0"] = fmt.Errorf("abcdef0 is abcdef0123 or abcdef0999: %w", &outage{code: driver.Invalid})
	r.refuses(r.promote("dev", release("abcdef0")), "abcdef0123 or abcdef0999")
}

// TestReads: a promotion needs the records of its targets and of their sources.
func TestReads(t *testing.T) {
	r := newRig(t, chain)
	p := r.planner()
	for stage, want := range map[string][]string{"prod": {"web", "web-staging"}, "dev": {"web-dev"}} {
		s := r.stage(stage)
		if got := p.Reads(planner.Promotion{Stage: s, Targets: s.Targets}); !slices.Equal(got, want) {
			t.Errorf("%s reads %v, want %v", stage, got, want)
		}
	}
	s := r.stage("prod")
	if got := p.Reads(planner.Promotion{Stage: s, Targets: s.Targets, SkipStages: true}); !slices.Equal(got, []string{"web", "web-dev"}) {
		t.Errorf("a hot fix reads %v", got)
	}
}

// TestFirstDeployment: only the platform says that nothing runs there.
func TestFirstDeployment(t *testing.T) {
	r := newRig(t, with(one, canary30))
	r.platform.runs["web"] = driver.Live{}
	m := r.move(r.passes(r.promote("prod")), "web")
	if !m.Shows.First || !m.Do[0].(rollout.Create).First {
		t.Errorf("%+v", m)
	}
	r.platform.runs["web"] = live("r1")
	if m := r.move(r.passes(r.promote("prod")), "web"); m.Shows.First {
		t.Error("a target without a record is taken for one where nothing runs")
	}
}

// TestUnchanged: what runs there already is left alone, and is no member that is
// waited for.
func TestUnchanged(t *testing.T) {
	r := newRig(t, one)
	r.platform.runs["web"] = live("r2")
	plan := r.passes(r.promote("prod"))
	m := r.move(plan, "web")
	r.does(m)
	if !m.Unchanged || m.Shows.Release.ID != "r2" || !slices.Equal(plan.Promotion.Unchanged, []string{"web"}) {
		t.Errorf("%+v, %v", m, plan.Promotion.Unchanged)
	}
}

// TestUnproven: that a release runs whose rollout failed proves nothing.
func TestUnproven(t *testing.T) {
	r := newRig(t, with(one, `verify: [{run: [smoke]}]`))
	r.carry(r.promote("prod"))
	r.drive("web", rollout.JobVerify)
	if x := r.newest("web"); x.Rollout.State != rollout.StateFailed || r.platform.runs["web"].Release.ID != "r2" {
		t.Fatalf("%s is %s", x.Rollout.Name, x.Rollout.State)
	}
	m := r.move(r.passes(r.promote("prod")), "web")
	r.does(m, "Create")
	if m.Unchanged {
		t.Error("it is called unchanged")
	}
}

// TestPendingThere: nothing is claimed of a target while something newer is on
// its way there; nor of what a source runs.
func TestPendingThere(t *testing.T) {
	r := newRig(t, one)
	r.platform.runs["web"] = driver.Live{Release: driver.Release{ID: "r2"}, Pending: &driver.Release{ID: "r3"}}
	plan := r.passes(r.promote("prod"))
	m := r.move(plan, "web")
	if w := r.waits(m, rollout.WaitPlatform); w.Cause != rollout.CauseBusy || !strings.Contains(w.Message, "r3") {
		t.Errorf("waits for %+v", w)
	}
	if m.Unchanged || len(plan.Promotion.Unchanged) > 0 {
		t.Error("it is called unchanged")
	}
	r.platform.trouble["live web"] = &outage{code: driver.Retryable}
	r.waits(r.move(r.promote("prod"), "web"), rollout.WaitPlatform)

	r = newRig(t, one)
	r.platform.runs["web-dev"] = driver.Live{Release: driver.Release{ID: "r2"}, Pending: &driver.Release{ID: "r3"}}
	r.refuses(r.promote("prod"), "web-dev is about to run something newer, r3")
	r.passes(r.promote("prod", skipStages))
}

// several is a pipeline of three components.
func several(stage string) string {
	var dev, prod strings.Builder
	for _, c := range []string{"a", "b", "c"} {
		fmt.Fprintf(&dev, "      - {name: %s-dev, component: %s, moon: {id: %s-dev}}\n", c, c, c)
		fmt.Fprintf(&prod, "      - {name: %s, component: %s, moon: {id: %s}}\n", c, c, c)
	}
	return "name: shop\nstages:\n  - name: dev\n    targets:\n" + dev.String() + "  - name: prod\n" + stage + "    targets:\n" + prod.String()
}

// TestOneRefused: one refusal refuses the promotion, and every one is told.
func TestOneRefused(t *testing.T) {
	r := newRig(t, several(""))
	r.platform.findings["b"] = []driver.Finding{{Target: "b", Severity: driver.Refuse, Message: "no such app"}}
	r.platform.findings["c"] = []driver.Finding{{Target: "c", Severity: driver.Foreign, Message: "somebody was here"}, {Target: "c", Severity: driver.Warn, Message: "odd"}}
	plan := r.promote("prod")
	r.refuses(plan, "b: no such app")
	r.refuses(plan, "c: somebody was here")
	if len(plan.Findings) != 1 || plan.Findings[0].Message != "odd" {
		t.Errorf("findings %+v", plan.Findings)
	}
}

// TestFindings: what is found of a whole call is told once.
func TestFindings(t *testing.T) {
	r := newRig(t, fanOut(3))
	r.platform.findings[""] = []driver.Finding{{Severity: driver.Note, Message: "three apps at once"}}
	r.platform.findings["app-1"] = []driver.Finding{{Target: "app-1", Severity: driver.Note, Message: "asleep"}}
	plan := r.passes(r.promote("prod"))
	if len(plan.Findings) != 2 {
		t.Errorf("findings %+v", plan.Findings)
	}
}

// TestHalfMade: what was never saved of a promotion that others go on in is made
// in that one, so that its waves are whole.
func TestHalfMade(t *testing.T) {
	r := newRig(t, strings.Replace(fanOut(3), "  - name: prod\n", "  - name: prod\n    waves: {sizes: [1, 100%]}\n", 1))
	plan := r.promote("prod")
	plan.Moves = plan.Moves[1:2] // the run died after this one was saved
	made := r.carry(plan).Promotion.ID
	again := r.passes(r.promote("prod"))
	if again.Promotion.ID != "" {
		t.Errorf("promotion %s is made beside %s", again.Promotion.ID, made)
	}
	for _, name := range []string{"app-0", "app-2"} {
		m := r.move(again, name)
		r.does(m, "Create")
		if got := m.Do[0].(rollout.Create).Spec.Promotion; got != made {
			t.Errorf("%s is made in %s, want %s", name, got, made)
		}
	}
	if m := r.move(again, "app-1"); m.Shows.Resumes == "" || len(m.Do) > 0 {
		t.Errorf("app-1 does not go on: %+v", m)
	}
}

// fanOut is a pipeline of n apps that get what one runs.
func fanOut(n int) string {
	var prod strings.Builder
	for i := range n {
		fmt.Fprintf(&prod, "      - {name: app-%d, fleet: {id: app-%d}}\n", i, i)
	}
	return "name: shop\nstages:\n  - name: dev\n    targets: [{name: dev, fleet: {id: dev}}]\n  - name: prod\n    targets:\n" + prod.String()
}

// TestMissingProgram: a check that cannot run here refuses before anything is
// prepared.
func TestMissingProgram(t *testing.T) {
	r := newRig(t, with(one, `verify: [{run: [smoke]}]`))
	r.checks = checks{"smoke": errors.New("smoke is not there")}
	r.refuses(r.promote("prod"), "smoke is not there")
	if got := r.platform.had(); slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "prepare") }) {
		t.Errorf("asked %v", got)
	}
}

// TestUnreachable: a target whose platform does not answer is pending, not
// refused. Under continue the others go on; under halt and rollback none begins.
func TestUnreachable(t *testing.T) {
	for _, broken := range []string{"prepare b", "live b-dev"} {
		for stage, others := range map[string]bool{"": true, "    onFailure: halt\n": false, "    onFailure: rollback\n": false} {
			t.Run(broken+" "+stage, func(t *testing.T) {
				r := newRig(t, several(stage))
				r.platform.trouble[broken] = &outage{code: driver.Retryable, after: time.Minute}
				plan := r.passes(r.promote("prod"))
				if !slices.Equal(plan.Promotion.Members, []string{"a", "b", "c"}) {
					t.Errorf("members %v", plan.Promotion.Members)
				}
				for _, name := range []string{"a", "c"} {
					m := r.move(plan, name)
					if (len(m.Do) > 0) != others || (m.Pending == nil) != others {
						t.Errorf("%s under %q: %+v", name, stage, m)
					}
				}
				b := r.move(plan, "b")
				if broken == "prepare b" && others {
					r.does(b, "Create") // its rollout waits for the platform
					return
				}
				w := r.waits(b, rollout.WaitPlatform)
				if !w.Until.Equal(t0.Add(time.Minute)) || w.Message == "" || w.Target != strings.Fields(broken)[1] {
					t.Errorf("waits for %+v", w)
				}
			})
		}
	}
}

// TestRefusedByPlatform: an answer that will not change refuses.
func TestRefusedByPlatform(t *testing.T) {
	for _, code := range []driver.Code{driver.NotFound, driver.Denied, driver.Invalid} {
		for _, at := range []string{"live web-dev", "prepare web", "resolve r2"} {
			r := newRig(t, one)
			r.platform.trouble[at] = &outage{code: code}
			r.refuses(r.promote("prod"), string(code))
		}
	}
}

// TestInterrupted: the end of the invocation is an error, not a refusal.
func TestInterrupted(t *testing.T) {
	r := newRig(t, one)
	s := r.stage("prod")
	if _, err := r.planner().Promote(cancelled(t), r.state, planner.Promotion{ID: "p", Stage: s, Targets: s.Targets}); err == nil {
		t.Error("a plan is made after the end")
	}
}

// crowd is a pipeline of n components on two stages.
func crowd(n int, platform, stage string) string {
	var dev, prod strings.Builder
	for i := range n {
		fmt.Fprintf(&dev, "      - {name: dev-%05d, component: c-%05d, %s: {id: dev-%d}}\n", i, i, platform, i)
		fmt.Fprintf(&prod, "      - {name: app-%05d, component: c-%05d, %s: {id: app-%d}}\n", i, i, platform, i)
	}
	return "name: shop\nstages:\n  - name: dev\n    targets:\n" + dev.String() + "  - name: prod\n" + stage + "    targets:\n" + prod.String()
}

// TestSideBySide: 64 targets whose platform takes 300 ms a request are planned in
// the time of three requests, with as many places; with half of them in that of
// five.
func TestSideBySide(t *testing.T) {
	for places, rounds := range map[int]int{64: 3, 32: 5} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, crowd(64, "moon", ""))
			clock := work.System()
			r.clock, r.places, r.platform.pause = &clock, places, 300*time.Millisecond
			begun := time.Now()
			plan := r.passes(r.promote("prod"))
			if took := time.Since(begun); took != time.Duration(rounds)*300*time.Millisecond {
				t.Errorf("%d places: planned in %s", places, took)
			}
			if len(plan.Moves) != 64 || plan.Moves[63].First == nil || r.platform.together > places {
				t.Errorf("%d moves, %d requests at once", len(plan.Moves), r.platform.together)
			}
		})
	}
}

// TestBatches: as many targets share a call as the platform takes, where they
// share source and release.
func TestBatches(t *testing.T) {
	r := newRig(t, fanOut(7))
	plan := r.passes(r.promote("prod"))
	var prepared []string
	for _, asked := range r.platform.had() {
		if rest, ok := strings.CutPrefix(asked, "prepare deploy "); ok {
			prepared = append(prepared, rest)
		}
	}
	if want := []string{"app-0 app-1 app-2", "app-3 app-4 app-5", "app-6"}; !slices.Equal(prepared, want) {
		t.Errorf("calls %q, want %q", prepared, want)
	}
	if plan.Moves[0].First != plan.Moves[2].First || plan.Moves[2].First == plan.Moves[3].First {
		t.Error("the moves of one call do not share what was prepared")
	}
}

// TestBatchesAsOne: a call has only targets that are asked as the same.
func TestBatchesAsOne(t *testing.T) {
	r := newRig(t, fanOut(5))
	r.platform.as = map[string]string{"app-1": "other"}
	r.passes(r.promote("prod"))
	var prepared []string
	for _, asked := range r.platform.had() {
		if rest, ok := strings.CutPrefix(asked, "prepare deploy "); ok {
			prepared = append(prepared, rest)
		}
	}
	slices.Sort(prepared)
	if want := []string{"app-0 app-2 app-3", "app-1", "app-4"}; !slices.Equal(prepared, want) {
		t.Errorf("calls %q, want %q", prepared, want)
	}
}

// TestOrder: moves are in the file's order, however the answers come.
func TestOrder(t *testing.T) {
	r := newRig(t, crowd(20, "moon", ""))
	plan := r.passes(r.promote("prod"))
	var names []string
	for _, m := range plan.Moves {
		names = append(names, m.Target)
	}
	if !slices.IsSorted(names) || !slices.Equal(names, plan.Promotion.Members) {
		t.Errorf("moves %v, members %v", names, plan.Promotion.Members)
	}
}

// TestWaves: the sizes of the file are pinned as counts of the members.
func TestWaves(t *testing.T) {
	r := newRig(t, crowd(10, "moon", "    waves: {sizes: [1, 25%, 100%], wait: 10m, tolerate: 1, scope: promotion}\n    onFailure: rollback\n"))
	p := r.passes(r.promote("prod")).Promotion
	if w := p.Waves; w == nil || !slices.Equal(w.Sizes, []int{1, 3, 10}) || w.Wait.Std() != 10*time.Minute || w.Tolerate != 1 || p.TakeBack != "promotion" || p.OnFailure != "rollback" {
		t.Errorf("%+v", p)
	}
}

// TestShare: a shard plans its share of the members that all shards agree on.
func TestShare(t *testing.T) {
	r := newRig(t, several(""))
	plan := r.passes(r.promote("prod", func(p *planner.Promotion) {
		p.ID, p.Members, p.Targets = "p-shared", []string{"a", "b", "c"}, r.targets("b")
		p.Shards = &rollout.Shards{Run: "7", Count: 3}
	}))
	if p := plan.Promotion; p.ID != "p-shared" || !slices.Equal(p.Members, []string{"a", "b", "c"}) || p.Shards == nil || len(plan.Moves) != 1 {
		t.Errorf("%+v", plan)
	}
	if s := plan.Moves[0].Do[0].(rollout.Create).Spec; !s.Controlled {
		t.Error("its rollout is not one of several")
	}
}
