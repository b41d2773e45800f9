// Package work is one invocation's time: its clock, how long it may take, how
// much may be done side by side, and how long what is under way may still last
// once it was interrupted. Nothing else in the program asks what time it is, or
// waits.
package work

import (
	"context"
	"time"
)

// Clock tells the time and waits. Its functions are safe for concurrent use.
type Clock struct {
	// Now is the time. What is measured with it must not have been stripped of
	// its monotonic reading (by UTC, Round or Truncate).
	Now func() time.Time
	// Sleep waits for d, or until ctx ends: then it returns context.Cause(ctx).
	// A d of 0 or less does not wait, but still says that ctx has ended.
	Sleep func(ctx context.Context, d time.Duration) error
	// After sends the time once d is over. stop ends the wait early; it may be
	// called at any time and more than once.
	After func(d time.Duration) (over <-chan time.Time, stop func())
	// Under counts what is under way: 1 where something begins, -1 where it has ended
	// or waits for others that are counted. Nil where nobody counts. A time that Sleep
	// or After ended counts for whoever waited for it. See [Virtual].
	Under func(delta int)
	// Speed is how many times as fast as the machine's time it passes; 0 stands for 1.
	Speed int
}

// Filled is the clock with the machine's own functions for those that are nil, but
// for Under.
func (c Clock) Filled() Clock {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	if c.After == nil {
		c.After = after
	}
	return c
}

// InMachine is how long d is in the machine's time, by which contexts end and libraries
// wait.
func (c Clock) InMachine(d time.Duration) time.Duration { return d / time.Duration(max(1, c.Speed)) }

// Outlasts reports whether ctx lasts longer than a wait of d.
func (c Clock) Outlasts(ctx context.Context, d time.Duration) bool {
	end, ends := ctx.Deadline()
	return !ends || time.Until(end) > c.InMachine(d)
}

// Begins counts one thing more that is under way; Ends says that it has ended, or
// waits for others that are counted.
func (c Clock) Begins() { c.under(1) }

// Ends is the end of what [Clock.Begins] counted.
func (c Clock) Ends() { c.under(-1) }

func (c Clock) under(delta int) {
	if c.Under != nil {
		c.Under(delta)
	}
}

// System is the machine's own clock. Inside a testing/synctest bubble it is
// the bubble's.
func System() Clock { return Clock{}.Filled() }

func sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

func after(d time.Duration) (<-chan time.Time, func()) {
	timer := time.NewTimer(d)
	return timer.C, func() { timer.Stop() }
}

// Elapsed is how much time passed from one reading of a clock to a later one,
// by whichever of its two clocks says more. The monotonic clock does not see
// that the wall clock was set; the wall clock sees that the machine slept, which
// the monotonic one does not (golang/go#24595). What must be over in time is
// held against the longer of the two.
func Elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}
