package executor_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/executor"
	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/rollout"
	"sluice/stages/driver"
)

// life is a world in which anything may happen, by a seed.
type life struct {
	*world
	dice    *rand.Rand
	runs    int
	atWork  map[string]bool // runs that are neither dead nor over
	allOpen []<-chan result
	// piecemeal has the store save entry by entry.
	piecemeal bool
}

// pick is one of several at random.
func pick[T any](l *life, list ...T) T { return list[l.dice.IntN(len(list))] }

// TestLives gives random commands from several runs at once while answers get
// lost, checks fail, time passes, people lock and order, and processes die.
// Whatever happens, no effect takes place twice, none without its intent and its
// lease, in the end everything can be brought to its end, and the history tells all of
// it once. Every second life is lived over a store that saves entry by entry.
func TestLives(t *testing.T) {
	for seed := range *lives {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &life{
					world: newWorld(t, "plain", "web", "api", "cart"), dice: rand.New(rand.NewPCG(seed, 7)), atWork: map[string]bool{},
					piecemeal: seed%2 == 1,
				}
				for _, name := range []string{"a", "b", "c"} {
					l.add("fleet", name)
				}
				for name, f := range l.platform.facts {
					l.platform.facts[name] = settling(f, 2*time.Second)
				}
				for range 14 {
					l.disturb()
					l.act()
				}
				l.calm()
				l.invariants()
			})
		})
	}
}

// lives is how many random lives TestLives lives.
var lives = flag.Uint64("lives", 80, "how many random lives TestLives lives")

// disturb has something go wrong soon, and others say something.
func (l *life) disturb() {
	l.platform.mu.Lock()
	l.platform.slow = pick(l, 0, 0, 10*time.Second, 20*time.Minute)
	l.platform.lag = pick(l, 0, time.Second, 5*time.Second)
	l.platform.mu.Unlock()
	target := pick(l, l.order...)
	kind := pick(l, driver.Deploy, driver.Weight, driver.Stable, driver.Rollback)
	l.platform.next(target, kind, pick(l,
		answer{}, answer{slow: time.Second}, answer{code: driver.Lost}, answer{code: driver.Lost, drop: true},
		answer{code: driver.Retryable}, answer{code: driver.Retryable, after: 3 * time.Minute, busy: true}, answer{code: driver.Denied}, answer{fail: target + " is full"},
	))
	fails := map[string]error{}
	if l.dice.IntN(4) == 0 {
		fails[pick(l, "smoke", "all")] = errors.New("500")
	}
	l.checks.failing(fails)
	switch l.dice.IntN(8) {
	case 0:
		l.beside(order(pick(l, rollout.OrderCancel, rollout.OrderRollback, rollout.OrderAdvance), pick(l, 0, time.Minute)), pick(l, l.order...))
	case 1:
		l.beside(lock("l1"), pick(l, l.order...))
	case 2:
		name := pick(l, l.order...)
		if r := l.record(name); slices.ContainsFunc(r.Blocks, func(b rollout.Block) bool { return b.ID == "l1" }) {
			l.beside(rollout.EndBlock{ID: "l1", By: rollout.Actor{Login: "carol", Person: true}}, name)
		}
	}
}

// act is an invocation, beside those that are still at work; it may die.
func (l *life) act() {
	p := l.process()
	if l.dice.IntN(3) == 0 {
		p.dieAt = 1 + l.dice.IntN(24)
	}
	plan := l.command()
	l.allOpen = append(l.allOpen, p.async(func() result { return l.over(p, p.do(plan)) }))
	time.Sleep(pick(l, 3*time.Second, 30*time.Second, time.Minute, 6*time.Minute, 25*time.Hour))
}

// process is a new run, which knows which others are dead.
func (l *life) process() *process {
	l.runs++
	id := fmt.Sprintf("run%d", l.runs)
	l.mu.Lock()
	l.atWork[id] = true
	l.mu.Unlock()
	p := l.start(id)
	p.person, p.piecemeal = true, l.piecemeal
	p.limits.Places = pick(l, 1, 2, 8)
	p.over = func(_ context.Context, r rollout.Run) (ledger.Fate, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.atWork[r.ID] {
			return ledger.Alive, nil
		}
		return ledger.Dead, nil
	}
	return p
}

// over notes that a run is.
func (l *life) over(p *process, r result) result {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.atWork, p.run.ID)
	if ledger.IsUnreadable(r.Err) || ledger.IsUnreadable(r.loaded) {
		l.t.Errorf("state became unreadable: %v %v", r.Err, r.loaded)
	}
	return r
}

// command is one at random.
func (l *life) command() planner.Plan {
	targets := pick(l, l.order, []string{"web"}, []string{"a"}, []string{"api", "cart"}, []string{"a", "b", "c"})
	person := rollout.Actor{Login: "bob", Person: true, Reason: "because"}
	switch l.dice.IntN(8) {
	case 0, 1, 2:
		return l.plan(promotion{
			release: pick(l, "r2", "r3", "r4"), targets: targets,
			onFailure: pick(l, rollout.OnFailureContinue, rollout.OnFailureHalt, rollout.OnFailureRollback),
			own: map[string][]func(*rollout.Spec){
				"web": {canary(pick(l, time.Minute, time.Hour), "10", "50")}, "api": {verify(gate("smoke"))}, "b": {verify(onStage("all"))}, "c": {verify(onStage("all"))},
			},
		})
	case 3:
		return l.back(targets...)
	case 4:
		return l.goOn(targets, pick[rollout.Transition](l, rollout.RetryJob{By: person}, rollout.IgnoreJob{By: person}))
	case 5:
		return l.goOn(targets, pick[rollout.Transition](l, rollout.Cancel{By: person}, rollout.Advance{By: person}))
	default:
		return l.goOn(targets)
	}
}

