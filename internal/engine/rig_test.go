package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/check"
	"sluice/internal/engine"
	"sluice/internal/store"
	"sluice/internal/store/storetest"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages"
	"sluice/stages/driver"
)

// world is everything outside of the engine: platforms, a store, a pipeline
// file, and processes that can die.
type world struct {
	t        *testing.T
	file     string
	skies    []*sky
	memory   *storetest.Memory
	checks   *checks
	observer *observer
	end      chan struct{} // closed when the test is over: dead processes may go
	config   func(*engine.Config)
	parsed   map[string]*pipeline.Pipeline
}

// The platforms of the tests: one target a call, several a call, and one that
// owns its rollouts.
func skyFacts() driver.Facts {
	return driver.Facts{Platform: "sky", Title: "The sky", Backoff: driver.Backoff{Initial: time.Second, Max: time.Minute, Factor: 2}}
}

func fleetFacts() driver.Facts {
	return driver.Facts{
		Platform: "fleet", Title: "A fleet", Batch: 3, Kinds: []driver.Kind{driver.Deploy, driver.Rollback},
		Backoff: driver.Backoff{Initial: time.Second, Max: time.Minute, Factor: 2},
	}
}

// one is the pipeline of most tests: what runs on web-dev goes to web.
const one = `
name: shop
stages:
  - name: dev
    targets: [{name: web-dev, sky: {spot: web-dev}}]
  - name: prod
    targets: [{name: web, sky: {spot: web}}]
`

// with adds keys to the last target of a pipeline in flow style.
func with(file, keys string) string {
	i := strings.LastIndex(file, "}]")
	return file[:i] + ", " + keys + file[i:]
}

func newWorld(t *testing.T, file string) *world {
	t.Helper()
	w := &world{
		t: t, file: file, memory: storetest.NewMemory(), checks: &checks{fails: map[string]error{}}, observer: &observer{},
		skies: []*sky{newSky(skyFacts()), newSky(fleetFacts()), newCloud()}, end: make(chan struct{}), parsed: map[string]*pipeline.Pipeline{},
	}
	t.Cleanup(func() {
		close(w.end)
		time.Sleep(48 * time.Hour) // what a dead process was about runs into its end
	})
	for _, s := range w.skies {
		for n, id := range []string{"r1", "r2", "r3"} {
			s.releases[id] = time.Date(1999, 1, 1+n, 0, 0, 0, 0, time.UTC)
		}
	}
	for target := range w.pipeline().All() {
		release := "r1"
		if target.Stage == w.pipeline().Stages[0] || target.Stage.Name.Value == "dev" {
			release = "r2"
		}
		w.platform(target.Platform.Platform).put(target.Name.Value, release)
	}
	return w
}

func (w *world) sky() *sky { return w.skies[0] }

func (w *world) platform(name string) *sky {
	return w.skies[slices.IndexFunc(w.skies, func(s *sky) bool { return s.facts.Platform == name })]
}

func (w *world) pipeline() *pipeline.Pipeline {
	w.t.Helper()
	if p := w.parsed[w.file]; p != nil {
		return p
	}
	facts := make([]driver.Facts, len(w.skies))
	for i, s := range w.skies {
		facts[i] = s.facts
	}
	p, problems := pipeline.Parse("sluice.yaml", []byte(w.file), facts)
	if pipeline.Failed(problems) {
		w.t.Fatalf("the test's own pipeline is wrong: %v", problems)
	}
	w.parsed[w.file] = p
	return p
}

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
		return result{died: true}
	}
}

// handle is the driver as one process has it.
type handle struct {
	sky     *sky
	process *process
}

func (h *handle) Current(_ context.Context, t driver.Target) (driver.Release, error) {
	if err := h.process.alive(); err != nil {
		return driver.Release{}, err
	}
	return h.sky.current(t)
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

// record is what the store holds of a target.
func (w *world) record(target string) rollout.Record {
	w.t.Helper()
	entries, err := w.memory.Load(context.WithoutCancel(w.t.Context()), store.Key{Pipeline: "shop", Target: target})
	if err != nil {
		w.t.Fatal(err)
	}
	if entries[0].Version == "" {
		return rollout.Record{}
	}
	r, err := rollout.Decode(entries[0].Data)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// newest is the newest rollout in a target's stored record.
func (w *world) newest(target string) rollout.Execution {
	w.t.Helper()
	r := w.record(target)
	x, ok := r.Newest()
	if !ok {
		w.t.Fatalf("%s has no rollout", target)
	}
	return *x
}

// set changes a target's stored record as another run would.
func (w *world) set(target string, change func(*rollout.Record)) {
	w.t.Helper()
	r := w.record(target)
	if r.Schema == "" {
		t, err := w.pipeline().Target(target)
		if err != nil {
			w.t.Fatal(err)
		}
		r = rollout.New("shop", t.Driver())
	}
	change(&r)
	r.Generation++
	data, err := rollout.Encode(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.memory.Set(store.Key{Pipeline: "shop", Target: target}, data)
}

// checks runs no program: it counts, and fails what it is told to.
type checks struct {
	mu      sync.Mutex
	fails   map[string]error // by the program's name, or "target:name"
	takes   time.Duration
	ran     []string // "target phase name"
	at      []time.Time
	missing map[string]bool
}

func (c *checks) Preflight(g rollout.Gate) error {
	if c.missing[g.Run[0]] {
		return fmt.Errorf("no program %s", g.Run[0])
	}
	return nil
}

func (c *checks) Run(ctx context.Context, g rollout.Gate, v check.Vars) error {
	c.mu.Lock()
	c.ran, c.at = append(c.ran, strings.TrimSpace(v.Target+" "+v.Phase+" "+g.Run[0])), append(c.at, time.Now())
	takes, err := c.takes, c.fails[g.Run[0]]
	if own, ok := c.fails[v.Target+":"+g.Run[0]]; ok {
		err = own
	}
	c.mu.Unlock()
	if takes > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(takes):
		}
	}
	return err
}

func (c *checks) list() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.ran)
}

// observer remembers what it was told.
type observer struct {
	mu    sync.Mutex
	lines []string
}

func (o *observer) add(kind, target, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, kind+" "+target+": "+text)
}

func (o *observer) Progress(target, text string) { o.add("progress", target, text) }

func (o *observer) Warn(target, text string) { o.add("warn", target, text) }

func (o *observer) Log(target, title, text string) { o.add("log", target, title+": "+text) }

func (o *observer) Event(target string, e rollout.Event) {
	o.add("event", target, e.Type+" "+e.Message)
}

// said reports whether the observer was told something like text.
func (o *observer) said(text string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.lines, func(l string) bool { return strings.Contains(l, text) })
}

func oneAtATime(c *engine.Config) { c.Concurrency = 1 }
