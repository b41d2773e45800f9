package stages

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice/internal/guard"
	"sluice/internal/transport"
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
	live, errs := t.opener.live(ctx, t.env, []driver.Target{t.target})
	return live[0].Release, errs[0]
}

// Resolve finds a release by id and fills in what the platform knows of it.
func (t *Target) Resolve(ctx context.Context, id string) (driver.Release, error) {
	return do(ctx, t, "find release "+id, func(d driver.Driver) (driver.Release, error) {
		return d.Resolve(ctx, t.target, id)
	})
}

// Make makes a release of what stands on the platform now, once for a description.
func (t *Target) Make(ctx context.Context, description string) (driver.Release, error) {
	return do(ctx, t, "make a release", func(d driver.Driver) (driver.Release, error) {
		return d.Make(ctx, t.target, description)
	})
}

// Approval says whether the platform itself asks for a person's approval on the
// target; never where its facts do not say Approves, and then nothing is asked.
func (t *Target) Approval(ctx context.Context) (bool, error) {
	if !t.opener.platform.Facts.Approves {
		return false, nil
	}
	return do(ctx, t, "read the target's approval", func(d driver.Driver) (bool, error) {
		approver, ok := d.(driver.Approver)
		if !ok {
			return false, errors.New("its facts say that it approves, and it is no Approver: this is a mistake in sluice, please report it")
		}
		return approver.Approval(ctx, t.target)
	})
}

// Prepare checks and freezes a call; it changes nothing. A kind that the
// platform does not support is refused as Unsupported without asking it.
func (t *Target) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	op := "prepare " + string(c.Kind)
	if err := t.accept(op, c); err != nil {
		return driver.Prepared{}, err
	}
	p, err := do(ctx, t, op, func(d driver.Driver) (driver.Prepared, error) { return d.Prepare(ctx, c) })
	p.Call.Changes = withoutStands(p.Call.Changes)
	return p, err
}

// withoutStands are changes without what served their Prepare alone.
func withoutStands(changes []driver.Change) []driver.Change {
	if !slices.ContainsFunc(changes, func(c driver.Change) bool { return c.Stands != nil }) {
		return changes
	}
	changes = slices.Clone(changes)
	for i := range changes {
		changes[i].Stands = nil
	}
	return changes
}

// WithStop returns ctx under which no effect begins any more once stop is
// closed, whatever Begin has to read first. Its reads, and what was sent
// already, go on until ctx itself ends: a caller that grants these some time
// passes Begin a longer context, with the end of the shorter one as the stop:
//
//	place.Begin(stages.WithStop(longer, ctx.Done()), call)
func WithStop(ctx context.Context, stop <-chan struct{}) context.Context {
	return transport.WithStop(ctx, stop)
}

// Begin sends the effect at most once. Once ctx has ended, or its stop was
// closed, nothing is sent: that is an error with the code Retryable, of which
// [NotSent] is true.
func (t *Target) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	op := string(c.Kind)
	if err := t.accept(op, c); err != nil {
		return driver.Operation{}, err
	}
	if transport.Stopped(ctx) {
		return driver.Operation{}, t.wrap(op, notSent(ctx.Err()), driver.Explanation{Code: driver.Retryable})
	}
	ctx, requests := transport.Watch(ctx)
	began, err := do(ctx, t, op, func(d driver.Driver) (driver.Operation, error) { return d.Begin(ctx, c) })
	return began, judge(err, requests)
}

// judge corrects what an error of Begin is taken for by what the transport and
// the guard know better than the driver.
func judge(err error, requests *transport.Call) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	stopped, sent := requests.Refused() > 0, requests.Sent() > 0
	switch {
	case stopped && !sent:
		e.Explanation, e.Err = driver.Explanation{Code: driver.Retryable}, notSent(e.Err)
	case stopped, guard.IsMistake(e.Err):
		e.Code = driver.Lost // it may have taken effect
	}
	return err
}

// notSent is a [*transport.StoppedError] that wraps a cause which is none yet.
func notSent(cause error) error {
	switch {
	case cause == nil:
		return &transport.StoppedError{}
	case transport.IsStopped(cause):
		return cause
	default:
		return fmt.Errorf("%w (%w)", &transport.StoppedError{}, cause)
	}
}

// NotSent reports whether err is Begin's word that an effect was not sent and
// will not be, because the run was told to stop.
func NotSent(err error) bool {
	return CodeOf(err) == driver.Retryable && transport.IsStopped(err)
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

// Operation reads work of the platform's own by its name, whoever began it.
func (t *Target) Operation(ctx context.Context, name string) (op driver.Operation, wait time.Duration, err error) {
	op, err = do(ctx, t, "follow operation "+name, func(d driver.Driver) (driver.Operation, error) {
		read, hint, err := d.Operation(ctx, t.target, name)
		wait = hint
		return read, err
	})
	return op, wait, err
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
	var zero, v T
	d, err := t.opener.open(ctx, t.env)
	if err != nil {
		return zero, t.wrap(op, err, explainOpen(err))
	}
	err = guard.Do(op, func() (err error) {
		v, err = f(d)
		return err
	})
	if err != nil {
		x, err := explain(d, err)
		return zero, t.wrap(op, err, x)
	}
	return v, nil
}

// explain is the driver's word on an error. Of a panic it has none, and where
// it panics over the error both are told.
func explain(d driver.Driver, err error) (driver.Explanation, error) {
	if guard.IsMistake(err) {
		return driver.Explanation{}, err
	}
	var x driver.Explanation
	mistake := guard.Do("explaining an error", func() error {
		x = d.Explain(err)
		return nil
	})
	if mistake != nil {
		return driver.Explanation{}, fmt.Errorf("%w; the error was: %w", mistake, err)
	}
	return x, err
}
