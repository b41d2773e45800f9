package engine

import (
	"context"
	"time"

	"sluice/internal/ledger"
	"sluice/pipeline"
	"sluice/rollout"
)

// records are those of a pipeline's targets, as the ledger has them and the file says
// now: those of a target that was renamed under its new name, and for one that is new
// the blocks that hold there.
type records struct {
	pipeline *pipeline.Pipeline
	ledger   *ledger.Ledger
	now      func() time.Time
}

// fresh makes the record of a target that was never saved; zero where the file has no
// such target.
func (all records) fresh(target string) rollout.Record {
	t, err := all.pipeline.Target(target)
	if err != nil {
		return rollout.Record{}
	}
	return all.newOf(t)
}

// newOf is the record of a target about which nothing was ever saved.
func (all records) newOf(t *pipeline.Target) rollout.Record {
	return rollout.New(all.pipeline.Name.Value, t.Driver())
}

// of is a target's record in a state, fresh where it was never saved.
func (all records) of(state *ledger.State, t *pipeline.Target) *rollout.Record {
	if r := state.Records[t.Name.Value]; r != nil {
		return r
	}
	fresh := all.newOf(t)
	return &fresh
}

// load reads the records of targets, with the other members of the promotions
// that they are in, and with the blocks that hold for those that are new.
func (all records) load(ctx context.Context, targets ...string) (*ledger.State, error) {
	state, err := all.read(ctx, targets...)
	if err != nil {
		return nil, err
	}
	return state, all.inherit(ctx, state, targets)
}

// loadFrom is load for targets that take releases from others: also reads these. Of
// them no blocks are asked: a block stops what goes to a target, not what comes from it.
func (all records) loadFrom(ctx context.Context, reads []string, targets ...string) (*ledger.State, error) {
	state, err := all.read(ctx, reads...)
	if err != nil {
		return nil, err
	}
	return state, all.inherit(ctx, state, targets)
}

// read is load without the blocks of new targets.
func (all records) read(ctx context.Context, targets ...string) (*ledger.State, error) {
	state, err := all.ledger.Load(ctx, targets...)
	if err != nil {
		return nil, err
	}
	if err := all.asRenamed(ctx, state, targets); err != nil {
		return nil, err
	}
	return state, all.ledger.LoadMembers(ctx, state)
}

// loadToChange is load for a command that changes something.
func (all records) loadToChange(ctx context.Context, targets ...string) (*ledger.State, error) {
	if err := all.takeNames(ctx, targets); err != nil {
		return nil, err
	}
	return all.load(ctx, targets...)
}
