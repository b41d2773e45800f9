package ledger_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/store"
	"sluice/rollout"
)

// TestUndecodable: an entry that the store gives back whole and that says nothing that
// can be understood is unreadable, whatever kind it is of, and never one that was not
// written; the error is about what is wrong with it.
func TestUndecodable(t *testing.T) {
	damages := []string{
		`{"schema": "sluice.state/v9", "pipeline": "shop", "target": "web"}`,
		`{"schema": "sluice.state/v2", "pipeline": "other", "target": "web", "id": "x"}`,
		`{"schema": "sluice.state/v2", "pipeline": ["shop"]}`,
		`[]`,
		`{}`,
	}
	loads := func(ctx context.Context, l *ledger.Ledger) error {
		_, err := l.Load(ctx, "web")
		return err
	}
	for _, c := range []struct {
		kind, name string
		read       func(context.Context, *ledger.Ledger) error
	}{
		{store.KindTarget, "web", loads},
		{store.KindPromotion, "p-1", loads},
		{store.KindRun, "run-a", loads},
		{store.KindIndex, "targets", loads},
		{store.KindHistory, "web", func(ctx context.Context, l *ledger.Ledger) error {
			_, err := l.Histories(ctx, "web")
			return err
		}},
		{store.KindTarget, "web", func(ctx context.Context, l *ledger.Ledger) error {
			_, err := l.Fresh(ctx, ledger.Target("web"))
			return err
		}},
	} {
		for _, damage := range damages {
			synctest.Test(t, func(t *testing.T) {
				w := lived(t)
				replaced(t, w, store.Key{Pipeline: "shop", Kind: c.kind, Target: c.name}, damage)
				b := w.start("run-b")
				before := b.store.commits()
				err := c.read(t.Context(), b.Ledger)
				var u *ledger.UnreadableError
				if !errors.As(err, &u) || u.Key.Kind != c.kind || u.Key.Target != c.name || strings.Contains(err.Error(), "names it") {
					t.Errorf("%s %s is %s: %v", c.kind, c.name, damage, err)
				}
				if b.store.commits() != before {
					t.Error("something was saved")
				}
				b.closes()
			})
		}
	}
}

// lived is a world in which a run holds a target with a rollout and a history.
func lived(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	a := w.start("run-a")
	r := a.hold("web")["web"]
	if err := rollout.Apply(r, rollout.Create{Spec: rollout.Spec{Promotion: "p-1"}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	p := rollout.Promotion{Schema: rollout.Schema, Pipeline: "shop", ID: "p-1", Members: []string{"web"}}
	over := rollout.Moved{Events: []rollout.Event{{ID: 1, Type: "rollout.created", Time: time.Now()}}}
	if saved := <-a.Save(ledger.Row{Record: r, Moved: over}, ledger.Row{Promotion: &p}); saved.Err != nil {
		t.Fatal(saved.Err)
	}
	a.dies()
	return w
}

// replaced has an entry hold something else, behind everybody's back.
func replaced(t *testing.T, w *world, k store.Key, data string) {
	t.Helper()
	m := w.memory.Another()
	e, err := m.Load(t.Context(), k)
	if err != nil || e[0].Version == "" {
		t.Fatalf("%s is not there: %v", k, err)
	}
	e[0].Generation++
	e[0].Data = []byte(data)
	if _, err := m.Commit(t.Context(), e...); err != nil {
		t.Fatal(err)
	}
}
