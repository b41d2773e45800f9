package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice/analysis"
	"sluice/internal/check"
	"sluice/internal/engine"
	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/internal/platform"
	"sluice/internal/sandbox"
	emulators "sluice/internal/sandbox/all"
	"sluice/internal/store"
	"sluice/internal/store/storetest"
	"sluice/internal/view"
	"sluice/internal/work"
	"sluice/internal/work/worktest"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/all"
	"sluice/stages/driver"
)

// places are the keys of a platform's i-th target in a stage.
var places = map[string]string{
	"apigateway":        "apigateway: {restApi: a1b2c3d4e5, stage: %s-%d, region: eu-west-1}",
	"heroku":            "heroku: {app: shop-%s-%d}",
	"clouddeploy":       "clouddeploy: {project: acme, location: europe-west1, deliveryPipeline: shop, target: %s-%d}",
	"deploymentmanager": "deploymentmanager: {project: acme, deployment: %s-%d}",
	"exec":              "exec: {command: [./deploy], resource: shop-%s-%d}",
	"ecs":               "ecs: {cluster: shop, service: %s-%d, region: eu-west-1}",
	"lambda":            "lambda: {function: orders, alias: %s-%d, region: eu-west-1}",
	"inframanager":      "inframanager: {project: acme, location: europe-west1, deployment: %s-%d}",
	"cloudrun":          "cloudrun: {project: acme, location: europe-west1, service: %s-%d}",
}

func place(platform, stage string, i int) string {
	if platform == "entrecode" {
		n := i + 10*len(stage)
		return fmt.Sprintf("entrecode: {appID: 11111111-1111-4111-8111-111111111111, platformID: 22222222-2222-4222-8222-%012d, targetIDs: [33333333-3333-4333-8333-%012d]}", n, n)
	}
	return fmt.Sprintf(places[platform], stage, i)
}

// speed is how much faster time passes here than on the machine: operations of the
// emulators take a minute.
const speed = 200

// world is a platform's emulator, and a pipeline from staging to production there.
type world struct {
	t        *testing.T
	facts    driver.Facts
	pipeline *pipeline.Pipeline
	server   *sandbox.Server
	memory   *storetest.Memory
	checks   *checks
	time     *worktest.Fast
	runs     int
	budget   time.Duration           // of an invocation
	loads    func([]store.Key) error // is told of each load; may be nil
	member   func(ctx context.Context, team, login string) (bool, error)
	reviews  engine.Reviews // may be nil
}

// checks are all of one kind: they pass, or do not.
type checks struct{ fails map[string]bool }

func (c *checks) Preflight(rollout.Gate) error { return nil }

func (c *checks) Run(_ context.Context, _ rollout.Gate, v check.Vars) error {
	if c.fails[v.Target] {
		return errors.New("it smokes")
	}
	return nil
}

// Look finds nothing to measure: no pipeline here has it measured.
func (c *checks) Look(context.Context, rollout.Gate, check.Vars, analysis.Window) analysis.Sample {
	return analysis.Sample{}
}

// newWorld has a pipeline with so many targets in production, with keys of the stage
// and of each target.
func newWorld(t *testing.T, facts driver.Facts, targets int, stage, target string, faults ...string) *world {
	t.Helper()
	return worldOf(t, facts, declared(facts.Platform, targets, stage, target), faults...)
}

// declared is a pipeline file with so many targets in production.
func declared(platform string, targets int, stage, target string) string {
	var file strings.Builder
	fmt.Fprintf(&file, "name: shop\nstages:\n  - name: staging\n    targets: [{name: source, %s}]\n", place(platform, "staging", 0))
	fmt.Fprintf(&file, "  - name: production\n%s    targets:\n", stage)
	for i := range targets {
		fmt.Fprintf(&file, "      - {name: t%d, %s%s}\n", i+1, place(platform, "production", i+1), target)
	}
	return file.String()
}

// worldOf has the pipeline of a file.
func worldOf(t *testing.T, facts driver.Facts, file string, faults ...string) *world {
	t.Helper()
	p, problems := pipeline.Parse("sluice.yaml", []byte(file), platforms())
	if pipeline.Failed(problems) {
		t.Fatalf("%s\n%s", pipeline.Format(problems), file)
	}
	w := &world{t: t, facts: facts, pipeline: p, memory: storetest.NewMemory(), checks: &checks{fails: map[string]bool{}}, time: &worktest.Fast{Epoch: time.Now(), Speed: speed}, budget: time.Hour}
	options := sandbox.Options{Dir: t.TempDir(), Pipelines: []*pipeline.Pipeline{p}, Emulators: emulators.Emulators(w.time.Now)}
	for _, text := range faults {
		f, err := sandbox.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		options.Faults = append(options.Faults, f)
	}
	var err error
	if w.server, err = sandbox.Start(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.server.Close)
	return w
}

