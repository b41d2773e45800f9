package engine_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/stages/driver"
)

// TestLostAnswer: an answer that got lost is looked up, and the effect takes
// place once.
func TestLostAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		answers []answer
		settle  time.Duration
		begins  int
		lookups int
	}{
		"after the effect":          {[]answer{{code: driver.Lost}}, 0, 1, 1},
		"before the effect":         {[]answer{{code: driver.Lost, drop: true}}, 0, 2, 1},
		"an error nobody knows":     {[]answer{{code: driver.Unknown, drop: true}}, 0, 2, 1},
		"after it, visible late":    {[]answer{{code: driver.Lost}}, 5 * time.Second, 1, 4},
		"before it, visible late":   {[]answer{{code: driver.Lost, drop: true}}, 5 * time.Second, 2, 4},
		"twice before, once after":  {[]answer{{code: driver.Lost, drop: true}, {code: driver.Lost, drop: true}, {code: driver.Lost}}, 0, 3, 3},
		"throttled":                 {[]answer{{code: driver.Retryable}, {code: driver.Retryable}}, 0, 3, 0},
		"throttled, then lost":      {[]answer{{code: driver.Retryable}, {code: driver.Lost}}, 0, 2, 1},
		"slow, and at last answers": {[]answer{{slow: time.Minute}}, 0, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, one)
				w.sky().facts.Settle = c.settle
				w.sky().next("web", driver.Deploy, c.answers...)
				w.must(rollout.StatusSucceeded, promote("prod"))
				w.had("web deploy")
				w.is("web", rollout.StateSucceeded)
				if n := w.sky().asked("begin"); n != c.begins {
					t.Errorf("%d calls, want %d", n, c.begins)
				}
				if n := w.sky().asked("lookup"); n != c.lookups {
					t.Errorf("%d lookups, want %d", n, c.lookups)
				}
			})
		})
	}
}

// TestRetryAfter: a throttled effect is sent again when the platform says.
func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.sky().next("web", driver.Deploy, answer{code: driver.Retryable, after: 42 * time.Second})
		start := time.Now()
		w.must(rollout.StatusSucceeded, promote("prod"))
		if took := time.Since(start); took < 42*time.Second || took > 45*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// TestThrottledForTooLong: what cannot be sent within the wait budget was not
// sent: it is taken back, and a later invocation sends it.
func TestThrottledForTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.sky().next("web", driver.Deploy, answer{code: driver.Retryable, after: time.Hour})
		began := time.Now()
		out := w.must(rollout.StatusPending, promote("prod"))
		if got := waits(t, out, "web", rollout.WaitPlatform); got.Until.Sub(began) < time.Hour || !out.Next.Equal(got.Until) || got.Command != "sluice reconcile" {
			t.Errorf("waits %+v, next %s", got, out.Next)
		}
		w.had()
		x := w.newest("web")
		if x.Rollout.State != rollout.StateInProgress || x.Steps[0].State != rollout.StepWithdrawn {
			t.Fatalf("the state says %s, step %s", x.Rollout.State, x.Steps[0].State)
		}
		w.must(rollout.StatusSucceeded, reconcile())
		w.had("web deploy")
	})
}

// TestDenied: what the platform refuses fails the job, with its words, and is
// not sent again.
func TestDenied(t *testing.T) {
	for _, c := range []driver.Code{driver.Denied, driver.Invalid, driver.NotFound, driver.Conflict, driver.Unsupported} {
		t.Run(string(c), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, one)
				w.sky().next("web", driver.Deploy, answer{code: c})
				r := w.do(promote("prod"))
				if r.err != nil || r.Targets[0].Status != rollout.PromotionFailed || !strings.Contains(r.Targets[0].ErrorMessage, string(c)) {
					t.Fatalf("%v %+v", r.err, r.Targets)
				}
				w.had()
				w.is("web", rollout.StateFailed)
				if n := w.sky().asked("begin"); n != 1 {
					t.Errorf("%d calls", n)
				}
				w.must(rollout.StatusSucceeded, order(engine.CommandRetryJob))
				w.had("web deploy")
				w.is("web", rollout.StateSucceeded)
			})
		})
	}
}

