package engine_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/stages/driver"
)

// two has two targets of one component each.
const two = `
name: shop
stages:
  - name: dev
    targets:
      - {name: web-dev, component: web, sky: {spot: web-dev}}
      - {name: api-dev, component: api, sky: {spot: api-dev}}
  - name: prod
    targets:
      - {name: web, component: web, sky: {spot: web}}
      - {name: api, component: api, sky: {spot: api}}
`

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

func (w *world) hadInAnyOrder(want ...string) {
	w.t.Helper()
	if got := sorted(w.effects()); !slices.Equal(got, sorted(want)) {
		w.t.Errorf("effects %q, want %q", got, want)
	}
}

// TestOneFails: one target's failure leaves the other alone, and the next
// invocation touches only the one that failed.
func TestOneFails(t *testing.T) {
	for name, next := range map[string]action{"promote": promote("prod"), "retry-job": order(engine.CommandRetryJob)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, two)
				w.sky().next("web", driver.Deploy, answer{fail: "web is full"})
				out := w.must(rollout.StatusFailed, promote("prod"))
				if !strings.Contains(out.Targets[0].ErrorMessage, "web is full") || out.Targets[1].Status != rollout.PromotionSucceeded {
					t.Errorf("targets %+v", out.Targets)
				}
				w.is("web", rollout.StateFailed)
				w.is("api", rollout.StateSucceeded)
				generation := w.record("api").Generation
				w.must(rollout.StatusSucceeded, next)
				w.hadInAnyOrder("web deploy", "api deploy", "web deploy")
				w.is("web", rollout.StateSucceeded)
				if g := w.record("api").Generation; g != generation {
					t.Errorf("api was saved again: generation %d, was %d", g, generation)
				}
			})
		})
	}
}

// TestPreflightRefusesAll: every target is looked at before the first effect,
// and every reason is told at once.
func TestPreflightRefusesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, two)
		w.sky().spots["api"].gone = true
		w.refused("api", promote("prod"))
		w.sky().spots["web"].gone = true
		r := w.do(promote("prod"))
		if !isRefused(r.err) || strings.Count(r.err.Error(), "\n") != 1 {
			t.Errorf("two reasons, got %v", r.err)
		}
		w.had()
	})
}

// TestVerifyFailed: a release that stands but failed its check is not
// `unchanged`: promoting it again checks it again, without deploying it.
func TestVerifyFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, `verify: [{run: [smoke]}]`))
		w.checks.fails["smoke"] = errors.New("500")
		w.must(rollout.StatusFailed, promote("prod"))
		w.had("web deploy")
		w.must(rollout.StatusFailed, promote("prod"))
		w.had("web deploy")
		if n := len(w.checks.list()); n != 2 {
			t.Errorf("the check ran %d times", n)
		}
		delete(w.checks.fails, "smoke")
		w.must(rollout.StatusSucceeded, promote("prod"))
		w.had("web deploy")
		w.must(rollout.StatusUnchanged, promote("prod"))
		if n := len(w.checks.list()); n != 3 {
			t.Errorf("the check ran %d times", n)
		}
	})
}

// TestRestore: a failed check in a canary phase puts traffic back in the same
// invocation; with onFailure: hold the canary stands.
func TestRestore(t *testing.T) {
	for _, c := range []struct {
		policy string
		want   []string
		stands standing
	}{
		{"restore", []string{"web weight 10", "web rollback"}, standing{Release: "r1"}},
		{"hold", []string{"web weight 10"}, standing{Release: "r1", Canary: "r2", Percent: "10"}},
	} {
		t.Run(c.policy, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, with(one, `strategy: {canary: {percentages: [10, 50], wait: 1m, onFailure: `+c.policy+`}}, verify: [{run: [smoke]}]`))
				w.checks.fails["smoke"] = errors.New("500")
				w.must(rollout.StatusFailed, promote("prod"))
				w.had(c.want...)
				if got := w.sky().stand("web"); got != c.stands {
					t.Errorf("web stands at %+v", got)
				}
				x := w.newest("web").Rollout
				if x.Phases[0].State != rollout.PhaseFailed || x.Phases[1].State != rollout.PhaseAborted || x.DeployFailureCause != rollout.ExecutionFailed {
					t.Errorf("phases %s %s, cause %s", x.Phases[0].State, x.Phases[1].State, x.DeployFailureCause)
				}
				delete(w.checks.fails, "smoke")
				w.must(rollout.StatusSucceeded, order(engine.CommandIgnoreJob))
				w.is("web", rollout.StateSucceeded)
				if got := w.sky().stand("web").Release; got != "r2" {
					t.Errorf("web runs %s", got)
				}
			})
		})
	}
}

// TestFirstDeployment: where the platform says that nothing runs, canary phases
// are skipped; a target without state but with something running has its canary.
func TestFirstDeployment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, canaryWaits))
		w.sky().put("web", "")
		w.must(rollout.StatusSucceeded, promote("prod"))
		w.had("web deploy")
		x := w.newest("web")
		if p := x.Rollout.Phases[0]; p.State != rollout.PhaseSkipped || p.SkipMessage == "" {
			t.Errorf("phase %+v", p)
		}
		w.refused("nothing ran on the target", rollback("web"))
	})
}

// TestPredeploy: what a check before the deployment refuses is not deployed;
// what took longer than the preflight is fresh is read again.
func TestPredeploy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, `predeploy: [{run: [migrate]}]`))
		w.checks.takes = time.Minute
		w.must(rollout.StatusSucceeded, promote("prod"))
		w.had("web deploy")
		if n := w.sky().asked("prepare"); n != 2 {
			t.Errorf("%d preflights, want one before the check and one after", n)
		}
		w.sky().put("web", "r1")
		w.checks.fails["migrate"] = errors.New("no")
		w.must(rollout.StatusRefused, promote("prod"))
		w.had("web deploy")
	})
}

// TestFewRequests: the common case costs what its requests cost.
func TestFewRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.must(rollout.StatusSucceeded, promote("prod"))
		if n := w.sky().asked(); n != 3 {
			t.Errorf("%d requests, want 3: what runs on the source, the target, the effect", n)
		}
		if n := w.memory.Commits(); n != 4 {
			t.Errorf("%d commits, want 4: created, started, intended, done", n)
		}
	})
}

// TestMissingProgram: a check that cannot run here is refused before any effect.
func TestMissingProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, `verify: [{run: [smoke]}]`))
		w.checks.missing = map[string]bool{"smoke": true}
		w.refused("no program smoke", promote("prod"))
	})
}