func platforms() []driver.Facts {
	var list []driver.Facts
	for _, p := range all.Platforms() {
		list = append(list, p.Facts)
	}
	return list
}

// by is an invocation by a person: it does one thing, and lets go.
func (w *world) by(login string, do func(context.Context, *engine.Engine) (view.Outcome, error)) (view.Outcome, error) {
	w.t.Helper()
	w.runs++
	run := rollout.Run{ID: fmt.Sprintf("run-%d", w.runs), Attempt: 1, Started: w.time.Now()}
	limits := work.Begin(w.t.Context(), w.time.Clock(), work.Limits{Budget: w.budget, Inline: 2 * time.Minute, Places: 4})
	defer limits.End()
	own := w.memory.Another()
	own.OnLoad = w.loads
	held := ledger.Open(w.t.Context(), ledger.Config{Store: own, Pipeline: "shop", Digest: w.pipeline.Digest, History: 20, Run: run, Work: limits})
	reach := platform.Open(platform.Config{Env: driver.Env{Getenv: func(name string) string { return w.server.Env()[name] }, Now: w.time.Now}, Platforms: all.Platforms()})
	e := engine.New(engine.Config{
		Pipeline: w.pipeline, Platform: reach.During(limits), Checks: w.checks, Ledger: held, Work: limits, Run: run, Verified: true, Identifies: true,
		Actor: rollout.Actor{Login: login, Person: true, Reason: "because"}, Origin: fmt.Sprintf("octo/shop %d", w.runs), LeaseWait: time.Minute,
		Member: w.member, Reviews: w.reviews,
	})
	out, err := do(w.t.Context(), e)
	if closed := held.Close(); closed != nil {
		w.t.Error(closed)
	}
	return out, err
}

// does is by, which must end with a status.
func (w *world) does(want view.Status, login string, do func(context.Context, *engine.Engine) (view.Outcome, error)) view.Outcome {
	w.t.Helper()
	out, err := w.by(login, do)
	if err != nil || out.Status != want {
		for _, target := range out.Targets {
			w.t.Logf("%s: %s %s %+v %s", target.Target, target.Status, target.State, target.WaitingFor, target.ErrorMessage)
		}
		w.t.Fatalf("it is %s (%v), want %s; effects %v", out.Status, err, want, w.effects())
	}
	return out
}

// refused is by, which must be refused with words.
func (w *world) refused(words, login string, do func(context.Context, *engine.Engine) (view.Outcome, error)) {
	w.t.Helper()
	before := len(w.server.Effects())
	_, err := w.by(login, do)
	var refused *planner.RefusedError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), words) {
		w.t.Errorf("got %v, want a refusal with %q", err, words)
	}
	if n := len(w.server.Effects()); n != before {
		w.t.Errorf("what was refused had %d effects", n-before)
	}
}

// effects are what changed the platform, by target and kind.
func (w *world) effects() []string {
	var list []string
	for _, e := range w.server.Effects() {
		list = append(list, strings.Join(e.Targets, "+")+" "+e.Kind)
	}
	return list
}

// production is the stage that is promoted to, with its targets.
func (w *world) production() *pipeline.Stage { return w.pipeline.Stages[1] }

func (w *world) promote(ctx context.Context, e *engine.Engine) (view.Outcome, error) {
	return e.Promote(ctx, engine.Promotion{Stage: w.production(), Targets: w.production().Targets})
}

func (w *world) rollback(ctx context.Context, e *engine.Engine) (view.Outcome, error) {
	return e.Rollback(ctx, engine.Back{Targets: w.production().Targets})
}

func (w *world) reconcile(ctx context.Context, e *engine.Engine) (view.Outcome, error) {
	return e.Reconcile(ctx, w.production().Targets)
}

// order is a command to rollouts that exist.
func (w *world) order(command string) func(context.Context, *engine.Engine) (view.Outcome, error) {
	return func(ctx context.Context, e *engine.Engine) (view.Outcome, error) {
		return e.Command(ctx, engine.Order{Command: command, Targets: w.production().Targets})
	}
}
