package platform

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"

	"sluice/stages/driver"
)

const (
	// readAttempts is how often a read is tried before its target is left for a
	// later invocation.
	readAttempts = 4
	firstPause   = 250 * time.Millisecond
	longestPause = 10 * time.Second
	// patience is how long a pause may be however little is left of the budget.
	patience = 10 * time.Second
	// readGrace is how long reads may still be under way when the wait budget is
	// used up.
	readGrace = 20 * time.Second
)

// reading makes a read, again while the platform may still answer it and the
// invocation has time. Nothing of what it returns is remembered.
func reading[T any](ctx context.Context, p *Platform, read func(context.Context) (T, error)) (T, error) {
	ctx, done := p.within(ctx)
	defer done()
	for tries := p.tries(); ; {
		v, err := read(ctx)
		if err == nil {
			return v, nil
		}
		if !tries.again(ctx, err) {
			var none T
			return none, p.tell(err)
		}
	}
}

// within is ctx that ends when reads must.
func (p *Platform) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, p.work.Deadline().Add(readGrace).Sub(p.work.Now()))
}

// tries are the attempts at one read.
type tries struct {
	p    *Platform
	made int
	pace *backoff.ExponentialBackOff
}

func (p *Platform) tries() *tries {
	pace := backoff.NewExponentialBackOff()
	pace.InitialInterval, pace.MaxInterval, pace.Multiplier = firstPause, longestPause, 2
	if p.work.Under != nil {
		pace.RandomizationFactor = 0 // in a time that is made, everything is as the time before
	}
	return &tries{p: p, pace: pace}
}

// again counts an attempt that ended so. Where the next may end better and there
// is time for it, it waits and says yes.
func (t *tries) again(ctx context.Context, errs ...error) bool {
	t.made++
	pause := t.pace.NextBackOff()
	for _, err := range errs {
		pause = max(pause, t.p.RetryAfter(err))
	}
	if t.made >= readAttempts || !t.p.mayPass(errs...) || pause > patience && t.p.work.Beyond(t.p.work.Now(), pause) {
		return false
	}
	return t.p.work.Sleep(ctx, pause) == nil
}

// mayPass reports whether one of the reads may be answered well a little later.
func (p *Platforms) mayPass(errs ...error) bool {
	for _, err := range errs {
		switch p.CodeOf(err) {
		case driver.Retryable, driver.Lost, driver.Unknown:
			return true
		}
	}
	return false
}

// Prepare only reads: what it finds is as new as its answer. See [driver.Driver].
func (p *Platform) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	t, err := p.of(c)
	if err != nil {
		return driver.Prepared{}, p.tell(err)
	}
	return reading(ctx, p, func(ctx context.Context) (driver.Prepared, error) { return t.Prepare(ctx, c) })
}

// Lookup finds out what a Begin without an answer did. See [driver.Driver].
func (p *Platform) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	type found struct {
		verdict driver.Verdict
		op      driver.Operation
	}
	t, err := p.of(c)
	if err != nil {
		return driver.Undecided, driver.Operation{}, p.tell(err)
	}
	f, err := reading(ctx, p, func(ctx context.Context) (found, error) {
		verdict, op, err := t.Lookup(ctx, c)
		return found{verdict, op}, err
	})
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	return f.verdict, f.op, nil
}

// Make makes a release, once for a description. It is repeated after a lost answer,
// when what was made may show. See [driver.Driver].
func (p *Platform) Make(ctx context.Context, at driver.Target, description string) (driver.Release, error) {
	t, err := p.stages.Target(at)
	if err != nil {
		return driver.Release{}, p.tell(err)
	}
	return reading(ctx, p, func(ctx context.Context) (driver.Release, error) {
		made, err := t.Make(ctx, description)
		if p.CodeOf(err) != driver.Lost {
			return made, err
		}
		if ended := p.work.Sleep(ctx, p.Facts(at.Platform).Settle); ended != nil {
			return made, err
		}
		return t.Make(ctx, description)
	})
}

// Approval says whether a platform itself asks for a person's approval on a target.
// See [driver.Approver].
func (p *Platform) Approval(ctx context.Context, at driver.Target) (bool, error) {
	t, err := p.stages.Target(at)
	if err != nil {
		return false, p.tell(err)
	}
	return reading(ctx, p, t.Approval)
}

// Operation reads work of a platform's own by its name. See [driver.Driver].
func (p *Platform) Operation(ctx context.Context, at driver.Target, name string) (op driver.Operation, wait time.Duration, err error) {
	t, err := p.stages.Target(at)
	if err != nil {
		return op, 0, p.tell(err)
	}
	op, err = reading(ctx, p, func(ctx context.Context) (driver.Operation, error) {
		read, hint, err := t.Operation(ctx, name)
		wait = hint
		return read, err
	})
	return op, wait, err
}

// Poll reads how far an operation is, whose Call is set. wait, where not zero, is
// the platform's hint when to ask again. With an error next is op as it was.
func (p *Platform) Poll(ctx context.Context, op driver.Operation) (next driver.Operation, wait time.Duration, err error) {
	type polled struct {
		op   driver.Operation
		wait time.Duration
	}
	t, err := p.of(op.Call)
	if err != nil {
		return op, 0, p.tell(err)
	}
	now, err := reading(ctx, p, func(ctx context.Context) (polled, error) {
		next, wait, err := t.Poll(ctx, op)
		return polled{next, wait}, err
	})
	if err != nil {
		return op, 0, err
	}
	return now.op, now.wait, nil
}
