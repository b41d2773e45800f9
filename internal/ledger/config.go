package ledger

import (
	"context"

	"sluice/internal/store"
	"sluice/internal/work"
	"sluice/rollout"
)

// Config is what a ledger works with.
type Config struct {
	Store    store.Store
	Pipeline string
	Digest   string      // of the pipeline file; every record that is saved names it
	History  int         // how many finished rollouts a target's history keeps (state.history); 0 keeps all
	Run      rollout.Run // who this run is; ID, and what tells others who holds a target
	// Over says what became of another run. It is asked once a run, side by side. An
	// error counts as Alive and is told to whoever is refused. Nil: nobody can tell.
	Over func(context.Context, rollout.Run) (Fate, error)
	// Redact takes credentials out of text. Whatever is saved passes it; what an
	// older save let in is cleaned by the next. Nil leaves text as it is.
	Redact func(string) string
	// Anew has records of a format that was never released count as never written,
	// and be written over: what runs is imported in their place.
	Anew bool
	Work *work.Work
}