// calm lets everything go well, and brings what is left to its end.
func (l *life) calm() {
	for _, open := range l.allOpen {
		<-open
	}
	l.platform.mu.Lock()
	l.platform.slow, l.platform.lag, l.platform.script = 0, 0, map[string][]answer{}
	l.platform.mu.Unlock()
	l.checks.failing(map[string]error{})
	var r result
	for range 40 {
		time.Sleep(10 * time.Minute)
		l.unlock()
		p := l.process()
		r = l.over(p, p.do(l.goOn(nil)))
		var ordered *executor.OrderedError
		if r.Err != nil && !errors.As(r.Err, &ordered) {
			l.t.Fatalf("reconcile: %v", r.Err)
		}
		if l.decide(r) {
			return
		}
	}
	for _, one := range r.Rows {
		if x, open := one.Record.Active(); open {
			l.t.Errorf("%s is not over after forty times: %s is %s and waits for %+v: %v", one.Target, x.Rollout.Name, x.Rollout.State, one.Waiting, one.Err)
		}
	}
}

// unlock ends every block.
func (l *life) unlock() {
	for _, name := range l.order {
		for _, b := range l.record(name).Blocks {
			l.beside(rollout.EndBlock{ID: b.ID, By: rollout.Actor{Login: "carol", Person: true, Reason: "all well"}}, name)
		}
	}
}

// decide does what people are waited for, and reports whether all is over.
func (l *life) decide(r result) bool {
	person := rollout.Actor{Login: "bob", Person: true, Reason: "because"}
	done := true
	for _, one := range r.Rows {
		done = done && !one.Record.Unfinished()
		give := map[rollout.WaitKind]rollout.Transition{
			rollout.WaitPerson: rollout.Advance{By: person}, rollout.WaitOperator: rollout.RetryJob{By: person},
		}[one.Waiting.Kind]
		target := one.Target
		switch {
		case one.Waiting.Cause == rollout.CausePast:
			give = rollout.Cancel{By: person}
		case one.Waiting.Cause == rollout.CauseAsking && cancelling(one.Record):
			give = rollout.IgnoreJob{By: person}
		case one.Waiting.Cause == rollout.CauseHalted:
			x, _ := one.Record.Active()
			target = one.Waiting.Target
			give = rollout.RetryJob{Rollout: r.Promotions[x.Spec.Promotion].Halted.Rollout, By: person}
		}
		if give == nil {
			continue
		}
		p := l.process()
		l.over(p, p.do(l.goOn([]string{target}, give)))
	}
	return done
}

func cancelling(r *rollout.Record) bool {
	x, ok := r.Active()
	return ok && x.Rollout.State == rollout.StateCancelling
}

// invariants hold whatever happened.
func (l *life) invariants() {
	seen := map[string]int{}
	for _, e := range l.platform.effects {
		seen[e.target+" "+e.key]++
	}
	for key, n := range seen {
		if n != 1 {
			l.t.Errorf("%s took effect %d times", key, n)
		}
	}
	l.toldOnce()
	l.free(l.order...)
	for _, name := range l.order {
		for _, what := range untrue(l.events(name)) {
			l.t.Errorf("%s: %s", name, what)
		}
		r := l.record(name)
		x, ok := r.Newest()
		if !ok {
			continue
		}
		for _, s := range x.Steps {
			if s.Open() {
				l.t.Errorf("%s: %s is %s", name, s.Call.Key, s.State)
			}
		}
		stands := l.platform.stand(name)
		if x.Rollout.State == rollout.StateSucceeded && !ignored(x) && x.Spec.Release.ID != "" && x.Spec.Release.ID != stands.Release {
			l.t.Errorf("%s: %s of %s succeeded and %+v stands there", name, x.Rollout.Name, x.Spec.Release.ID, stands)
		}
	}
}

// toldOnce: no line of a history is told twice to who watches.
func (l *life) toldOnce() {
	seen := map[string]bool{}
	for _, n := range l.notices {
		if n.Kind != executor.NoticeEvent {
			continue
		}
		e := *n.Event
		e.ID = 0 // another one may have come before it
		what := fmt.Sprint(n.Target, e)
		if seen[what] {
			l.t.Errorf("%s: %s of %s is told twice", n.Target, e.Type, e.Rollout)
		}
		seen[what] = true
	}
}

// ignored reports whether a person let a rollout go on past its deployment.
func ignored(x *rollout.Execution) bool {
	return slices.ContainsFunc(x.Rollout.Phases, func(p rollout.Phase) bool {
		job, ok := p.Job(rollout.JobDeploy)
		return ok && job.State == rollout.JobIgnored
	})
}
