package engine_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/internal/store"
	"sluice/stages"
	"sluice/stages/driver"
)

// process is one invocation, which can die.
type process struct {
	*engine.Engine
	world *world
	ctx   context.Context

	mu    sync.Mutex
	point int
	dieAt int // the point at which it dies; 0 for never
	where string
	sent  []time.Time // when it called a platform
	dead  chan struct{}
}

// start is a new invocation of the same person in the same run.
func (w *world) start(mods ...func(*engine.Config)) *process {
	p := &process{world: w, ctx: w.t.Context(), dead: make(chan struct{})}
	records := w.memory.Another()
	records.OnLoad = func([]store.Key) error { return p.alive() }
	records.OnCommit = func([]store.Entry) error { return p.pass("before a commit") }
	records.AfterCommit = func([]store.Entry) error { return p.pass("after a commit") }
	var platforms []stages.Platform
	for _, s := range w.skies {
		platforms = append(platforms, stages.Platform{
			Facts: s.facts, Open: func(context.Context, driver.Env) (driver.Driver, error) { return &handle{sky: s, process: p}, nil },
		})
	}
	c := engine.Config{
		Pipeline: w.pipeline(), Stages: stages.New(driver.Env{}, platforms...), Store: records, Checks: w.checks, Observer: w.observer,
		Actor:      engine.Actor{Login: "alice", Verified: true},
		Lease:      rollout.Lock{Holder: "run/1", RunURL: "https://ci.example/1", Actor: "alice"},
		InlineWait: 2 * time.Minute, WaitBudget: 15 * time.Minute,
	}
	if w.config != nil {
		w.config(&c)
	}
	for _, mod := range mods {
		mod(&c)
	}
	p.Engine = engine.New(c)
	return p
}

var errDead = &store.UnreadableError{Op: "read", Err: errors.New("this process is dead")}

// alive blocks for ever in a process that died.
func (p *process) alive() error {
	select {
	case <-p.dead:
		<-p.world.end
		return errDead
	default:
		return nil
	}
}

// pass is a point at which a process can die.
func (p *process) pass(where string) error {
	p.mu.Lock()
	if where == "before a call" {
		p.sent = append(p.sent, time.Now())
	}
	p.point++
	if p.point == p.dieAt {
		p.where = where
		close(p.dead)
	}
	p.mu.Unlock()
	return p.alive()
}

// points is how many points the process passed.
func (p *process) points() int { p.mu.Lock(); defer p.mu.Unlock(); return p.point }

// result is what an invocation came to.
type result struct {
	rollout.Outcome
	err  error
	died bool
}

// run is an invocation to its end, or its death.
func (p *process) run(do func(context.Context, *engine.Engine) (rollout.Outcome, error)) result {
	over := make(chan result, 1)
	go func() {
		out, err := do(p.ctx, p.Engine)
		over <- result{Outcome: out, err: err}
	}()
	select {
	case r := <-over:
		return r
	case <-p.dead:
		synctest.Wait() // a commit under way in another of its goroutines still lands, before anybody else looks
		return result{died: true}
	}
}

// handle is the driver as one process has it.
type handle struct {
	sky     *sky
	process *process
}

func (h *handle) Live(_ context.Context, targets []driver.Target) ([]driver.Live, []error) {
	live, errs := make([]driver.Live, len(targets)), make([]error, len(targets))
	for i, t := range targets {
		if errs[i] = h.process.alive(); errs[i] == nil {
			live[i].Release, errs[i] = h.sky.current(t)
		}
	}
	return live, errs
}

func (h *handle) Resolve(_ context.Context, _ driver.Target, id string) (driver.Release, error) {
	if err := h.process.alive(); err != nil {
		return driver.Release{}, err
	}
	return h.sky.resolve(id)
}

func (h *handle) Prepare(_ context.Context, c driver.Call) (driver.Prepared, error) {
	if err := h.process.alive(); err != nil {
		return driver.Prepared{}, err
	}
	return h.sky.prepare(c)
}

func (h *handle) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	if err := h.process.pass("before a call"); err != nil {
		return driver.Operation{}, err
	}
	h.process.world.intended(c)
	op, err := h.sky.begin(ctx, c)
	if err := h.process.pass("after a call"); err != nil {
		return driver.Operation{}, err
	}
	return op, err
}

func (h *handle) Lookup(_ context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	if err := h.process.alive(); err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	return h.sky.lookup(c)
}

func (h *handle) Poll(_ context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	if err := h.process.alive(); err != nil {
		return op, 0, err
	}
	return h.sky.poll(op)
}

func (h *handle) Explain(err error) driver.Explanation { return explain(err) }

// intended checks, at the moment of every effect, that the store already says
// so: the intent is on every target of the call.
func (w *world) intended(c driver.Call) {
	for _, change := range c.Changes {
		name := change.Target.Name
		steps := w.stepsOf(name, c.Key)
		if !slices.ContainsFunc(steps, func(s rollout.Step) bool { return s.State == rollout.StepIntended }) {
			w.t.Errorf("%s of %s was sent and the state does not say that it is intended: %+v", c.Kind, name, steps)
		}
	}
}

func (w *world) stepsOf(target, key string) []rollout.Step {
	var found []rollout.Step
	for _, x := range w.record(target).Rollouts {
		for _, s := range x.Steps {
			if s.Call.Key == key {
				found = append(found, s)
			}
		}
	}
	return found
}

func oneAtATime(c *engine.Config) { c.Concurrency = 1 }
