package executor_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/analysis"
	"sluice/internal/check"
	"sluice/internal/executor"
	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/internal/store"
	"sluice/internal/store/storetest"
	"sluice/internal/work"
	"sluice/rollout"
	"sluice/stages/driver"
)

// world is everything outside of the executor: platforms, a store, checks, and
// processes that can die.
type world struct {
	t        *testing.T
	platform *fake
	memory   *storetest.Memory
	checks   *checks
	targets  map[string]driver.Target
	order    []string // the file's order
	end      chan struct{}
	promoted int
	notices  []executor.Notice
	mu       sync.Mutex
}

func newWorld(t *testing.T, platform string, names ...string) *world {
	w := &world{
		t: t, platform: newFake(), memory: storetest.NewMemory(), checks: &checks{fails: map[string]error{}},
		targets: map[string]driver.Target{}, end: make(chan struct{}),
	}
	for _, n := range names {
		w.add(platform, n)
	}
	t.Cleanup(func() {
		close(w.end)
		time.Sleep(48 * time.Hour) // what a dead process was about runs into its end
	})
	return w
}

func (w *world) add(platform, name string) {
	w.targets[name] = driver.Target{Name: name, Stage: "prod", Platform: platform, Config: []byte("{}")}
	w.order = append(w.order, name)
	w.platform.put(name, standing{Release: "r1"})
}

// many are n names: t00, t01, …
func many(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("t%0*d", len(fmt.Sprint(n-1)), i)
	}
	return names
}

// spec is the plan of a promotion of release to a target.
func (w *world) spec(target, release string, mods ...func(*rollout.Spec)) rollout.Spec {
	s := rollout.Spec{
		Command: rollout.CommandPromote, Target: w.targets[target], Source: &driver.Target{Name: "dev", Stage: "dev", Platform: w.targets[target].Platform},
		Release: driver.Release{ID: release}, Phases: rollout.PhasesOf(nil, false),
		Timeout: rollout.Duration(72 * time.Hour), OperationTimeout: rollout.Duration(time.Hour), Creator: "alice",
	}
	for _, mod := range mods {
		mod(&s)
	}
	return s
}

// canary plans canary phases; wait 0 lets a person advance.
func canary(wait time.Duration, percentages ...string) func(*rollout.Spec) {
	return func(s *rollout.Spec) {
		var shares []rollout.PhaseSpec
		for _, p := range percentages {
			shares = append(shares, rollout.PhaseSpec{ID: "canary-" + p, Percent: p})
		}
		s.Phases = rollout.PhasesOf(shares, true)
		if wait > 0 {
			d := rollout.Duration(wait)
			s.Wait = &d
		}
	}
}

func verify(gates ...rollout.Gate) func(*rollout.Spec) {
	return func(s *rollout.Spec) { s.Gates.Verify = gates }
}

func gate(name string) rollout.Gate { return rollout.Gate{Run: []string{name}} }

func onStage(name string) rollout.Gate { return rollout.Gate{Run: []string{name}, StageScope: true} }

// promotion is a promotion of a release to targets; all of them without any.
type promotion struct {
	release   string
	targets   []string
	onFailure string
	waves     *rollout.Waves
	spec      []func(*rollout.Spec)
	read      bool // the preflight read for the first effects
	id        string
	takeBack  string
	own       map[string][]func(*rollout.Spec) // by target
	members   []string
}

// plan is what the planner would make of it.
func (w *world) plan(p promotion) planner.Plan {
	if p.targets == nil {
		p.targets = w.order
	}
	if p.release == "" {
		p.release = "r2"
	}
	if p.id == "" {
		w.promoted++
		p.id = fmt.Sprintf("p%d", w.promoted)
	}
	if p.members == nil {
		p.members = p.targets
	}
	plan := planner.Plan{Command: "promote", Promotion: rollout.Promotion{
		Schema: rollout.Schema, Pipeline: "shop", ID: p.id, Command: "promote", Stage: "prod", Actor: "alice", CreateTime: time.Now().UTC(),
		Members: p.members, OnFailure: p.onFailure, Waves: p.waves, TakeBack: p.takeBack,
	}}
	for _, name := range p.targets {
		spec := w.spec(name, p.release, slices.Concat(p.spec, p.own[name])...)
		spec.Promotion, spec.Controlled = p.id, len(p.members) > 1
		move := planner.Move{Target: name, Do: []rollout.Transition{rollout.Create{Spec: spec}}}
		if p.read {
			move.First, move.ReadAt = w.preflight(spec), time.Now()
		}
		plan.Moves = append(plan.Moves, move)
	}
	return plan
}

