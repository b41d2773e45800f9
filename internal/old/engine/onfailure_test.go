package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/stages/driver"
)

// onFailure says what the stage prod does.
func onFailure(file, what string) string {
	return strings.Replace(file, "  - name: prod\n", "  - name: prod\n    onFailure: "+what+"\n", 1)
}

// TestHalt: with onFailure: halt a failure stops the others before their next
// effect, whichever invocation they are in, until it is retried or ignored.
func TestHalt(t *testing.T) {
	file := onFailure(strings.ReplaceAll(two, "sky: {spot: web}}", `sky: {spot: web}, strategy: {canary: {percentages: [10], wait: 30m}}}`), "halt")
	for name, next := range map[string]action{"all": reconcile(), "one alone": reconcile("web")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, file)
				w.sky().next("api", driver.Deploy, answer{fail: "api is full", slow: time.Second})
				w.must(rollout.StatusFailed, promote("prod"))
				w.hadInAnyOrder("web weight 10", "api deploy")
				time.Sleep(31 * time.Minute)
				commits := w.memory.Commits()
				out := w.must(rollout.StatusPending, next)
				if w := waits(t, out, "web", rollout.WaitOperator); !strings.Contains(w.By, "api") || !strings.Contains(w.Command, "api") {
					t.Errorf("it waits for %+v", w)
				}
				waits(t, w.status(false).Outcome, "web", rollout.WaitOperator)
				w.hadInAnyOrder("web weight 10", "api deploy")
				if n := w.memory.Commits() - commits; n > 2 {
					t.Errorf("a halted target was saved %d times", n)
				}
				w.must(rollout.StatusSucceeded, order(engine.CommandRetryJob, "api"))
				w.must(rollout.StatusSucceeded, next)
				w.hadInAnyOrder("web weight 10", "api deploy", "api deploy", "web stable")
			})
		})
	}
}

// TestOnFailureRollback: with onFailure: rollback a failure puts the others
// back too.
func TestOnFailureRollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, onFailure(two, "rollback"))
		w.sky().next("api", driver.Deploy, answer{fail: "api is full", slow: time.Second})
		out := w.must(rollout.StatusFailed, promote("prod"))
		for _, o := range out.Targets {
			if o.Status != rollout.PromotionFailed {
				t.Errorf("%s is %s", o.Target, o.Status)
			}
		}
		w.hadInAnyOrder("web deploy", "api deploy", "web rollback") // api is as it was
		for _, name := range []string{"web", "api"} {
			if got := w.sky().stand(name).Release; got != "r1" {
				t.Errorf("%s runs %s", name, got)
			}
			w.is(name, rollout.StateSucceeded) // the rollback
		}
		w.must(rollout.StatusUnchanged, reconcile())
		w.hadInAnyOrder("web deploy", "api deploy", "web rollback") // api is as it was
	})
}

// TestOnFailureRollbackLater: a target that failed in a later invocation puts
// back those that were done before, and those that wait do not begin.
func TestOnFailureRollbackLater(t *testing.T) {
	file := onFailure(strings.ReplaceAll(two, "sky: {spot: api}}", `sky: {spot: api}, strategy: {canary: {percentages: [10], wait: 30m}}}`), "rollback")
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, file)
		w.must(rollout.StatusPending, promote("prod"))
		w.hadInAnyOrder("web deploy", "api weight 10")
		time.Sleep(31 * time.Minute)
		w.sky().next("api", driver.Stable, answer{fail: "api is full"})
		r := w.do(reconcile())
		if r.err != nil || r.Status != rollout.StatusFailed {
			t.Fatalf("%v %s", r.err, r.Status)
		}
		for _, name := range []string{"web", "api"} {
			if got := w.sky().stand(name); got != (standing{Release: "r1"}) {
				t.Errorf("%s stands at %+v", name, got)
			}
		}
	})
}

// TestOnFailureRollbackAfterDeath: a run that dies, or is interrupted, between
// the failure and the rollback leaves the rollback to the next reconcile.
func TestOnFailureRollbackAfterDeath(t *testing.T) {
	n := 0
	tell := func(t *testing.T, dieAt int) *world {
		w := newWorld(t, onFailure(two, "rollback"))
		w.sky().facts.Settle = 2 * time.Second // a dead process's request may still arrive
		w.sky().next("api", driver.Deploy, answer{fail: "api is full", slow: time.Second})
		p := w.start()
		p.dieAt = dieAt
		r := p.run(promote("prod"))
		n = max(n, p.points())
		if dieAt > 0 && !r.died {
			t.Fatal("it did not die")
		}
		return w
	}
	synctest.Test(t, func(t *testing.T) { tell(t, 0) })
	for at := 3; at <= n; at++ {
		synctest.Test(t, func(t *testing.T) {
			w := tell(t, at)
			for range 2 {
				if r := w.do(reconcile(), other); r.err != nil {
					t.Fatalf("death %d: %v", at, r.err)
				}
			}
			for _, name := range []string{"web", "api"} {
				if got := w.sky().stand(name).Release; got != "r1" {
					t.Errorf("death %d: %s runs %s: %v", at, name, got, w.effects())
				}
			}
		})
	}
}

// TestHaltedForGood: a failure that nobody can retry any more, because other
// releases went there since, is left by cancelling; whoever waits is told so.
func TestHaltedForGood(t *testing.T) {
	file := onFailure(strings.ReplaceAll(two, "sky: {spot: web}}", `sky: {spot: web}, strategy: {canary: {percentages: [10], wait: 30m}}}`), "halt")
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, file)
		w.sky().next("api", driver.Deploy, answer{fail: "api is full", slow: time.Second})
		w.must(rollout.StatusFailed, promote("prod"))
		w.sky().put("api-dev", "r3")
		w.must(rollout.StatusSucceeded, promote("prod", only("api")))
		time.Sleep(31 * time.Minute)
		out := w.must(rollout.StatusPending, reconcile())
		if got := waits(t, out, "web", rollout.WaitOperator); got.Command != "sluice cancel --target web" || got.Or != "" {
			t.Errorf("waits %+v", got)
		}
		w.must(rollout.StatusSucceeded, order(engine.CommandCancel, "web"))
		if got := w.sky().stand("web"); got != (standing{Release: "r1"}) {
			t.Errorf("web stands at %+v", got)
		}
	})
}
