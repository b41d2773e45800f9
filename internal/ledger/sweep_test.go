package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/store"
	"sluice/rollout"
	"sluice/stages/driver"
)

// promoteEvery has a run a day save a promotion of web, whose record names the newest
// alone.
func (w *world) promoteEvery(runs int) {
	w.t.Helper()
	for i := range runs {
		r := w.start(fmt.Sprintf("run-%d", i))
		web := r.hold("web")["web"]
		id := fmt.Sprintf("p%03d", i)
		web.Rollouts = []rollout.Execution{{
			Rollout: rollout.Rollout{Name: id, State: rollout.StateSucceeded},
			Spec:    rollout.Spec{Promotion: id, Target: driver.Target{Name: "web"}}, Steps: []rollout.Step{},
		}}
		entry := rollout.Promotion{Schema: rollout.Schema, Pipeline: "shop", ID: id, Members: []string{"web"}, CreateTime: time.Now().UTC()}
		if saved := <-r.Save(ledger.Row{Record: web}, ledger.Row{Promotion: &entry}); saved.Err != nil {
			w.t.Fatal(saved.Err)
		}
		r.closes()
		r.end()
		time.Sleep(24 * time.Hour)
	}
}

// kept are the names of the entries of a kind.
func (w *world) kept(kind string) []string {
	w.t.Helper()
	keys, err := w.memory.List(context.WithoutCancel(w.t.Context()), "shop", kind)
	if err != nil {
		w.t.Fatal(err)
	}
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.Target
	}
	return names
}

// TestSweepPromotions: entries of promotions that no record names go, but for the
// newest, those that are young, and what a record names whatever its age.
func TestSweepPromotions(t *testing.T) {
	for name, blind := range map[string]bool{"swaps": false, "cannot swap": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.blind = blind
				old := w.start("old")
				api := old.hold("api")["api"]
				api.Rollouts = []rollout.Execution{{Rollout: rollout.Rollout{Name: "kept", State: rollout.StatePending}, Spec: rollout.Spec{Promotion: "kept"}, Steps: []rollout.Step{}}}
				entry := rollout.Promotion{Schema: rollout.Schema, Pipeline: "shop", ID: "kept", Members: []string{"api"}, CreateTime: time.Now().UTC()}
				if saved := <-old.Save(ledger.Row{Record: api}, ledger.Row{Promotion: &entry}); saved.Err != nil {
					t.Fatal(saved.Err)
				}
				old.closes()
				old.end()
				w.promoteEvery(64) // three saves of the record each: taken, saved, let go
				got := w.kept(store.KindPromotion)
				if n := len(got); n > 3+64/3+2 || !slices.Contains(got, "kept") || !slices.Contains(got, "p063") || slices.Contains(got, "p000") {
					t.Errorf("%d entries: %v", n, got)
				}
				if _, err := w.start("later").Load(t.Context(), "web", "api"); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestSweepFails: where nothing can be read nothing goes, and the run ends well.
func TestSweepFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.promoteEvery(20)
		r := w.start("run-x")
		web := r.hold("web")["web"]
		for range 8 {
			r.saves(web)
		}
		r.store.when(nil, func(_ context.Context, keys []store.Key, next loadFunc) ([]store.Entry, error) {
			if len(keys) > 0 && keys[0].Kind == store.KindPromotion {
				return nil, &store.UnreadableError{Op: "read", Err: errors.New("down"), Remedy: "wait"}
			}
			return next()
		})
		before := len(w.kept(store.KindPromotion))
		r.closes()
		if got := len(w.kept(store.KindPromotion)); got != before {
			t.Errorf("%d of %d entries are left", got, before)
		}
	})
}

// TestSweepHistories: what is over on a target that the index does not name any more
// goes too.
func TestSweepHistories(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		h := rollout.NewHistory("shop", "renamed")
		data, err := rollout.Encode(h)
		if err != nil {
			t.Fatal(err)
		}
		w.memory.Set(store.Key{Pipeline: "shop", Kind: store.KindHistory, Target: "renamed"}, data)
		w.promoteEvery(40)
		if got := w.kept(store.KindHistory); slices.Contains(got, "renamed") {
			t.Errorf("left %v", got)
		}
	})
}
