package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/internal/store"
	"sluice/stages/driver"
)

// mixed has a canary, a plain target and a fleet.
const mixed = `
name: shop
stages:
  - name: dev
    targets:
      - {name: web-dev, component: web, sky: {spot: web-dev}}
      - {name: api-dev, component: api, sky: {spot: api-dev}}
      - {name: app-dev, component: app, fleet: {spot: app-dev}}
  - name: prod
    verify: [{run: [stage-check], scope: stage}]
    targets:
      - {name: web, component: web, sky: {spot: web}, strategy: {canary: {percentages: [10, 50], wait: 5m}}}
      - {name: api, component: api, sky: {spot: api}, verify: [{run: [smoke]}]}
      - {name: a, component: app, fleet: {spot: a}}
      - {name: b, component: app, fleet: {spot: b}}
`

var prod = []string{"web", "api", "a", "b"}

// chaos is a world in which anything may happen, by a seed.
type chaos struct {
	*world
	dice *rand.Rand
}

// pick is one of several at random.
func pick[T any](c *chaos, list ...T) T { return list[c.dice.IntN(len(list))] }

// TestChaos gives random commands while answers get lost, checks fail, time
// passes and processes die. Whatever happens, no effect takes place twice, none
// without its intent, and in the end everything can be brought to its end.
func TestChaos(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &chaos{newWorld(t, mixed), rand.New(rand.NewPCG(seed, 1))}
				c.file = onFailure(mixed, pick(c, "continue", "halt", "rollback"))
				for _, s := range c.skies {
					s.facts.Settle = 2 * time.Second
				}
				for range 12 {
					c.disturb()
					c.act()
				}
				c.calm()
				c.invariants()
			})
		})
	}
}

// disturb has something go wrong soon.
func (c *chaos) disturb() {
	for _, s := range c.skies[:2] {
		s.mu.Lock() // a dead process's call may still be under way
		s.slow = pick(c, 0, 0, 10*time.Second, 20*time.Minute)
		s.mu.Unlock()
	}
	target := pick(c, prod...)
	kind := pick(c, driver.Deploy, driver.Weight, driver.Stable, driver.Rollback)
	c.sky().next(target, kind, c.trouble(target))
	c.fleet().next(target, kind, c.trouble(target))
	fails := map[string]error{}
	if c.dice.IntN(4) == 0 {
		fails[pick(c, "smoke", "stage-check")] = errors.New("500")
	}
	c.checks.failing(fails)
	c.sky().put("web-dev", pick(c, "r2", "r3"))
	c.sky().put("api-dev", pick(c, "r2", "r3"))
	c.fleet().put("app-dev", pick(c, "r2", "r3"))
}

func (c *chaos) trouble(target string) answer {
	return pick(c,
		answer{}, answer{slow: time.Second}, answer{code: driver.Lost}, answer{code: driver.Lost, drop: true},
		answer{code: driver.Retryable}, answer{code: driver.Denied}, answer{fail: target + " is full"},
	)
}

// act is one invocation, of this run or another, that may die.
func (c *chaos) act() {
	targets := pick(c, prod, []string{"web"}, []string{"a"}, []string{"api", "b"})
	do := pick(c,
		promote("prod", only(targets...)), promote("prod", only(targets...)), promote("prod"), reconcile(), reconcile(), reconcile(targets...),
		rollback(targets...), order(engine.CommandRetryJob, targets...), order(engine.CommandIgnoreJob, targets...),
		order(engine.CommandCancel, targets...), order(engine.CommandAdvance, targets...),
	)
	p := c.start(pick(c, again, other, func(*engine.Config) {}), func(cfg *engine.Config) {
		cfg.Origin = "" // a seed may well give the same command twice
		cfg.Over = func(_ context.Context, _ rollout.Lock) bool { return true }
	})
	if c.dice.IntN(3) == 0 {
		p.dieAt = 1 + c.dice.IntN(24)
	}
	r := p.run(do)
	if store.IsUnreadable(r.err) {
		c.t.Errorf("state became unreadable: %v", r.err)
	}
	time.Sleep(pick(c, 3*time.Second, time.Minute, 6*time.Minute, 25*time.Hour))
}

// calm lets everything go well, and brings what is left to its end.
func (c *chaos) calm() {
	for _, s := range c.skies {
		s.mu.Lock()
		s.slow, s.script = 0, map[string][]answer{}
		s.mu.Unlock()
	}
	c.checks.failing(map[string]error{})
	for range 40 {
		time.Sleep(10 * time.Minute)
		r := c.do(reconcile(), other, func(cfg *engine.Config) {
			cfg.Over = func(_ context.Context, _ rollout.Lock) bool { return true }
		})
		if r.err != nil {
			c.t.Fatalf("reconcile: %v", r.err)
		}
		open := false
		for _, o := range r.Targets {
			open = open || o.Status == rollout.PromotionPending
			if o.WaitingFor == nil || o.WaitingFor.Kind != rollout.WaitOperator {
				continue
			}
			if strings.HasPrefix(o.WaitingFor.Command, "sluice cancel") {
				c.do(order(engine.CommandCancel, o.Target), other)
				continue
			}
			for _, name := range prod { // one that asks, or one that failed and halts the others
				c.do(order(engine.CommandRetryJob, name), other)
			}
		}
		if !open {
			return
		}
	}
	c.t.Errorf("not over after forty times: %+v", c.do(reconcile(), other).Targets)
}

// invariants hold whatever happened.
func (c *chaos) invariants() {
	seen := map[string]int{}
	for _, s := range c.skies {
		s.mu.Lock()
		for _, e := range s.effects {
			seen[e.target+" "+e.key]++
		}
		s.mu.Unlock()
	}
	for key, n := range seen {
		if n != 1 {
			c.t.Errorf("%s took effect %d times", key, n)
		}
	}
	for _, name := range prod {
		r := c.record(name)
		if _, open := r.Active(); open && r.Lock != nil {
			c.t.Errorf("%s is still held by %s", name, r.Lock.Holder)
		}
		x, ok := r.Newest()
		if !ok {
			continue
		}
		for _, s := range x.Steps {
			if s.Open() {
				c.t.Errorf("%s: %s is %s", name, s.Call.Key, s.State)
			}
		}
		stands := c.platform(r.Platform).stand(name)
		if ignored(x) {
			continue // somebody said that it need not stand there
		}
		if x.Rollout.State == rollout.StateSucceeded && x.Spec.Release.ID != stands.Release {
			c.t.Errorf("%s: %s of %s succeeded and %+v stands there", name, x.Rollout.Name, x.Spec.Release.ID, stands)
		}
		if r.Release != nil && r.Release.ID != stands.Release && x.Rollout.State == rollout.StateSucceeded {
			c.t.Errorf("%s: the state says %s and %+v stands there", name, r.Release.ID, stands)
		}
	}
}

// ignored reports whether a person let a rollout go on past its deployment.
func ignored(x *rollout.Execution) bool {
	return slices.ContainsFunc(x.Rollout.Phases, func(p rollout.Phase) bool {
		job, ok := p.Job(rollout.JobDeploy)
		return ok && job.State == rollout.JobIgnored
	})
}
