package engine

import (
	"context"

	"golang.org/x/sync/errgroup"

	"sluice/internal/view"
)

// platformsApprovals notes of what is planned where the platform will ask for an
// approval of its own, and where that cannot be read. Nothing else asks: promoting
// needs neither the request nor the permission.
func (e *Engine) platformsApprovals(ctx context.Context, told *view.Plan) {
	var group errgroup.Group
	group.SetLimit(e.Work.Places)
	for i := range told.Targets {
		one := &told.Targets[i]
		t, err := e.Pipeline.Target(one.Target)
		if err != nil || !one.Sends() || !e.Platform.Facts(one.Platform).Approves {
			continue
		}
		group.Go(func() error {
			one.Approves(e.Platform.Approval(ctx, t.Driver()))
			return nil
		})
	}
	_ = group.Wait() // what could not be read is told with its target
}
