package engine_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/internal/store"
	"sluice/stages"
	"sluice/stages/driver"
)

// interruptible is a process with a context that its test ends, and a store
// that takes its time.
func (w *world) interruptible(saves time.Duration) (*process, context.CancelFunc) {
	p := w.start(again, func(c *engine.Config) { c.Store = &slowStore{Store: c.Store, takes: saves} })
	ctx, cancel := context.WithCancel(p.ctx)
	p.ctx = ctx
	return p, cancel
}

// slowStore takes its time to save, and saves nothing once ctx has ended.
type slowStore struct {
	store.Store
	takes time.Duration
}

func (s *slowStore) Commit(ctx context.Context, entries ...store.Entry) ([]store.Entry, error) {
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return s.Store.Commit(ctx, entries...)
}

// TestInterrupted interrupts every story at many moments: no new effect starts,
// state is saved within five seconds, nobody holds a target any more, and the
// next attempt ends the story with one effect each.
func TestInterrupted(t *testing.T) {
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			for i := range 12 {
				at := time.Duration(i) * 700 * time.Millisecond
				t.Run(fmt.Sprintf("after %s", at), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { s.interrupt(t, at) })
				})
			}
		})
	}
}

func (s story) interrupt(t *testing.T, at time.Duration) {
	w, before := s.world(t, weather{settle: time.Second, slow: 2 * time.Second})
	for _, sky := range w.skies {
		for target := range s.state {
			for _, kind := range sky.facts.Kinds {
				sky.next(target, kind, answer{slow: 1500 * time.Millisecond})
			}
		}
	}
	w.checks.takes = time.Second
	p, cancel := w.interruptible(800 * time.Millisecond)
	stopped := time.Now().Add(at)
	time.AfterFunc(at, cancel)
	r := p.run(s.do)
	if ended := time.Now(); ended.After(stopped) {
		if !errors.Is(r.err, context.Canceled) {
			t.Errorf("it ends with %v", r.err)
		}
		if took := ended.Sub(stopped); took > 5*time.Second {
			t.Errorf("it took %s to end", took)
		}
	}
	for _, sent := range p.sent {
		if sent.After(stopped) {
			t.Errorf("an effect was sent %s after it was interrupted", sent.Sub(stopped))
		}
	}
	for target := range s.state {
		if l := w.record(target).Lock; l != nil {
			t.Errorf("%s is still held by %s", target, l.Holder)
		}
	}
	w.checks.takes = 0
	s.ends(w, w.do(s.do, again), before)
}

// TestInterruptedWhileSending: a request under way is still answered, and its
// answer saved; one that takes too long is looked up by the next attempt.
func TestInterruptedWhileSending(t *testing.T) {
	for takes, state := range map[time.Duration]rollout.StepState{
		2 * time.Second: rollout.StepDone, 10 * time.Second: rollout.StepIntended,
	} {
		t.Run(takes.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, one)
				w.sky().next("web", driver.Deploy, answer{slow: takes})
				p, cancel := w.interruptible(0)
				time.AfterFunc(time.Millisecond, cancel)
				if r := p.run(promote("prod")); !errors.Is(r.err, context.Canceled) {
					t.Errorf("it ends with %v", r.err)
				}
				if x := w.newest("web"); x.Steps[0].State != state {
					t.Errorf("the step is %s, want %s", x.Steps[0].State, state)
				}
				if r := w.do(promote("prod"), again); r.err != nil || r.Status != rollout.StatusSucceeded {
					t.Errorf("the next attempt ends with %v, %s", r.err, r.Status)
				}
				w.had("web deploy")
			})
		})
	}
}

// TestInterruptedBeforeAnything: an invocation that is interrupted before it
// begins does nothing.
func TestInterruptedBeforeAnything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		p, cancel := w.interruptible(0)
		cancel()
		if r := p.run(promote("prod")); !errors.Is(r.err, context.Canceled) {
			t.Errorf("it ends with %v", r.err)
		}
		if n := w.memory.Commits() + len(w.effects()); n != 0 {
			t.Errorf("%d commits and effects", n)
		}
	})
}

// TestInterruptedWhileWaiting: a bake that is waited for, and a canary that
// stands, stay as they are.
func TestInterruptedWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, canaryWaits))
		p, cancel := w.interruptible(0)
		time.AfterFunc(30*time.Second, cancel)
		r := p.run(promote("prod"))
		if !errors.Is(r.err, context.Canceled) || r.Status != rollout.StatusInterrupted {
			t.Errorf("it ends with %v, %s", r.err, r.Status)
		}
		w.had("web weight 10")
		w.is("web", rollout.StateInProgress)
	})
}

// careful is a driver whose Begin reads before it sends.
type careful struct {
	driver.Driver
	transport http.RoundTripper
}

func (c *careful) Begin(ctx context.Context, call driver.Call) (driver.Operation, error) {
	for _, method := range []string{http.MethodGet, http.MethodPut} {
		r, err := http.NewRequestWithContext(ctx, method, "https://sky.example/web", nil)
		if err != nil {
			return driver.Operation{}, err
		}
		answer, err := c.transport.RoundTrip(r)
		if err != nil {
			return driver.Operation{}, err
		}
		answer.Body.Close()
	}
	return c.Driver.Begin(ctx, call)
}

// line is a connection that counts what it carries, by method.
type line struct {
	carried map[string]int
	onRead  func()
}

func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	l.carried[r.Method]++
	if r.Method == http.MethodGet {
		l.onRead()
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// TestInterruptedWhileBeginReads: no effect begins after the signal, also where
// Begin reads first and that read is still answered.
func TestInterruptedWhileBeginReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		ctx, cancel := context.WithCancel(t.Context())
		signal := &line{carried: map[string]int{}, onRead: func() { cancel(); time.Sleep(time.Second) }}
		p := w.start(func(c *engine.Config) {
			inner := &handle{sky: w.sky(), process: &process{world: w, dead: make(chan struct{})}}
			c.Stages = stages.New(driver.Env{Transport: signal}, stages.Platform{Facts: w.sky().facts, Open: func(_ context.Context, env driver.Env) (driver.Driver, error) {
				return &careful{Driver: inner, transport: env.Transport}, nil
			}})
		})
		p.ctx = ctx
		r := p.run(promote("prod"))
		if !errors.Is(r.err, context.Canceled) || r.Status != rollout.StatusInterrupted {
			t.Errorf("%v %+v", r.err, r.Outcome)
		}
		if signal.carried[http.MethodGet] != 1 || signal.carried[http.MethodPut] != 0 || len(w.effects()) != 0 {
			t.Errorf("carried %v, effects %v", signal.carried, w.effects())
		}
		if x := w.newest("web"); len(x.Steps) != 1 || x.Steps[0].State != rollout.StepWithdrawn {
			t.Errorf("the state says %+v", x.Steps)
		}
	})
}
