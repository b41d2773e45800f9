package engine_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/stages/driver"
)

// polledAt lists when an operation was polled, in seconds after it began.
func (w *world) polledAt(start time.Time) []int {
	var at []int
	for _, r := range w.sky().requests {
		if r.what == "poll" {
			at = append(at, int(r.at.Sub(start)/time.Second))
		}
	}
	return at
}

// TestPollingSchedule: an operation is polled at the platform's pace, at the
// target's own where it has one, and no sooner than the platform asks for.
func TestPollingSchedule(t *testing.T) {
	dm := driver.Backoff{Initial: 5 * time.Second, Max: 2 * time.Minute, Factor: 2}
	for name, c := range map[string]struct {
		facts driver.Backoff
		keys  string
		hint  time.Duration
		fails []error
		slow  time.Duration
		want  []int
	}{
		"doubling to a steady cap": {facts: dm, slow: 390 * time.Second, want: []int{5, 15, 35, 75, 155, 275, 395}},
		"the target's own": {
			facts: dm, keys: `poll: {initial: 1s, max: 4s, factor: 2}`, slow: 14 * time.Second, want: []int{1, 3, 7, 11, 15},
		},
		"the platform's word": {facts: dm, hint: 30 * time.Second, slow: 80 * time.Second, want: []int{5, 35, 65, 105}},
		"throttled": {
			facts: dm, slow: 100 * time.Second, want: []int{5, 95, 115},
			fails: []error{&platformError{driver.Explanation{Code: driver.Retryable, RetryAfter: 90 * time.Second}}},
		},
		"cut twice": {facts: dm, slow: 30 * time.Second, want: []int{5, 15, 35}, fails: []error{errors.New("cut"), errors.New("cut")}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, one)
				w.sky().facts.Backoff, w.sky().slow, w.sky().hint, w.sky().polls = c.facts, c.slow, c.hint, c.fails
				if c.keys != "" {
					w.file = with(one, c.keys)
				}
				start := time.Now()
				w.must(rollout.StatusSucceeded, promote("prod"))
				if got := w.polledAt(start); !slices.Equal(got, c.want) {
					t.Errorf("polled at %v, want %v", got, c.want)
				}
				if n := w.memory.Commits(); n > 5 {
					t.Errorf("%d commits: state is not saved for polls", n)
				}
				w.had("web deploy")
			})
		})
	}
}

// TestFollowedLater: an operation that takes longer than the wait budget is
// pending, and followed by a later invocation.
func TestFollowedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.sky().slow = 40 * time.Minute
		start := time.Now()
		out := w.must(rollout.StatusPending, promote("prod"))
		waits(t, out, "web", rollout.WaitOperation)
		if took := time.Since(start); took > 15*time.Minute {
			t.Errorf("it took %s", took)
		}
		if out.Next.IsZero() {
			t.Error("nothing says when to look again")
		}
		w.must(rollout.StatusPending, reconcile())
		w.must(rollout.StatusSucceeded, reconcile())
		w.had("web deploy")
	})
}

// TestOperationTimeout: an operation that takes too long fails the job and says
// that it may still be running.
func TestOperationTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, `operationTimeout: 5m`))
		w.sky().slow = 8 * time.Minute
		w.must(rollout.StatusFailed, promote("prod"))
		x := w.newest("web").Rollout
		if x.DeployFailureCause != rollout.DeadlineExceeded {
			t.Errorf("cause %s: %s", x.DeployFailureCause, x.FailureReason)
		}
		w.had("web deploy")
	})
}

// TestOperationFails: DONE is not success.
func TestOperationFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.sky().slow = time.Minute
		w.sky().next("web", driver.Deploy, answer{fail: "web: quota"})
		out := w.must(rollout.StatusFailed, promote("prod"))
		if out.Targets[0].ErrorMessage != "web: quota" {
			t.Errorf("message %q", out.Targets[0].ErrorMessage)
		}
		w.is("web", rollout.StateFailed)
	})
}

// TestPollRefused: a poll that fails says nothing about the operation: only an
// operation that is gone failed.
func TestPollRefused(t *testing.T) {
	for _, c := range []struct {
		err    error
		state  rollout.State
		status rollout.Status
	}{
		{code(driver.Denied), rollout.StateInProgress, rollout.StatusSucceeded},
		{code(driver.NotFound), rollout.StateFailed, rollout.StatusUnchanged},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, one)
			w.sky().slow, w.sky().polls = time.Minute, []error{c.err}
			w.must(rollout.StatusFailed, promote("prod"))
			w.is("web", c.state)
			w.must(c.status, reconcile())
			w.had("web deploy")
		})
	}
}

// TestPlatformGone: a platform that does not answer any more is asked a few
// times, and again by a later invocation.
func TestPlatformGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.sky().slow = time.Minute
		w.sky().reads["poll"] = errors.New("cut")
		w.must(rollout.StatusFailed, promote("prod"))
		if n := w.sky().asked("poll"); n != 5 {
			t.Errorf("%d polls", n)
		}
		w.is("web", rollout.StateInProgress)
		delete(w.sky().reads, "poll")
		w.must(rollout.StatusSucceeded, reconcile())
		w.had("web deploy")
	})
}

// TestBudgetZero: an invocation that may not wait saves what it began.
func TestBudgetZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.sky().slow = time.Minute
		out := w.must(rollout.StatusPending, promote("prod"), func(c *engine.Config) { c.WaitBudget = 0 })
		waits(t, out, "web", rollout.WaitOperation)
		w.had("web deploy")
		time.Sleep(time.Minute)
		w.must(rollout.StatusSucceeded, reconcile())
	})
}

// TestDoneLongAgo: an operation that nobody looked at until its timeout had
// passed is looked at before it is given up.
func TestDoneLongAgo(t *testing.T) {
	for name, answers := range map[string][]answer{"followed": nil, "looked up": {{code: driver.Lost}}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, one)
				w.sky().slow, w.sky().facts.Settle = 20*time.Minute, 20*time.Minute
				w.sky().next("web", driver.Deploy, answers...)
				w.must(rollout.StatusPending, promote("prod"))
				time.Sleep(23 * time.Hour)
				start := time.Now()
				w.must(rollout.StatusSucceeded, reconcile())
				if took := time.Since(start); took > time.Second {
					t.Errorf("it waited for %s", took)
				}
				w.had("web deploy")
			})
		})
	}
}

// TestNeverDecided: what could not be found out in a long time is for a person.
func TestNeverDecided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.sky().forced["web:deploy"] = driver.Undecided
		w.sky().next("web", driver.Deploy, answer{code: driver.Lost})
		w.must(rollout.StatusPending, promote("prod"))
		time.Sleep(2 * time.Hour)
		waits(t, w.must(rollout.StatusPending, reconcile()), "web", rollout.WaitOperator)
		w.must(rollout.StatusSucceeded, order(engine.CommandIgnoreJob))
		w.had("web deploy")
	})
}
