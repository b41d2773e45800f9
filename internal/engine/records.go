package engine

import (
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
	return state.RecordOr(all.newOf(t))
}

// names are the targets' names.
func names(targets []*pipeline.Target) []string {
	list := make([]string, len(targets))
	for i, t := range targets {
		list[i] = t.Name.Value
	}
	return list
}
