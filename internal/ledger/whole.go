package ledger

import (
	"context"
	"errors"
	"maps"
	"slices"

	"sluice/internal/store"
	"sluice/rollout"
)

// Whole is all that is stored of a pipeline.
type Whole struct {
	// Entries are as they are stored, in the order in which a copy is written: what
	// names others comes first, so that a copy that was broken off is unreadable
	// and not new.
	Entries []store.Entry
	Targets int           // so many of them are targets' records
	Runs    []rollout.Run // those that hold targets
}

// ReadWhole reads all that is stored of a pipeline, and holds it against itself.
// Errors: [*UnreadableError], also where something is named and missing; the end
// of ctx.
func ReadWhole(ctx context.Context, from store.Store, pipeline string) (Whole, error) {
	reads := access{config: Config{Store: from, Pipeline: pipeline}, ctx: ctx}
	var keys []store.Key
	for _, kind := range []string{store.KindIndex, store.KindPromotion, store.KindRun, store.KindHistory, store.KindTarget} {
		listed, err := from.List(ctx, pipeline, kind)
		if err != nil {
			return Whole{}, err
		}
		keys = append(keys, listed...)
	}
	entries, err := reads.read(ctx, keys)
	if err != nil {
		return Whole{}, err
	}
	whole, state := Whole{}, newState(pipeline)
	for _, e := range entries {
		if e.Version == "" {
			continue // removed meanwhile, or in a way that a list does not show
		}
		if err := decodes(state, e); err != nil {
			return Whole{}, err
		}
		whole.Entries = append(whole.Entries, e)
	}
	whole.Targets = len(state.Records)
	for _, id := range slices.Sorted(maps.Keys(state.Runs)) {
		whole.Runs = append(whole.Runs, *state.Runs[id])
	}
	return whole, complete(pipeline, state)
}

// decodes puts an entry into a state; a history is only held against itself.
func decodes(s *State, e store.Entry) error {
	if e.Key.Kind != store.KindHistory {
		return s.put(e)
	}
	_, err := decodeHistory(e.Key, e.Data)
	return err
}

// complete refuses a state in which something is named and missing.
func complete(pipeline string, s *State) error {
	for _, name := range s.Index.Targets {
		if s.Records[name] == nil {
			return missing(Target(name).in(pipeline), "the pipeline's index")
		}
	}
	for name, r := range s.Records {
		for i := range r.Rollouts {
			id := r.Rollouts[i].Spec.Promotion
			if id != "" && !r.Rollouts[i].Over() && s.Promotions[id] == nil {
				return missing(Promotion(id).in(pipeline), "the record of "+name)
			}
		}
	}
	return nil
}

// Redacted are entries as they may be written: without credentials that an older
// version let into them.
func (w Whole) Redacted(clean func(string) string) ([]store.Entry, error) {
	list := slices.Clone(w.Entries)
	for i, e := range list {
		data, err := rollout.Redact(e.Data, clean)
		if err != nil {
			return nil, &store.UnreadableError{Key: e.Key, Op: "read", Err: err, Remedy: "nothing was copied"}
		}
		list[i].Data = data
	}
	return list, nil
}

// Held is a [*HeldError] where a run that is not over holds any of the targets.
// over as in [Config.Over].
func (w Whole) Held(ctx context.Context, at func(rollout.Run) bool, over func(context.Context, rollout.Run) (Fate, error)) error {
	var errs []error
	for _, run := range w.Runs {
		if run.Ended || !at(run) {
			continue
		}
		fate, why := over(ctx, run)
		if fate != Alive {
			continue
		}
		errs = append(errs, &HeldError{Targets: w.heldBy(run.ID), Run: run, Why: why})
	}
	return errors.Join(errs...)
}

// heldBy are the targets that a run holds.
func (w Whole) heldBy(run string) []string {
	var targets []string
	for _, e := range w.Entries {
		if e.Key.Kind != store.KindTarget {
			continue
		}
		if r, err := rollout.Decode[rollout.Record](e.Data); err == nil && r.Lease == run {
			targets = append(targets, e.Key.Target)
		}
	}
	return targets
}
