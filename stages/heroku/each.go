package heroku

import (
	"context"

	"golang.org/x/sync/errgroup"

	"sluice/internal/guard"
)

// each does f for every item, so many at a time, until one fails.
func each[T any](ctx context.Context, atOnce int, items []T, f func(context.Context, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, item := range items {
		group.Go(func() error { return guard.Do("reading an app", func() error { return f(ctx, item) }) })
	}
	return group.Wait()
}
