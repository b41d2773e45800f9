package ledger_test

import (
	"slices"
	"strings"
	"testing"

	"sluice/internal/ledger"
	"sluice/internal/store"
	"sluice/rollout"
)

// TestMadeTogether: the jobs of a matrix make their promotion's entry at the same
// time, and none of them loses what it knows of it.
func TestMadeTogether(t *testing.T) {
	w := newWorld(t)
	members := []string{"a", "b", "c"}
	for _, name := range members {
		r := w.start("shard-" + name)
		record := r.load(name)[name]
		if _, err := r.Take(t.Context(), record); err != nil {
			t.Fatal(err)
		}
		state, err := r.Load(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		// It was not there when this job looked, and is when it saves.
		if name == "a" {
			if err := r.LoadPromotions(t.Context(), state, "p"); err != nil || len(state.Promotions) != 0 {
				t.Fatalf("%v: there are promotions already", err)
			}
		}
		p := rollout.Promotion{Schema: rollout.Schema, Pipeline: "shop", ID: "p", Command: "promote", Stage: "prod", Actor: name, Members: members, Unchanged: []string{name}}
		saved := <-r.Save(ledger.Row{Record: record}, ledger.Row{Promotion: &p})
		if saved.Err != nil {
			t.Fatalf("shard %s: %v", name, saved.Err)
		}
	}
	e := w.entry(store.KindPromotion, "p")
	p, err := rollout.Decode[rollout.Promotion](e.Data)
	if err != nil || p.Actor != "a" || !slices.Equal(slices.Sorted(slices.Values(p.Unchanged)), members) {
		t.Errorf("%v: the entry is %s", err, e.Data)
	}
}

// TestNoIndexWithoutSwap: where two runs would overwrite each other's index there is
// none, and the store's own list says what was saved.
func TestNoIndexWithoutSwap(t *testing.T) {
	w := newWorld(t)
	w.blind = true
	w.start("one").hold("web")
	w.start("two").hold("api")
	if e := w.entry(store.KindIndex, "targets"); e.Version != "" {
		t.Errorf("there is an index: %s", e.Data)
	}
	s, err := w.start("three").Load(t.Context(), "web")
	if err != nil || strings.Join(s.Index.Targets, " ") != "api web" {
		t.Errorf("%v: what was saved is %q", err, s.Index.Targets)
	}
}
