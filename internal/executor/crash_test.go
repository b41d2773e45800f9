package executor_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/rollout"
)

// story is something that a process can die in.
type story struct {
	name     string
	platform string
	targets  []string
	before   func(w *world)              // what happened before, without deaths
	plan     func(w *world) planner.Plan // what a process dies in
	want     []string                    // what takes effect in it, sorted
	some     bool                        // a death may keep some of it from taking effect
	state    map[string]rollout.State
	stands   map[string]standing
}

func states(s rollout.State, targets ...string) map[string]rollout.State {
	all := map[string]rollout.State{}
	for _, name := range targets {
		all[name] = s
	}
	return all
}

func stories() []story {
	smoked := []func(*rollout.Spec){canary(time.Minute, "10"), verify(gate("smoke")), func(s *rollout.Spec) { s.Restore = true }}
	return []story{
		{
			name: "promote", platform: "plain", targets: []string{"web"}, plan: func(w *world) planner.Plan { return w.plan(promotion{}) },
			want: []string{"web deploy"}, state: states(rollout.StateSucceeded, "web"), stands: map[string]standing{"web": {Release: "r2"}},
		},
		{
			name: "read before", platform: "plain", targets: []string{"web"}, plan: func(w *world) planner.Plan { return w.plan(promotion{read: true}) },
			want: []string{"web deploy"}, state: states(rollout.StateSucceeded, "web"), stands: map[string]standing{"web": {Release: "r2"}},
		},
		{
			name: "canary", platform: "plain", targets: []string{"web"},
			plan: func(w *world) planner.Plan {
				return w.plan(promotion{spec: []func(*rollout.Spec){canary(time.Minute, "10")}})
			},
			want:  []string{"web disable", "web stable", "web weight 10"},
			state: states(rollout.StateSucceeded, "web"), stands: map[string]standing{"web": {Release: "r2"}},
		},
		{
			name: "verified", platform: "plain", targets: []string{"web"},
			plan: func(w *world) planner.Plan {
				return w.plan(promotion{spec: []func(*rollout.Spec){verify(gate("smoke"))}})
			},
			want: []string{"web deploy"}, state: states(rollout.StateSucceeded, "web"), stands: map[string]standing{"web": {Release: "r2"}},
		},
		{
			name: "rollback", platform: "plain", targets: []string{"web"},
			before: func(w *world) { w.do("before", w.plan(promotion{})) }, plan: func(w *world) planner.Plan { return w.back("web") },
			want: []string{"web rollback"}, state: states(rollout.StateSucceeded, "web"), stands: map[string]standing{"web": {Release: "r1"}},
		},
		{
			name: "restore", platform: "plain", targets: []string{"web"},
			before: func(w *world) { w.checks.fails["smoke"] = errors.New("it smokes") },
			plan:   func(w *world) planner.Plan { return w.plan(promotion{spec: smoked}) },
			want:   []string{"web rollback", "web weight 10"}, state: states(rollout.StateFailed, "web"), stands: map[string]standing{"web": {Release: "r1"}},
		},
		{
			name: "cancel", platform: "plain", targets: []string{"web"},
			before: func(w *world) {
				w.do("before", w.plan(promotion{spec: []func(*rollout.Spec){canary(3*time.Hour, "10")}}))
			},
			plan: func(w *world) planner.Plan {
				return w.goOn(nil, rollout.Cancel{By: rollout.Actor{Login: "bob", Person: true}})
			},
			want: []string{"web rollback"}, state: states(rollout.StateCancelled, "web"), stands: map[string]standing{"web": {Release: "r1"}},
		},
		{
			name: "ordered back", platform: "plain", targets: []string{"web"},
			before: func(w *world) {
				w.do("before", w.plan(promotion{}))
				w.beside(order(rollout.OrderRollback, 0), "web")
			},
			plan: func(w *world) planner.Plan { return w.goOn(nil) },
			want: []string{"web rollback"}, state: states(rollout.StateSucceeded, "web"), stands: map[string]standing{"web": {Release: "r1"}},
		},
		{
			name: "batch", platform: "fleet", targets: []string{"a", "b", "c"}, plan: func(w *world) planner.Plan { return w.plan(promotion{}) },
			want: []string{"a deploy", "b deploy", "c deploy"}, state: states(rollout.StateSucceeded, "a", "b", "c"),
			stands: map[string]standing{"a": {Release: "r2"}, "c": {Release: "r2"}},
		},
		{
			name: "waves", platform: "fleet", targets: []string{"a", "b", "c"},
			plan: func(w *world) planner.Plan {
				return w.plan(promotion{onFailure: rollout.OnFailureHalt, waves: &rollout.Waves{Sizes: []int{1, 3}}, spec: []func(*rollout.Spec){verify(onStage("all"))}})
			},
			want: []string{"a deploy", "b deploy", "c deploy"}, state: states(rollout.StateSucceeded, "a", "b", "c"),
			stands: map[string]standing{"a": {Release: "r2"}, "c": {Release: "r2"}},
		},
		{
			name: "taken back", some: true, platform: "plain", targets: []string{"a", "b"},
			before: func(w *world) { w.checks.fails["b:smoke"] = errors.New("it smokes") },
			plan: func(w *world) planner.Plan {
				return w.plan(promotion{onFailure: rollout.OnFailureRollback, spec: []func(*rollout.Spec){verify(gate("smoke"))}})
			},
			want:   []string{"a deploy", "a rollback", "b deploy", "b rollback"},
			stands: map[string]standing{"a": {Release: "r1"}, "b": {Release: "r1"}},
		},
	}
}

