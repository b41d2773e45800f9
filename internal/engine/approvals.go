package engine

import (
	"context"

	"sluice/internal/view"
)

// platformsApprovals notes of what is planned where the platform will ask for an
// approval of its own, and where that cannot be read. Nothing else asks: promoting
// needs neither the request nor the permission. What could not be read is told with its
// target.
func platformsApprovals(ctx context.Context, c Config, told *view.Plan) {
	c.Work.SideBySide(c.Work.Places, len(told.Targets), func(i int) {
		one := &told.Targets[i]
		t, err := c.Pipeline.Target(one.Target)
		if err != nil || !one.Sends() || !c.Platform.Facts(one.Platform).Approves {
			return
		}
		one.Approves(c.Platform.Approval(ctx, t.Driver()))
	})
}
