package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
)

// canaryWaits is a canary whose bakes are short enough to be waited for;
// canaryOnce has one phase of them.
const (
	canaryWaits = `strategy: {canary: {percentages: [10, 50], wait: 1m, disable: true}}`
	canaryOnce  = `strategy: {canary: {percentages: [10], wait: 1m, disable: true}}`
)

// three is a fleet that is promoted in one call.
const three = `
name: shop
stages:
  - name: dev
    targets: [{name: web-dev, fleet: {spot: web-dev}}]
  - name: prod
    targets:
      - {name: a, fleet: {spot: a}}
      - {name: b, fleet: {spot: b}}
      - {name: c, fleet: {spot: c}}
`

// story is something that a process can die in.
type story struct {
	name   string
	file   string
	before func(w *world) // what happened before, without deaths
	do     action
	want   []string // what takes effect in do, sorted
	state  map[string]rollout.State
	stands map[string]standing
}

func stories() []story {
	succeeded := func(names ...string) map[string]rollout.State {
		states := map[string]rollout.State{}
		for _, n := range names {
			states[n] = rollout.StateSucceeded
		}
		return states
	}
	return []story{
		{
			name: "promote", file: one, do: promote("prod"), want: []string{"web deploy"},
			state: succeeded("web"), stands: map[string]standing{"web": {Release: "r2"}},
		},
		{
			name: "canary", file: with(one, canaryOnce), do: promote("prod"),
			want:  []string{"web disable", "web stable", "web weight 10"},
			state: succeeded("web"), stands: map[string]standing{"web": {Release: "r2"}},
		},
		{
			name: "verified", file: with(one, `verify: [{run: [smoke]}]`), do: promote("prod"),
			want: []string{"web deploy"}, state: succeeded("web"), stands: map[string]standing{"web": {Release: "r2"}},
		},
		{
			name: "promote-canary", file: one, do: promoteCanary("web", true),
			before: func(w *world) { w.sky().intrude("web", standing{Release: "r1", Canary: "r3", Percent: "10"}) },
			want:   []string{"web disable", "web stable"}, state: succeeded("web"), stands: map[string]standing{"web": {Release: "r3"}},
		},
		{
			name: "rollback", file: one, do: rollback("web"),
			before: func(w *world) { w.must(rollout.StatusSucceeded, promote("prod")) },
			want:   []string{"web rollback"}, state: succeeded("web"), stands: map[string]standing{"web": {Release: "r1"}},
		},
		{
			name: "restore and retry", file: with(one, canaryOnce+", verify: [{run: [smoke]}]"), do: order(engine.CommandRetryJob, "web"),
			before: func(w *world) {
				w.checks.fails["smoke"] = errors.New("it smokes")
				w.must(rollout.StatusFailed, promote("prod"))
				delete(w.checks.fails, "smoke")
			},
			want:  []string{"web disable", "web stable", "web weight 10"},
			state: succeeded("web"), stands: map[string]standing{"web": {Release: "r2"}},
		},
		{
			name: "cancel", file: with(one, `strategy: {canary: {percentages: [10], wait: 3h}}`), do: order(engine.CommandCancel, "web"),
			before: func(w *world) { w.must(rollout.StatusPending, promote("prod")) },
			want:   []string{"web rollback"}, stands: map[string]standing{"web": {Release: "r1"}},
			state: map[string]rollout.State{"web": rollout.StateCancelled},
		},
		{
			name: "batch", file: three, do: promote("prod"), want: []string{"a deploy", "b deploy", "c deploy"},
			state: succeeded("a", "b", "c"), stands: map[string]standing{"a": {Release: "r2"}, "c": {Release: "r2"}},
		},
	}
}

// weather is how the platform behaves while processes die.
type weather struct {
	name         string
	settle, slow time.Duration
	next         []string // who runs after the death
}

func weathers() []weather {
	return []weather{
		{name: "fair", next: []string{"re-run", "other run"}},
		{name: "late", settle: 3 * time.Second, next: []string{"re-run"}},
		{name: "slow", slow: 10 * time.Second, next: []string{"other run"}},
	}
}

func (w weather) on(world *world) {
	for _, s := range world.skies {
		s.facts.Settle, s.slow = w.settle, w.slow
	}
}

// TestCrash kills the process at every point where it touches the world, and
// runs it again: every effect takes place once.
func TestCrash(t *testing.T) {
	for _, s := range stories() {
		for _, sky := range weathers() {
			t.Run(s.name+"/"+sky.name, func(t *testing.T) {
				n := s.count(t, sky)
				for at := 1; at <= n; at++ {
					for _, next := range sky.next {
						t.Run(fmt.Sprintf("%s after death %d of %d", next, at, n), func(t *testing.T) {
							synctest.Test(t, func(t *testing.T) { s.dieAt(t, sky, next, at) })
						})
					}
				}
			})
		}
	}
}

// count tells the story without a death and counts the points.
func (s story) count(t *testing.T, sky weather) int {
	n := 0
	synctest.Test(t, func(t *testing.T) {
		w, before := s.world(t, sky)
		p := w.start(again)
		r := p.run(s.do)
		n = p.points()
		s.ends(w, r, before)
	})
	if n < 4 {
		t.Fatalf("only %d points", n)
	}
	return n
}

func (s story) world(t *testing.T, sky weather) (*world, []string) {
	w := newWorld(t, s.file)
	sky.on(w)
	if s.before != nil {
		s.before(w)
	}
	return w, w.effects()
}

// again makes an invocation the same step of the same job as all others.
func again(c *engine.Config) { c.Origin = "run/1 job step" }

// other makes an invocation another run, that knows that the first is over.
func other(c *engine.Config) {
	c.Lease.Holder, c.Lease.RunURL = "run/2", "https://ci.example/2"
	c.Over = func(_ context.Context, l rollout.Lock) bool { return l.Holder == "run/1" }
}

func (s story) dieAt(t *testing.T, sky weather, next string, at int) {
	w, before := s.world(t, sky)
	p := w.start(again)
	p.dieAt = at
	if r := p.run(s.do); !r.died {
		t.Fatalf("it did not die: %+v", r)
	}
	t.Logf("died %s", p.where)
	if next == "other run" {
		if r := w.do(reconcile(), other); r.err != nil {
			t.Fatalf("reconcile: %v", r.err)
		}
	}
	s.ends(w, w.do(s.do, again), before)
}

// ends checks how the story ends, however often it was interrupted.
func (s story) ends(w *world, r result, before []string) {
	w.t.Helper()
	if over(s, w) && isRefused(r.err) {
		r.err = nil // a command to a rollout that is over by now
	}
	if r.err != nil {
		w.t.Fatalf("it ends with %v", r.err)
	}
	got := w.effects()[len(before):]
	slices.Sort(got)
	if !slices.Equal(got, s.want) {
		w.t.Errorf("effects %q, want %q", got, s.want)
	}
	for target, state := range s.state {
		w.is(target, state)
	}
	for target, want := range s.stands {
		sky := w.sky()
		if sky.spots[target] == nil {
			sky = w.platform("fleet")
		}
		if got := sky.stand(target); got != want {
			w.t.Errorf("%s stands at %+v, want %+v", target, got, want)
		}
	}
}

// over reports whether the story's rollouts have ended.
func over(s story, w *world) bool {
	for target := range s.state {
		if x := w.newest(target); !x.Rollout.State.Final() {
			return false
		}
	}
	return true
}