// TestUndecided: what cannot be decided within the wait budget is pending, and
// a later invocation decides it.
func TestUndecided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.sky().facts.Settle = 20 * time.Minute
		w.sky().next("web", driver.Deploy, answer{code: driver.Lost})
		start := time.Now()
		out := w.must(rollout.StatusPending, promote("prod"))
		if took := time.Since(start); took > 15*time.Minute {
			t.Errorf("it took %s, more than the budget", took)
		}
		if until := waits(t, out, "web", rollout.WaitOperation).Until; until.IsZero() || !out.Next.Equal(until) {
			t.Errorf("next %s, until %s", out.Next, until)
		}
		if x := w.newest("web"); x.Steps[0].State != rollout.StepIntended {
			t.Errorf("the step is %s", x.Steps[0].State)
		}
		w.must(rollout.StatusSucceeded, reconcile())
		w.had("web deploy")
	})
}

// TestForeign: what stands is neither what stood nor what the effect makes: a
// person decides, and both answers work.
func TestForeign(t *testing.T) {
	for _, c := range []struct {
		command string
		stands  string
		effects []string
	}{
		{engine.CommandRetryJob, "r2", []string{"web deploy"}},
		{engine.CommandIgnoreJob, "r9", nil},
	} {
		t.Run(c.command, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, one)
				w.sky().next("web", driver.Deploy, answer{code: driver.Lost, drop: true})
				w.sky().forced["web:deploy"] = driver.ForeignChange
				waits(t, w.must(rollout.StatusPending, promote("prod")), "web", rollout.WaitOperator)
				w.sky().intrude("web", standing{Release: "r9"})
				if x := w.newest("web"); x.Steps[0].State != rollout.StepAsking || len(x.Steps[0].Found) == 0 {
					t.Fatalf("step %+v", x.Steps[0])
				}
				before := w.sky().asked()
				w.must(rollout.StatusPending, reconcile())
				if n := w.sky().asked() - before; n != 0 {
					t.Errorf("reconcile made %d requests about a question for a person", n)
				}
				w.had()
				w.must(rollout.StatusSucceeded, order(c.command))
				w.had(c.effects...)
				w.is("web", rollout.StateSucceeded)
				if got := w.sky().stand("web").Release; got != c.stands {
					t.Errorf("web runs %s, want %s", got, c.stands)
				}
			})
		})
	}
}

// TestChangedByHandInTheMiddle: a canary that somebody else changed between two
// phases asks before its next phase.
func TestChangedByHandInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, `strategy: {canary: {percentages: [10, 50], wait: 30m}}`))
		w.must(rollout.StatusPending, promote("prod"))
		w.had("web weight 10")
		w.sky().intrude("web", standing{Release: "r9", Canary: "r2", Percent: "10"})
		time.Sleep(31 * time.Minute)
		out := w.must(rollout.StatusPending, reconcile())
		waits(t, out, "web", rollout.WaitOperator)
		w.had("web weight 10")
		w.must(rollout.StatusPending, order(engine.CommandRetryJob))
		w.had("web weight 10", "web weight 50")
	})
}

// TestLookupDenied: a lookup that is refused proves nothing: the intent stays.
func TestLookupDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.sky().next("web", driver.Deploy, answer{code: driver.Lost})
		w.sky().reads["lookup"] = code(driver.Denied)
		r := w.do(promote("prod"))
		if r.err != nil || r.Targets[0].Status != rollout.PromotionFailed {
			t.Fatalf("%v %+v", r.err, r.Targets)
		}
		if x := w.newest("web"); x.Steps[0].State != rollout.StepIntended {
			t.Fatalf("the step is %s", x.Steps[0].State)
		}
		delete(w.sky().reads, "lookup")
		w.must(rollout.StatusSucceeded, reconcile())
		w.had("web deploy")
	})
}

// TestReadsAreRepeated: reads are tried again, and not for ever.
func TestReadsAreRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.sky().reads["current"] = errors.New("cut")
		w.refused("cut", promote("prod"))
		if n := w.sky().asked("current"); n != 4 {
			t.Errorf("%d reads, want 4", n)
		}
		w.sky().reads["current"] = code(driver.Denied)
		w.refused("denied", promote("prod"))
		if n := w.sky().asked("current"); n != 5 {
			t.Errorf("a refused read was repeated: %d reads", n)
		}
		w.sky().reads["current"] = &platformError{driver.Explanation{Code: driver.Retryable, RetryAfter: time.Hour}}
		start := time.Now()
		w.refused("retryable", promote("prod"))
		if took := time.Since(start); took > 15*time.Minute {
			t.Errorf("a read was waited for for %s", took)
		}
	})
}
