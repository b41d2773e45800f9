package platform_test

import (
	"sluice/internal/executor"
	"sluice/internal/planner"
	"sluice/internal/platform"
)

// What the rooms above ask of platforms is what there is.
var (
	_ planner.Platform  = (*platform.Platform)(nil)
	_ executor.Platform = (*platform.Platform)(nil)
)
