package engine

import (
	"context"
	"maps"
	"slices"

	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// Status is what is known of a pipeline.
type Status struct {
	view.Overview
	Controllers []rollout.Rollout // of the promotions of several targets, derived from their records
}

// Status tells of targets what stands, what is under way and what is waited for.
// With orphans it adds the targets that the state knows and the file does not.
// A platform that cannot be asked is told of in its targets. Errors are those of
// the ledger.
func (e *Engine) Status(ctx context.Context, targets []*pipeline.Target, orphans bool) (Status, error) {
	state, err := e.records.load(ctx, names(targets)...)
	if err != nil {
		return Status{}, err
	}
	if err := e.config.Ledger.LoadPromotions(ctx, state, ended(state)...); err != nil {
		return Status{}, err
	}
	lost, err := e.records.orphans(ctx, state, orphans)
	if err != nil {
		return Status{}, err
	}
	return e.standing(ctx, state, targets, lost, readings(ctx, e.config.Platform, targets)), ctx.Err()
}

// ended are the promotions of rollouts that are over and that the state lacks: they
// say which of their targets were left out.
func ended(state *ledger.State) []string {
	lacks := map[string]bool{}
	for _, r := range state.Records {
		if x, ok := r.Newest(); ok && x.Over() && x.Spec.Promotion != "" && state.Promotions[x.Spec.Promotion] == nil {
			lacks[x.Spec.Promotion] = true
		}
	}
	return slices.Sorted(maps.Keys(lacks))
}

// standing puts records and readings together.
func (e *Engine) standing(ctx context.Context, state *ledger.State, targets []*pipeline.Target, lost []string, readings map[string]planner.Reading) Status {
	all := append(names(targets), lost...)
	var records []rollout.Record
	for _, name := range all {
		if r := state.Records[name]; r != nil {
			records = append(records, *r)
		}
	}
	over := func(run rollout.Run) bool { return run.ID != e.config.Run.ID && e.config.Ledger.IsOver(ctx, run) }
	return Status{Overview: e.runner.view().Status(state, all, readings, over), Controllers: rollout.Controllers(records)}
}

// orphans reads the records of targets that the file does not have into the state.
func (all records) orphans(ctx context.Context, state *ledger.State, wanted bool) ([]string, error) {
	if !wanted {
		return nil, nil
	}
	lost := slices.DeleteFunc(slices.Clone(state.Index.Targets), func(name string) bool {
		_, err := all.pipeline.Target(name)
		return err == nil || wasCalled(all.pipeline, name)
	})
	if len(lost) == 0 {
		return nil, nil
	}
	keys := make([]ledger.Key, len(lost))
	for i, t := range lost {
		keys[i] = ledger.Target(t)
	}
	found, err := all.ledger.Fresh(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for name, r := range found.Records {
		state.Records[name] = r
	}
	return lost, nil
}

// wasCalled reports whether a target of the file had this name before.
func wasCalled(p *pipeline.Pipeline, name string) bool {
	for t := range p.All() {
		if t.Formerly.Value == name {
			return true
		}
	}
	return false
}

// readings is what the platforms say runs on targets.
func readings(ctx context.Context, platform Platform, targets []*pipeline.Target) map[string]planner.Reading {
	list := make([]driver.Target, len(targets))
	for i, t := range targets {
		list[i] = t.Driver()
	}
	found := make(map[string]planner.Reading, len(list))
	for i, r := range platform.Live(ctx, list) {
		found[list[i].Name] = r
	}
	return found
}