// preflight is what Prepare says of a target's deployment.
func (w *world) preflight(spec rollout.Spec) *driver.Prepared {
	p, err := w.platform.Prepare(w.t.Context(), driver.Call{Key: "preflight", Kind: driver.Deploy, Changes: []driver.Change{
		{Target: spec.Target, Source: spec.Source, Release: spec.Release, Job: rollout.JobDeploy, Phase: rollout.PhaseStable},
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	return &p
}

// goOn goes on with what was begun; give makes a transition first.
func (w *world) goOn(targets []string, give ...rollout.Transition) planner.Plan {
	if targets == nil {
		targets = w.order
	}
	plan := planner.Plan{Command: "reconcile"}
	for _, name := range targets {
		plan.Moves = append(plan.Moves, planner.Move{Target: name, Do: give})
	}
	return plan
}

// back is a rollback by a person.
func (w *world) back(targets ...string) planner.Plan {
	w.promoted++
	id := fmt.Sprintf("back%d", w.promoted)
	plan := w.goOn(targets, rollout.GoBack{Promotion: id, By: rollout.Actor{Login: "bob", Person: true, Reason: "incident"}})
	plan.Command = "rollback"
	plan.Promotion = rollout.Promotion{
		Schema: rollout.Schema, Pipeline: "shop", ID: id, Command: "rollback", Stage: "prod", Actor: "bob", CreateTime: time.Now().UTC(), Members: targets,
	}
	return plan
}

// process is one invocation, which can die.
type process struct {
	world  *world
	run    rollout.Run
	limits work.Limits
	clock  work.Clock // the machine's where it is zero
	work   *work.Work
	person bool
	store  *storetest.Memory
	// piecemeal saves entry by entry, as a store does that swaps and is not atomic.
	piecemeal bool
	over      func(context.Context, rollout.Run) (ledger.Fate, error)
	ctx       context.Context

	mu    sync.Mutex
	point int
	dieAt int // the point at which it dies; 0 for never
	where string
	dead  chan struct{}
}

// start is a new invocation by a run. Whoever comes later knows that it is over
// once it died.
func (w *world) start(run string, mods ...func(*process)) *process {
	p := &process{
		world: w, run: rollout.Run{ID: run, Started: time.Now()}, ctx: w.t.Context(), store: w.memory.Another(), dead: make(chan struct{}),
		limits: work.Limits{Budget: 15 * time.Minute, Inline: 2 * time.Minute, Places: 8},
	}
	p.store.OnLoad = func([]store.Key) error { return p.alive() }
	p.store.OnCommit = func([]store.Entry) error { return p.pass("before a commit") }
	p.store.AfterCommit = func([]store.Entry) error { return p.pass("after a commit") }
	for _, mod := range mods {
		mod(p)
	}
	return p
}

// knowing that other runs are dead.
func knowing(p *process) {
	p.over = func(context.Context, rollout.Run) (ledger.Fate, error) { return ledger.Dead, nil }
}

func places(n int) func(*process) { return func(p *process) { p.limits.Places = n } }

var errDead = errors.New("this process is dead")

// alive blocks for ever in a process that died.
func (p *process) alive() error {
	select {
	case <-p.dead:
		<-p.world.end
		return &store.UnreadableError{Op: "read", Err: errDead}
	default:
		return nil
	}
}

// opened is the store as the process uses it.
func (p *process) opened() store.Store {
	if p.piecemeal {
		return piecemeal{p.store}
	}
	return p.store
}

// piecemeal is a store that saves one entry after another.
type piecemeal struct{ *storetest.Memory }

func (s piecemeal) Facts() store.Facts {
	f := s.Memory.Facts()
	f.Atomic = false
	return f
}

func (s piecemeal) Commit(ctx context.Context, entries ...store.Entry) ([]store.Entry, error) {
	var saved []store.Entry
	lost := &store.ConflictError{}
	for _, e := range entries {
		one, err := s.Memory.Commit(ctx, e)
		if conflict, ok := errors.AsType[*store.ConflictError](err); ok {
			lost.Keys = append(lost.Keys, conflict.Keys...)
			continue
		}
		if err != nil {
			return saved, err
		}
		saved = append(saved, one...)
	}
	if len(lost.Keys) > 0 {
		return saved, lost
	}
	return saved, nil
}

// pass is a point at which a process can die.
func (p *process) pass(where string) error {
	p.mu.Lock()
	p.point++
	if p.point == p.dieAt {
		p.where = where
		close(p.dead)
	}
	p.mu.Unlock()
	return p.alive()
}

func (p *process) points() int { p.mu.Lock(); defer p.mu.Unlock(); return p.point }

// result is what an invocation came to.
type result struct {
	executor.Result
	loaded error
	closed error
	died   bool
}

// row is what came of a target.
func (r result) row(target string) executor.RowResult {
	for _, one := range r.Rows {
		if one.Target == target {
			return one
		}
	}
	return executor.RowResult{}
}

// do is an invocation to its end, or its death.
func (p *process) do(plan planner.Plan) result {
	over := make(chan result, 1)
	go func() { over <- p.invoke(plan) }()
	select {
	case r := <-over:
		return r
	case <-p.dead:
		synctest.Wait() // a commit under way in another of its goroutines still lands, before anybody else looks
		return result{died: true}
	}
}

func (p *process) invoke(plan planner.Plan) result {
	w := p.world
	wk := work.Begin(p.ctx, p.clock, p.limits)
	defer wk.End()
	p.work = wk
	l := ledger.Open(p.ctx, ledger.Config{Store: p.opened(), Pipeline: "shop", Run: p.run, Over: p.over, Work: wk})
	names := make([]string, len(plan.Moves))
	for i, m := range plan.Moves {
		names[i] = m.Target
	}
	state, err := l.Load(p.ctx, names...)
	if id := plan.Promotion.ID; err == nil && id != "" {
		err = l.LoadPromotions(p.ctx, state, id)
	}
	if err == nil {
		err = l.LoadMembers(p.ctx, state)
	}
	if err != nil {
		return result{loaded: err}
	}
	c := executor.Config{
		Pipeline: "shop", Run: p.run.ID, Platform: &handle{w.platform, p}, Checks: &checkHandle{w.checks, p}, Ledger: l, Work: wk,
		Setting: rollout.Setting{Person: p.person}, Notify: w.noticed,
	}
	fresh := func(target string) rollout.Record { return rollout.New("shop", w.targets[target]) }
	r := executor.Run(p.ctx, c, state, fresh, plan)
	return result{Result: r, closed: l.Close()}
}

func (w *world) noticed(n executor.Notice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notices = append(w.notices, n)
}

// do is an invocation by a run, which must work.
func (w *world) do(run string, plan planner.Plan, mods ...func(*process)) result {
	w.t.Helper()
	r := w.start(run, mods...).do(plan)
	if r.loaded != nil || r.closed != nil || r.Err != nil {
		w.t.Fatalf("%s by %s: load %v, run %v, close %v", plan.Command, run, r.loaded, r.Err, r.closed)
	}
	return r
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
	r, err := rollout.Decode[rollout.Record](entries[0].Data)
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

// is checks the state of a target's newest rollout.
func (w *world) is(target string, want rollout.State) {
	w.t.Helper()
	if x := w.newest(target); x.Rollout.State != want {
		w.t.Errorf("%s is %s (%s), want %s", target, x.Rollout.State, x.Rollout.FailureReason, want)
	}
}

// free checks that nobody holds a target any more.
func (w *world) free(targets ...string) {
	w.t.Helper()
	for _, name := range targets {
		if r := w.record(name); r.Lease != "" {
			w.t.Errorf("%s is still held by %s", name, r.Lease)
		}
	}
}

// handle is the platform as one process has it.
type handle struct {
	*fake
	process *process
}

func (h *handle) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	if err := h.process.alive(); err != nil {
		return driver.Prepared{}, err
	}
	return h.fake.Prepare(ctx, c)
}

func (h *handle) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	if err := h.process.pass("before a call"); err != nil {
		return driver.Operation{}, err
	}
	h.process.world.intended(c)
	if ctx.Err() != nil {
		return driver.Operation{}, fails(driver.Retryable)
	}
	answering, done := h.process.work.Answering(ctx)
	defer done()
	op, err := h.fake.Begin(answering, c)
	if err := h.process.pass("after a call"); err != nil {
		return driver.Operation{}, err
	}
	return op, err
}

func (h *handle) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	if err := h.process.alive(); err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	return h.fake.Lookup(ctx, c)
}

func (h *handle) Poll(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	if err := h.process.alive(); err != nil {
		return op, 0, err
	}
	return h.fake.Poll(ctx, op)
}

// intended checks, at the moment of every effect, that the store already says so:
// the intent is on every target of the call, and the target is the sender's.
func (w *world) intended(c driver.Call) {
	for _, change := range c.Changes {
		r := w.record(change.Target.Name)
		steps := stepsOf(r, c.Key)
		if !slices.ContainsFunc(steps, func(s rollout.Step) bool { return s.State == rollout.StepIntended }) {
			w.t.Errorf("%s of %s was sent and the state does not say that it is intended: %+v", c.Kind, r.Target, steps)
		}
		if left := w.leaseLeft(r.Lease); left < time.Minute {
			w.t.Errorf("%s of %s was sent with %s of the lease left", c.Kind, r.Target, left)
		}
	}
}

// leaseLeft is how long a run's lease still holds.
func (w *world) leaseLeft(run string) time.Duration {
	entries, err := w.memory.Load(context.WithoutCancel(w.t.Context()), store.Key{Pipeline: "shop", Kind: store.KindRun, Target: run})
	if run == "" || err != nil || entries[0].Version == "" {
		return 0
	}
	r, err := rollout.Decode[rollout.Run](entries[0].Data)
	if err != nil {
		w.t.Fatal(err)
	}
	return time.Until(r.Until)
}

func stepsOf(r rollout.Record, key string) []rollout.Step {
	var found []rollout.Step
	for _, x := range r.Rollouts {
		for _, s := range x.Steps {
			if s.Call.Key == key {
				found = append(found, s)
			}
		}
	}
	return found
}

// checks runs no program: it counts, and fails what it is told to.
type checks struct {
	mu    sync.Mutex
	fails map[string]error // by the program's name, or "target:name"
	takes map[string]time.Duration
	ran   []string // "target phase name"
	at    []time.Time
}

type checkHandle struct {
	*checks
	process *process
}

func (c *checkHandle) Run(ctx context.Context, g rollout.Gate, v check.Vars) error {
	if err := c.process.alive(); err != nil {
		return err
	}
	return c.checks.Run(ctx, g, v)
}

func (c *checks) Preflight(rollout.Gate) error { return nil }

// errUnclear has a check that measures tell nothing.
var errUnclear = errors.New("nobody can tell")

// Look measures by the program's name too: what it is told to, else a pass.
func (c *checks) Look(ctx context.Context, g rollout.Gate, v check.Vars, w analysis.Window) analysis.Sample {
	s := analysis.Pass("0")
	switch err := c.Run(ctx, g, v); {
	case errors.Is(err, errUnclear):
		s = analysis.Missing("%v", err)
	case err != nil:
		s = analysis.Fail("1", "%v", err)
	}
	s.At = w.Now
	return s
}

func (c *checks) Run(ctx context.Context, g rollout.Gate, v check.Vars) error {
	c.mu.Lock()
	c.ran, c.at = append(c.ran, strings.TrimSpace(v.Target+" "+v.Phase+" "+g.Run[0])), append(c.at, time.Now())
	takes, err := c.takes[g.Run[0]], c.fails[g.Run[0]]
	if own, ok := c.fails[v.Target+":"+g.Run[0]]; ok {
		err = own
	}
	c.mu.Unlock()
	if !rest(ctx, takes) {
		return ctx.Err()
	}
	return err
}

// failing says which checks fail from now on.
func (c *checks) failing(fails map[string]error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fails = fails
}

func (c *checks) list() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.ran)
}
