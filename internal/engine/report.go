package engine

import (
	"context"
	"sort"

	"sluice/internal/view"
	"sluice/pipeline"
)

// Report is what stands on targets and what is kept of their past. A platform that
// cannot be asked is told of in its targets. Errors are those of the ledger.
func (e *Engine) Report(ctx context.Context, targets []*pipeline.Target, orphans bool) (view.Reported, error) {
	s, err := e.Status(ctx, targets, orphans)
	if err != nil {
		return view.Reported{}, err
	}
	kept, err := e.records.past(ctx, targets)
	if err != nil {
		return view.Reported{}, err
	}
	rollouts := []view.ReportedRollout{}
	for _, p := range kept {
		for i := range p.rollouts {
			rollouts = append(rollouts, view.ReportedOf(&p.rollouts[i]))
		}
	}
	sort.SliceStable(rollouts, func(i, j int) bool { return rollouts[i].Created.Before(rollouts[j].Created) })
	return e.runner.view().Report(s.Overview, rollouts), nil
}
