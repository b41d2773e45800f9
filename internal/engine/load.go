package engine

import (
	"context"

	"sluice/internal/ledger"
)

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
