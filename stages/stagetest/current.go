package stagetest

import (
	"context"

	"sluice/stages/driver"
)

// Current is the release that runs on one target, for drivers' own tests.
func Current(ctx context.Context, d driver.Driver, t driver.Target) (driver.Release, error) {
	live, errs := d.Live(ctx, []driver.Target{t})
	return live[0].Release, errs[0]
}
