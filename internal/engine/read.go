package engine

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"sluice/stages"
	"sluice/stages/driver"
)

// readAttempts is how often a read is tried before its target is left for a
// later invocation.
const readAttempts = 4

// retryReads repeats a read while the platform may still answer. Effects never
// go through here.
func retryReads[T any](ctx context.Context, read func() (T, error)) (T, error) {
	return backoff.Retry(ctx, func() (T, error) {
		v, err := read()
		if err == nil {
			return v, nil
		}
		switch stages.CodeOf(err) {
		case driver.Retryable, driver.Lost, driver.Unknown:
			if after := retryAfter(err); after > 0 {
				return v, errors.Join(err, backoff.RetryAfter(int(after.Round(time.Second)/time.Second)))
			}
			return v, err
		default:
			return v, backoff.Permanent(err)
		}
	}, backoff.WithMaxTries(readAttempts), backoff.WithBackOff(quick()))
}

// quick is the pace of repeated requests that had no effect.
func quick() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = 250*time.Millisecond, 10*time.Second, 2
	return b
}

func retryAfter(err error) time.Duration {
	var e *stages.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
