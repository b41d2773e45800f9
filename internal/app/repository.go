package app

import (
	"context"

	"sluice/internal/actions"
)

// repository is the one on GitHub that this runs for. What is asked about it is waited
// for within the command's time.
type repository struct {
	runner *actions.Runner
	within func(ctx context.Context, saving bool) (context.Context, context.CancelFunc)
}
