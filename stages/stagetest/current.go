package stagetest

import (
	"context"
	"testing"

	"sluice/stages/driver"
)

// Current is the release that runs on one target, for drivers' own tests.
func Current(ctx context.Context, d driver.Driver, t driver.Target) (driver.Release, error) {
	live, errs := d.Live(ctx, []driver.Target{t})
	return live[0].Release, errs[0]
}

// Currents are the releases that run on targets, each asked by itself.
func Currents(t *testing.T, d driver.Driver, targets ...driver.Target) []driver.Release {
	t.Helper()
	releases := make([]driver.Release, len(targets))
	for i, target := range targets {
		var err error
		if releases[i], err = Current(t.Context(), d, target); err != nil {
			t.Fatal(err)
		}
	}
	return releases
}
