package platform

import (
	"context"

	"sluice/stages/driver"
)

// Find is what exists on a platform under a name, read again where that may help. It
// is asked for once an invocation, so nothing is remembered.
func (p *Platform) Find(ctx context.Context, platform, what string) (driver.Existing, error) {
	return reading(ctx, p, func(ctx context.Context) (driver.Existing, error) { return p.stages.Find(ctx, platform, what) })
}
