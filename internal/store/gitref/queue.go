package gitref

import (
	"context"
	"time"

	"sluice/internal/store"
	"sluice/internal/work"
)

// Queue is how the commits of a process follow each other: one at a time, and no
// more of them than GitHub takes. Its stores of one repository share it. Make one
// with [NewQueue].
type Queue struct {
	turn chan struct{}
	pace *store.Pace
}

// NewQueue is the queue of a process by its clock; the zero Clock is the machine's. GitHub counts four requests of a commit as
// creating content (a tree, a commit, two refs), of which it takes 80 a minute and
// 500 an hour (docs.github.com/rest, rate limits): 10 commits at once and one every
// 7 seconds are less than 20 in any minute, 60 at once and one a minute 120 in any
// hour.
func NewQueue(clock work.Clock) *Queue {
	return NewQueueOf(store.NewPace(clock, store.Bucket{AtOnce: 10, Every: 7 * time.Second}, store.Bucket{AtOnce: 60, Every: time.Minute}))
}

// NewQueueOf is a queue with another pace.
func NewQueueOf(pace *store.Pace) *Queue { return &Queue{turn: make(chan struct{}, 1), pace: pace} }

// enter waits until no other commit of the process is under way. leave ends the
// caller's turn.
func (q *Queue) enter(ctx context.Context) (leave func(), err error) {
	select {
	case q.turn <- struct{}{}:
		return func() { <-q.turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// spend waits until one more commit may be made. Errors: [*store.BusyError], the end
// of ctx.
func (q *Queue) spend(ctx context.Context) error { return q.pace.Wait(ctx) }