// weather is how the platform behaves while processes die, and who comes next.
type weather struct {
	name         string
	settle, slow time.Duration
	next         func(*process)
}

func weathers() []weather {
	over := func(p *process) {
		p.over = func(context.Context, rollout.Run) (ledger.Fate, error) { return ledger.Over, nil }
		p.limits.Budget = time.Hour
	}
	attempt := func(p *process) { p.run.Name, p.run.Attempt, p.limits.Budget = "job", 2, time.Hour }
	return []weather{
		{name: "after a death that was seen", next: knowing},
		{name: "after an end that was told", settle: 3 * time.Second, next: over},
		{name: "by a higher attempt", slow: 10 * time.Second, next: attempt},
	}
}

// TestCrash kills the process at every point where it touches the world, and has
// another one go on: every effect takes place once.
func TestCrash(t *testing.T) {
	for _, s := range stories() {
		for _, weather := range weathers() {
			t.Run(s.name+"/"+weather.name, func(t *testing.T) {
				n := s.count(t, weather)
				for at := 1; at <= n; at++ {
					t.Run(fmt.Sprintf("death %d of %d", at, n), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) { s.dieAt(t, weather, at) })
					})
				}
			})
		}
	}
}

// count tells the story without a death and counts the points.
func (s story) count(t *testing.T, weather weather) int {
	n := 0
	synctest.Test(t, func(t *testing.T) {
		w, before := s.world(t, weather)
		p := w.start("first", first)
		r := p.do(s.plan(w))
		n = p.points()
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		s.ends(w, before)
	})
	if n < 4 {
		t.Fatalf("only %d points", n)
	}
	return n
}

func first(p *process) { p.run.Name, p.run.Attempt = "job", 1 }

func (s story) world(t *testing.T, weather weather) (*world, int) {
	w := newWorld(t, s.platform, s.targets...)
	for name, f := range w.platform.facts {
		w.platform.facts[name] = settling(f, weather.settle)
	}
	w.platform.slow = weather.slow
	if s.before != nil {
		s.before(w)
	}
	return w, len(w.platform.done())
}

func (s story) dieAt(t *testing.T, weather weather, at int) {
	w, before := s.world(t, weather)
	p, plan := w.start("first", first), s.plan(w)
	p.dieAt = at
	if r := p.do(plan); !r.died {
		if r.Err != nil || at < 4 {
			t.Fatalf("it did not die: %v", r.Err)
		}
		s.ends(w, before) // what goes side by side passes a few points fewer at times
		return
	}
	t.Logf("died %s", p.where)
	if w.made(plan) {
		plan = w.goOn(s.targets)
	}
	r := w.start("second", weather.next).do(plan)
	if r.loaded != nil || r.Err != nil || r.closed != nil {
		t.Fatalf("the second run: %v, %v, %v", r.loaded, r.Err, r.closed)
	}
	s.ends(w, before)
}

// made reports whether the state has what the plan makes.
func (w *world) made(plan planner.Plan) bool {
	name := plan.Moves[0].Target
	r := w.record(name)
	x, ok := r.Newest()
	if plan.Promotion.ID != "" {
		return ok && x.Spec.Promotion == plan.Promotion.ID
	}
	return ok && (x.Rollout.State == rollout.StateCancelling || x.Rollout.State.Final())
}

// ends checks how the story ends, however it was interrupted.
func (s story) ends(w *world, before int) {
	w.t.Helper()
	got := w.platform.done()[before:]
	slices.Sort(got)
	twice := len(slices.Compact(slices.Clone(got))) != len(got)
	more := slices.ContainsFunc(got, func(e string) bool { return !slices.Contains(s.want, e) })
	if twice || more || !s.some && !slices.Equal(got, s.want) {
		w.t.Errorf("effects %q, want %q", got, s.want)
	}
	for target, state := range s.state {
		w.is(target, state)
	}
	w.free(s.targets...)
	for target, want := range s.stands {
		if got := w.platform.stand(target); got != want {
			w.t.Errorf("%s stands at %+v, want %+v", target, got, want)
		}
	}
}
