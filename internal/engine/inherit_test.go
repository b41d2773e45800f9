package engine_test

import (
	"context"
	"testing"

	"sluice/internal/engine"
	"sluice/internal/store"
	"sluice/internal/view"
	"sluice/rollout"
	"sluice/stages/driver"
)

// TestNewTarget: a target that is new has the blocks of its stage from all that are
// there. One that was never saved and that a release only comes from asks for
// nobody's: the other targets' records are not read.
func TestNewTarget(t *testing.T) {
	w := newWorld(t, driver.Facts{Platform: "apigateway"}, 6, "", "")
	old := w.production().Targets[:5]
	promote := func(from, to int) func(context.Context, *engine.Engine) (view.Outcome, error) {
		return func(ctx context.Context, e *engine.Engine) (view.Outcome, error) {
			return e.Promote(ctx, engine.Promotion{Stage: w.production(), Targets: w.production().Targets[from:to]})
		}
	}
	w.does(view.Succeeded, "anna", promote(0, 5))
	read := map[string]bool{}
	w.loads = func(keys []store.Key) error {
		for _, k := range keys {
			read[k.Target] = read[k.Target] || k.Kind == store.KindTarget
		}
		return nil
	}
	w.does(view.Unchanged, "anna", promote(0, 1))
	if !read["t1"] || !read["source"] || read["t2"] {
		t.Errorf("of the targets %v were read, want t1 and its source alone", read)
	}
	w.does(view.Succeeded, "anna", func(ctx context.Context, e *engine.Engine) (view.Outcome, error) {
		return e.Lock(ctx, engine.Blocking{Targets: old, Scope: rollout.ScopeStage})
	})
	w.refused("lock", "anna", promote(5, 6))
}
