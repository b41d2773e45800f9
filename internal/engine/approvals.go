package engine

import (
	"context"

	"sluice/internal/view"
)

// platformsApprovals notes of what is planned where the platform will ask for an
// approval of its own, and where that cannot be read. Nothing else asks: promoting
// needs neither the request nor the permission. What could not be read is told with its
// target.
func (e *Engine) platformsApprovals(ctx context.Context, told *view.Plan) {
	e.Work.SideBySide(e.Work.Places, len(told.Targets), func(i int) {
		one := &told.Targets[i]
		t, err := e.Pipeline.Target(one.Target)
		if err != nil || !one.Sends() || !e.Platform.Facts(one.Platform).Approves {
			return
		}
		one.Approves(e.Platform.Approval(ctx, t.Driver()))
	})
}
