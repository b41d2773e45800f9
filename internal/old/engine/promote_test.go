package engine_test

import (
	"testing"
	"testing/synctest"

	"sluice/internal/old/rollout"
)

func TestPromote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		out := w.must(rollout.StatusSucceeded, promote("prod"))
		w.had("web deploy")
		w.is("web", rollout.StateSucceeded)
		if got := w.sky().stand("web").Release; got != "r2" || out.Release != "r2" {
			t.Errorf("web runs %s, outcome says %s", got, out.Release)
		}
		if r := w.record("web").Release; r == nil || r.ID != "r2" {
			t.Errorf("the state says that %v runs", r)
		}
		w.must(rollout.StatusUnchanged, promote("prod"))
		w.had("web deploy")
	})
}
