// Package worktest has clocks for tests of whole commands, whose requests over real
// connections keep them out of a testing/synctest bubble.
package worktest

import (
	"context"
	"sync/atomic"
	"time"

	"sluice/internal/work"
)

// Fast is time that passes Speed times as fast as the machine's since Epoch, in every
// process alike. It is safe for concurrent use.
type Fast struct {
	Epoch time.Time     // the machine's time at which it began
	Start time.Time     // what it was then; the zero Time is Epoch
	Speed time.Duration // how many nanoseconds pass in one of the machine's

	skipped atomic.Int64 // nanoseconds that passed at once
}

// Now is the time. It has a monotonic reading.
func (f *Fast) Now() time.Time {
	now := time.Now()
	passed := (f.Speed-1)*now.Round(0).Sub(f.Epoch.Round(0)) + time.Duration(f.skipped.Load())
	if !f.Start.IsZero() {
		passed += f.Start.Round(0).Sub(f.Epoch.Round(0))
	}
	return now.Add(passed)
}

// Skip lets d pass at once. What waits already goes on waiting.
func (f *Fast) Skip(d time.Duration) { f.skipped.Add(int64(d)) }

// Clock is the clock of an invocation in that time.
func (f *Fast) Clock() work.Clock {
	machine := work.System()
	return work.Clock{
		Speed: int(f.Speed),
		Now:   f.Now,
		Sleep: func(ctx context.Context, d time.Duration) error { return machine.Sleep(ctx, d/f.Speed) },
		After: func(d time.Duration) (<-chan time.Time, func()) { return machine.After(d / f.Speed) },
	}
}
