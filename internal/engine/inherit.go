package engine

import (
	"context"
	"slices"

	"sluice/internal/ledger"
	"sluice/pipeline"
	"sluice/rollout"
)

// A block of a stage, or of the pipeline, stands in the record of each target that it
// was placed on. A target that came to the file later has it from the others.

// inherit has a state hold the records of those targets among names that were never
// saved and that blocks of their stage or of the pipeline hold for.
func (all records) inherit(ctx context.Context, state *ledger.State, names []string) error {
	added := added(all.pipeline, state, names)
	if len(added) == 0 {
		return nil
	}
	others, err := all.others(ctx, state, added)
	if err != nil {
		return err
	}
	for _, t := range added {
		r := all.newOf(t)
		for _, other := range others {
			r.Blocks = inherited(r, other)
		}
		if len(r.Blocks) > 0 {
			state.Records[r.Target] = &r
		}
	}
	return nil
}

// added are the targets of the file among names that were never saved, where others
// were.
func added(p *pipeline.Pipeline, state *ledger.State, names []string) []*pipeline.Target {
	if len(state.Index.Targets) == 0 {
		return nil
	}
	var added []*pipeline.Target
	for _, name := range names {
		if t, err := p.Target(name); err == nil && state.Records[name] == nil {
			added = append(added, t)
		}
	}
	return added
}

// others are the records, as far as they were ever saved, of the targets beside those
// that were added to their stages; of all targets where a stage has no other.
func (all records) others(ctx context.Context, state *ledger.State, added []*pipeline.Target) ([]*rollout.Record, error) {
	var wanted []string
	for _, t := range added {
		siblings := saved(state, t.Stage.Targets)
		if len(siblings) == 0 {
			siblings = saved(state, slices.Collect(all.pipeline.All()))
		}
		wanted = append(wanted, siblings...)
	}
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	missing := slices.DeleteFunc(slices.Clone(wanted), func(name string) bool { return state.Records[name] != nil })
	found := &ledger.State{}
	if len(missing) > 0 {
		keys := make([]ledger.Key, len(missing))
		for i, name := range missing {
			keys[i] = ledger.Target(name)
		}
		var err error
		if found, err = all.ledger.Fresh(ctx, keys...); err != nil {
			return nil, err
		}
	}
	var records []*rollout.Record
	for _, name := range wanted {
		r := state.Records[name]
		if r == nil {
			r = found.Records[name]
		}
		if r != nil {
			records = append(records, r)
		}
	}
	return records, nil
}

// saved are the names of those targets that the state knows.
func saved(state *ledger.State, targets []*pipeline.Target) []string {
	var list []string
	for _, t := range targets {
		if state.Index.Has(t.Name.Value) {
			list = append(list, t.Name.Value)
		}
	}
	return list
}

// inherited are the blocks of a record with those that it has from another one.
func inherited(r rollout.Record, from *rollout.Record) []rollout.Block {
	blocks := r.Blocks
	for _, b := range from.Blocks {
		holds := b.Scope == rollout.ScopePipeline || b.Scope == rollout.ScopeStage && from.Stage == r.Stage
		if holds && !slices.ContainsFunc(blocks, func(have rollout.Block) bool { return have.ID == b.ID }) {
			blocks = append(blocks, b)
		}
	}
	return blocks
}
