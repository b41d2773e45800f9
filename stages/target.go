package stages

import (
	"context"
	"fmt"
	"time"

	"sluice/stages/driver"
)

// Target is one place a release runs. Its methods have the contract of
// [driver.Driver]; every error they return is a [*Error]. A call on several
// targets may be made through the Target of any of its members.
type Target struct {
	target driver.Target
	env    driver.Env
	opener *opener
}

// Current is the release that runs on the target now; its ID is empty where
// nothing runs.
func (t *Target) Current(ctx context.Context) (driver.Release, error) {
	return do(ctx, t, "read what runs", func(d driver.Driver) (driver.Release, error) {
		return d.Current(ctx, t.target)
	})
}

// Resolve finds a release by id and fills in what the platform knows of it.
func (t *Target) Resolve(ctx context.Context, id string) (driver.Release, error) {
	return do(ctx, t, "find release "+id, func(d driver.Driver) (driver.Release, error) {
		return d.Resolve(ctx, t.target, id)
	})
}

// Prepare checks and freezes a call; it changes nothing. A kind that the
// platform does not support is refused as Unsupported without asking it.
func (t *Target) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	op := "prepare " + string(c.Kind)
	if err := t.accept(op, c); err != nil {
		return driver.Prepared{}, err
	}
	return do(ctx, t, op, func(d driver.Driver) (driver.Prepared, error) { return d.Prepare(ctx, c) })
}

// Begin sends the effect at most once. Once ctx has ended nothing is sent.
func (t *Target) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	op := string(c.Kind)
	if err := t.accept(op, c); err != nil {
		return driver.Operation{}, err
	}
	if err := ctx.Err(); err != nil {
		return driver.Operation{}, t.wrap(op, err, driver.Explanation{Code: driver.Retryable})
	}
	return do(ctx, t, op, func(d driver.Driver) (driver.Operation, error) { return d.Begin(ctx, c) })
}

// Lookup finds out what a Begin of c without an answer did.
func (t *Target) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	type found struct {
		verdict driver.Verdict
		op      driver.Operation
	}
	op := "look up " + string(c.Kind)
	if err := t.accept(op, c); err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	f, err := do(ctx, t, op, func(d driver.Driver) (found, error) {
		verdict, operation, err := d.Lookup(ctx, c)
		return found{verdict, operation}, err
	})
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	return f.verdict, f.op, nil
}

// Poll reads how far an operation is. wait, where not zero, is the platform's
// hint when to ask again.
func (t *Target) Poll(ctx context.Context, op driver.Operation) (next driver.Operation, wait time.Duration, err error) {
	next, err = do(ctx, t, "follow "+string(op.Call.Kind), func(d driver.Driver) (driver.Operation, error) {
		polled, hint, err := d.Poll(ctx, op)
		wait = hint
		return polled, err
	})
	return next, wait, err
}

// accept refuses what the driver must never see.
func (t *Target) accept(op string, c driver.Call) error {
	facts := t.opener.platform.Facts
	if !facts.Supports(c.Kind) {
		return t.wrap(op, fmt.Errorf("%s cannot %s", facts.Platform, c.Kind), driver.Explanation{Code: driver.Unsupported})
	}
	if n := len(c.Changes); n == 0 || n > facts.BatchSize() {
		err := fmt.Errorf("a call carries 1 to %d changes, this one %d", facts.BatchSize(), n)
		return t.wrap(op, err, driver.Explanation{Code: driver.Invalid})
	}
	for _, change := range c.Changes {
		if change.Target.Platform != facts.Platform {
			err := fmt.Errorf("target %s is on %s", change.Target.Name, change.Target.Platform)
			return t.wrap(op, err, driver.Explanation{Code: driver.Invalid})
		}
	}
	return nil
}

// do runs f on the opened driver and wraps its error, once.
func do[T any](ctx context.Context, t *Target, op string, f func(driver.Driver) (T, error)) (T, error) {
	var zero T
	d, err := t.opener.open(ctx, t.env)
	if err != nil {
		return zero, t.wrap(op, err, explainOpen(err))
	}
	v, err := f(d)
	if err != nil {
		return zero, t.wrap(op, err, d.Explain(err))
	}
	return v, nil
}
