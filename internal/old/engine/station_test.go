package engine_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/old/rollout"
	"sluice/stages/driver"
)

// staged has checks of scope stage around two targets; api takes its time.
func staged(job, webKeys, apiKeys string) string {
	file := strings.Replace(two, "  - name: prod\n", "  - name: prod\n    "+job+": [{run: [stage-check], scope: stage}]\n", 1)
	file = strings.Replace(file, "sky: {spot: web}}", "sky: {spot: web}"+webKeys+"}", 1)
	return strings.Replace(file, "sky: {spot: api}}", "sky: {spot: api}"+apiKeys+"}", 1)
}

func (c *checks) count(name string) int {
	n := 0
	for _, line := range c.list() {
		if strings.HasSuffix(line, " "+name) || line == name {
			n++
		}
	}
	return n
}

// TestStageChecks: a check of scope stage runs once: a predeploy check before
// any target's effect, the others after every target has reached their job.
func TestStageChecks(t *testing.T) {
	for _, job := range []string{"predeploy", "verify", "postdeploy"} {
		t.Run(job, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, staged(job, "", ""))
				w.checks.takes = time.Second
				w.sky().next("api", driver.Deploy, answer{slow: time.Minute})
				w.must(rollout.StatusSucceeded, promote("prod"))
				w.hadInAnyOrder("web deploy", "api deploy")
				if n := w.checks.count("stage-check"); n != 1 {
					t.Fatalf("the check ran %d times: %v", n, w.checks.list())
				}
				for _, e := range w.sky().effects {
					if before := w.checks.at[0].Before(e.at); before != (job == "predeploy") {
						t.Errorf("the check ran at %s, %s at %s", w.checks.at[0], e, e.at)
					}
				}
				w.is("web", rollout.StateSucceeded)
				w.is("api", rollout.StateSucceeded)
			})
		})
	}
}

// TestStageCheckFails: what fails for the stage fails for every target.
func TestStageCheckFails(t *testing.T) {
	for _, job := range []string{"predeploy", "verify", "postdeploy"} {
		t.Run(job, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, staged(job, "", ""))
				w.checks.fails["stage-check"] = errors.New("no")
				r := w.do(promote("prod"))
				if r.err != nil {
					t.Fatal(r.err)
				}
				for _, name := range []string{"web", "api"} {
					w.is(name, rollout.StateFailed)
				}
				if n := w.checks.count("stage-check"); n != 1 {
					t.Errorf("the check ran %d times", n)
				}
				if job == "predeploy" {
					w.had()
				}
			})
		})
	}
}

// TestStageCheckSiblings: a target that fails, or waits for longer than the
// invocation does, holds the stage's check for the others up for nothing.
func TestStageCheckSiblings(t *testing.T) {
	canary := `, strategy: {canary: {percentages: [10], wait: %s}}`
	for name, c := range map[string]struct {
		apiKeys string
		answers []answer
		ran     int
		web     rollout.State
		after   time.Duration
	}{
		"fails":                  {"", []answer{{fail: "api is full", slow: time.Minute}}, 1, rollout.StateSucceeded, time.Minute},
		"is refused":             {"", []answer{{code: driver.Denied, slow: time.Minute}}, 1, rollout.StateSucceeded, time.Minute},
		"waits longer":           {strings.Replace(canary, "%s", "30m", 1), nil, 2, rollout.StateSucceeded, 0},
		"waits for a person":     {`, strategy: {canary: {percentages: [10]}}`, nil, 2, rollout.StateSucceeded, 0},
		"waits a little":         {strings.Replace(canary, "%s", "1m", 1), nil, 2, rollout.StateSucceeded, time.Minute},
		"cannot be sent in time": {"", []answer{{code: driver.Retryable, after: time.Hour, slow: time.Minute}}, 1, rollout.StateSucceeded, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, staged("verify", "", c.apiKeys))
				w.sky().next("api", driver.Deploy, c.answers...)
				start := time.Now()
				if r := w.do(promote("prod")); r.err != nil {
					t.Fatal(r.err)
				}
				w.is("web", c.web)
				if n := w.checks.count("stage-check"); n != c.ran {
					t.Errorf("the check ran %d times, want %d: %v", n, c.ran, w.checks.list())
				}
				i := slices.Index(w.checks.list(), "stable stage-check")
				if i < 0 || w.checks.at[i].Sub(start) != c.after {
					t.Errorf("web's check ran after %v: %v", w.checks.at, w.checks.list())
				}
			})
		})
	}
}

// TestStageCheckInPhases: in canary phases the check runs once a phase.
func TestStageCheckInPhases(t *testing.T) {
	canary := `, strategy: {canary: {percentages: [10], wait: 1m}}`
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, staged("verify", canary, canary))
		w.sky().next("api", driver.Weight, answer{slow: 10 * time.Second})
		w.must(rollout.StatusSucceeded, promote("prod"))
		if got := w.checks.list(); !slices.Equal(got, []string{"canary-10 stage-check", "stable stage-check"}) {
			t.Errorf("checks %q", got)
		}
	})
}

// TestStageCheckOfABatch: targets of one call wait for each other too.
func TestStageCheckOfABatch(t *testing.T) {
	file := strings.Replace(three, "  - name: prod\n", "  - name: prod\n    verify: [{run: [stage-check], scope: stage}]\n", 1)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, file)
		w.fleet().slow = 10 * time.Second
		w.fleet().next("a", driver.Deploy, answer{fail: "b is full"})
		w.must(rollout.StatusFailed, promote("prod"))
		if n := w.checks.count("stage-check"); n != 1 {
			t.Errorf("the check ran %d times", n)
		}
		w.is("a", rollout.StateSucceeded)
		w.is("b", rollout.StateFailed)
		w.is("c", rollout.StateSucceeded)
	})
}

// TestStageCheckOneAtATime: a bound of one target at a time does not deadlock.
func TestStageCheckOneAtATime(t *testing.T) {
	for _, job := range []string{"predeploy", "verify"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, staged(job, "", ""))
			w.checks.takes = time.Minute
			w.sky().slow = time.Minute
			w.config = oneAtATime
			w.must(rollout.StatusSucceeded, promote("prod"))
			if n := w.checks.count("stage-check"); n != 1 {
				t.Errorf("the check ran %d times", n)
			}
		})
	}
}

// TestDryRun: a check on trial warns and fails nothing.
func TestDryRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, `verify: [{run: [smoke], dryRun: true}]`))
		w.checks.fails["smoke"] = errors.New("500")
		w.must(rollout.StatusSucceeded, promote("prod"))
		if !w.observer.said("(dry run): 500") {
			t.Error("nobody was warned")
		}
	})
}
