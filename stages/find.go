package stages

import (
	"context"
	"fmt"

	"sluice/internal/guard"
	"sluice/stages/driver"
)

// Find is what exists on a platform under a name, as [driver.Finder] has it. The
// errors are [*Error]: Unsupported where the platform finds nothing.
func (s *Stages) Find(ctx context.Context, platform, what string) (driver.Existing, error) {
	nowhere, op := driver.Target{Platform: platform}, "find "+what
	o := s.find(platform)
	if o == nil {
		return driver.Existing{}, unknownPlatform(nowhere)
	}
	d, err := o.open(ctx, s.env)
	if err != nil {
		return driver.Existing{}, wrapOf(nowhere, op, err, explainOpen(err))
	}
	finder, ok := d.(driver.Finder)
	if !ok {
		return driver.Existing{}, wrapOf(nowhere, op, fmt.Errorf("what exists on %s cannot be listed", platform), driver.Explanation{Code: driver.Unsupported})
	}
	var found driver.Existing
	err = guard.Do(op, func() (err error) {
		found, err = finder.Find(ctx, what)
		return err
	})
	if err != nil {
		x, err := explain(d, err)
		return driver.Existing{}, wrapOf(nowhere, op, err, x)
	}
	return found, nil
}
