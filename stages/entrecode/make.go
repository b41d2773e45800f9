package entrecode

import (
	"context"

	"sluice/stages/driver"
)

// unsupported says that the App Manager cannot do this at all.
type unsupported struct{ text, remedy string }

func (e *unsupported) Error() string { return e.text }

// Make is Unsupported: builds are made of a data source that only people choose.
func (p *platform) Make(context.Context, driver.Target, string) (driver.Release, error) {
	return driver.Release{}, &unsupported{"a build is made in the App Manager", "make one there, then say --release latest"}
}
