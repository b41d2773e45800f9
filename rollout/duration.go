package rollout

import "sluice/analysis"

// Duration is a time.Duration that is written as Go writes it: "30m0s".
type Duration = analysis.Duration
