package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/pipeline"
	"sluice/stages/driver"
)

type action = func(context.Context, *engine.Engine) (rollout.Outcome, error)

func (w *world) targets(names ...string) []*pipeline.Target {
	w.t.Helper()
	list := make([]*pipeline.Target, len(names))
	for i, name := range names {
		t, err := w.pipeline().Target(name)
		if err != nil {
			w.t.Fatal(err)
		}
		list[i] = t
	}
	return list
}

// promote promotes to all targets of a stage, or to those named. The pipeline
// is the engine's own, for stages are compared by identity.
func promote(stage string, mods ...func(*engine.Promotion)) action {
	return func(ctx context.Context, e *engine.Engine) (rollout.Outcome, error) {
		s, err := e.Pipeline.Stage(stage)
		if err != nil {
			return rollout.Outcome{}, err
		}
		req := engine.Promotion{Stage: s, Targets: s.Targets}
		for _, mod := range mods {
			mod(&req)
		}
		return e.Promote(ctx, req)
	}
}

func release(id string) func(*engine.Promotion) {
	return func(p *engine.Promotion) { p.Release, p.SkipStages, p.Reason = id, true, "test" }
}

func only(names ...string) func(*engine.Promotion) {
	return func(p *engine.Promotion) {
		p.Targets = slices.DeleteFunc(slices.Clone(p.Targets), func(t *pipeline.Target) bool { return !slices.Contains(names, t.Name.Value) })
	}
}

func promoteCanary(target string, disable bool) action {
	return func(ctx context.Context, e *engine.Engine) (rollout.Outcome, error) {
		t, err := e.Pipeline.Target(target)
		if err != nil {
			return rollout.Outcome{}, err
		}
		return e.PromoteCanary(ctx, engine.CanaryPromotion{Target: t, Disable: disable})
	}
}

func rollback(targets ...string) action {
	return func(ctx context.Context, e *engine.Engine) (rollout.Outcome, error) {
		return e.Rollback(ctx, engine.Back{Targets: find(e, targets)})
	}
}

func reconcile(targets ...string) action {
	return func(ctx context.Context, e *engine.Engine) (rollout.Outcome, error) {
		return e.Reconcile(ctx, find(e, targets))
	}
}

// order gives a command to the rollouts of some targets, of all without any.
func order(command string, targets ...string) action {
	return func(ctx context.Context, e *engine.Engine) (rollout.Outcome, error) {
		return e.Command(ctx, engine.Order{Command: command, Targets: find(e, targets)})
	}
}

// find finds targets by name; all of them without names.
func find(e *engine.Engine, names []string) []*pipeline.Target {
	var found []*pipeline.Target
	for t := range e.Pipeline.All() {
		if len(names) == 0 || slices.Contains(names, t.Name.Value) {
			found = append(found, t)
		}
	}
	return found
}

// do is a whole invocation.
func (w *world) do(a action, mods ...func(*engine.Config)) result {
	w.t.Helper()
	return w.start(mods...).run(a)
}

// must is an invocation that ends with a status and no error.
func (w *world) must(status rollout.Status, a action, mods ...func(*engine.Config)) rollout.Outcome {
	w.t.Helper()
	r := w.do(a, mods...)
	if r.err != nil {
		w.t.Fatalf("error %v", r.err)
	}
	if r.Status != status {
		w.t.Fatalf("status %s, want %s: %+v", r.Status, status, r.Targets)
	}
	return r.Outcome
}

// refused is an invocation that ends in a refusal which says some words, and
// touches neither platform nor store.
func (w *world) refused(words string, a action, mods ...func(*engine.Config)) {
	w.t.Helper()
	effects, commits := w.effects(), w.memory.Commits()
	r := w.do(a, mods...)
	if !isRefused(r.err) || !strings.Contains(r.err.Error(), words) {
		w.t.Fatalf("error %v, want a refusal with %q", r.err, words)
	}
	if got := w.effects(); len(got) != len(effects) {
		w.t.Errorf("a refusal had effects: %v", got)
	}
	if n := w.memory.Commits() - commits; n != 0 {
		w.t.Errorf("a refusal saved %d times", n)
	}
}

// effects lists what took effect on all platforms.
func (w *world) effects() []string {
	var all []string
	for _, s := range w.skies {
		all = append(all, s.done()...)
	}
	return all
}

// had checks what took effect so far, in order.
func (w *world) had(want ...string) {
	w.t.Helper()
	if got := w.effects(); !slices.Equal(got, want) {
		w.t.Errorf("effects %q, want %q", got, want)
	}
}

// is checks a target's newest stored rollout, and that nobody holds the target.
func (w *world) is(target string, state rollout.State) {
	w.t.Helper()
	x := w.newest(target)
	if x.Rollout.State != state {
		w.t.Errorf("%s is %s (%s), want %s", target, x.Rollout.State, x.Rollout.FailureReason, state)
	}
	if l := w.record(target).Lock; l != nil && !l.Person {
		w.t.Errorf("%s is still held by %s", target, l.Holder)
	}
}

// waits checks what an outcome says that a target waits for.
func waits(t *testing.T, out rollout.Outcome, target string, kind rollout.WaitKind) rollout.Waiting {
	t.Helper()
	for _, o := range out.Targets {
		if o.Target != target {
			continue
		}
		if o.WaitingFor == nil || o.WaitingFor.Kind != kind {
			t.Fatalf("%s waits for %+v, want %s", target, o.WaitingFor, kind)
		}
		return *o.WaitingFor
	}
	t.Fatalf("%s is not in the outcome", target)
	return rollout.Waiting{}
}

func isRefused(err error) bool {
	_, ok := err.(*engine.RefusedError) //nolint:errorlint // the engine returns it as it is
	return ok
}

// orderOf gives a command to the rollouts of one promotion.
func orderOf(command, promotion string) action {
	return func(ctx context.Context, e *engine.Engine) (rollout.Outcome, error) {
		return e.Command(ctx, engine.Order{Command: command, Targets: find(e, nil), Promotion: promotion})
	}
}

func releaseOf(id string) driver.Release { return driver.Release{ID: id} }
