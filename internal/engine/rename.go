package engine

import (
	"context"
	"slices"

	"sluice/internal/ledger"
	"sluice/pipeline"
	"sluice/rollout"
)

// A target of the file that says `formerly` keeps the record that was saved under
// its earlier name. Who only looks reads it as renamed; who changes something
// saves it so first.

// former are the targets of a file among names that had another name, by that.
func former(p *pipeline.Pipeline, names []string) map[string]*pipeline.Target {
	found := map[string]*pipeline.Target{}
	for _, name := range names {
		t, err := p.Target(name)
		if err != nil || t.Formerly.Value == "" {
			continue
		}
		found[t.Formerly.Value] = t
	}
	return found
}

// renaming is what one target's earlier name left.
type renaming struct {
	former string
	old    *rollout.Record
	now    rollout.Record
}

// renamings reads the records that targets of a state left under their earlier
// names. The promotions that they are in are added to the state, renamed.
func (all records) renamings(ctx context.Context, state *ledger.State, names []string) ([]renaming, error) {
	var wanted []string
	former := former(all.pipeline, names)
	for name, t := range former {
		if state.Records[t.Name.Value] == nil && state.Index.Has(name) {
			wanted = append(wanted, name)
		}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	left, err := all.ledger.Load(ctx, wanted...)
	if err != nil {
		return nil, err
	}
	var list []renaming
	for _, name := range wanted {
		old := left.Records[name]
		if old == nil {
			continue
		}
		one := renaming{former: name, old: old, now: old.Clone()}
		one.now.Rename(former[name].Driver(), all.now())
		list = append(list, one)
	}
	for id, p := range left.Promotions {
		if state.Promotions[id] == nil {
			state.Promotions[id] = p
		}
	}
	for _, one := range list {
		for _, p := range state.Promotions {
			p.Rename(one.former, one.now.Target)
		}
	}
	for id, run := range left.Runs {
		state.Runs[id] = run
	}
	return list, nil
}

// asRenamed has a state hold what targets left under their earlier names.
func (all records) asRenamed(ctx context.Context, state *ledger.State, names []string) error {
	list, err := all.renamings(ctx, state, names)
	for i := range list {
		state.Records[list[i].now.Target] = &list[i].now
	}
	return err
}

// takeNames saves what targets left under their earlier names under those that
// they have now. A live run that holds one of them is a [ledger.HeldError].
func (all records) takeNames(ctx context.Context, targets []string) error {
	if len(former(all.pipeline, targets)) == 0 {
		return nil
	}
	state, err := all.ledger.Load(ctx, targets...)
	if err != nil {
		return err
	}
	list, err := all.renamings(ctx, state, targets)
	if err != nil || len(list) == 0 {
		return err
	}
	old, former := make([]*rollout.Record, len(list)), make([]string, len(list))
	for i, one := range list {
		old[i], former[i] = one.old, one.former
	}
	if _, err := all.ledger.Take(ctx, old...); err != nil {
		return err
	}
	histories, err := all.ledger.Histories(ctx, former...)
	if err != nil {
		return err
	}
	saved := <-all.ledger.Save(renamed(state, list, histories)...)
	return saved.Err
}

// renamed is what is saved of targets that were renamed, together.
func renamed(state *ledger.State, list []renaming, histories map[string]*rollout.History) []ledger.Row {
	var rows []ledger.Row
	for i := range list {
		one := &list[i]
		one.now.Lease = ""
		row := ledger.Row{Record: &one.now}
		if h := histories[one.former]; h != nil {
			row.Moved = rollout.Moved{Rollouts: h.Rollouts, Events: h.Events}
		}
		rows = append(rows, row, ledger.Row{Remove: ledger.Target(one.former)})
	}
	for _, p := range state.Promotions {
		if slices.ContainsFunc(list, func(one renaming) bool { return slices.Contains(p.Members, one.now.Target) }) {
			rows = append(rows, ledger.Row{Promotion: p})
		}
	}
	return rows
}
