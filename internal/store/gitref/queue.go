package gitref

import (
	"context"
	"errors"
	"sync"
	"time"

	"sluice/internal/store"
)

// GitHub counts four requests of a commit as creating content (a tree, a commit,
// two refs), of which it takes 80 a minute and 500 an hour
// (docs.github.com/rest, rate limits). So a minute that begins with a burst has less
// than 80/4 commits, and an hour that begins with one has 500/4.
const (
	burst  = 18
	anHour = 107
)

// Queue is how the commits of a process follow each other: one at a time, and no
// more of them than GitHub takes. Its stores of one repository share it. Make one
// with [NewQueue].
type Queue struct {
	turn chan struct{}

	mu   sync.Mutex
	rate float64 // commits a second
	most float64
	left float64
	at   time.Time // when left was so
}

// NewQueue is the queue of a process: bursts of 18 commits, 107 an hour.
func NewQueue() *Queue { return NewQueueOf(burst, anHour) }

// NewQueueOf is a queue with another pace.
func NewQueueOf(burst, anHour int) *Queue {
	return &Queue{turn: make(chan struct{}, 1), rate: float64(anHour) / time.Hour.Seconds(), most: float64(burst), left: float64(burst)}
}

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

var errPace = errors.New("this run has made as many commits as GitHub takes at once")

// spend waits until one more commit may be made. Where ctx does not last that long
// it is a [*store.BusyError], at once.
func (q *Queue) spend(ctx context.Context) error {
	wait := q.take()
	if wait <= 0 {
		return nil
	}
	now := time.Now()
	if end, ok := ctx.Deadline(); ok && end.Sub(now) <= wait {
		q.giveBack()
		return &store.BusyError{Op: "write", Until: now.Add(wait), Err: errPace}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		q.giveBack()
		return context.Cause(ctx)
	}
}

// take takes one commit, and returns how long to wait before it is made.
func (q *Queue) take() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	if !q.at.IsZero() {
		q.left = min(q.most, q.left+now.Sub(q.at).Seconds()*q.rate)
	}
	q.at = now
	q.left--
	if q.left >= 0 {
		return 0
	}
	return time.Duration(-q.left / q.rate * float64(time.Second))
}

func (q *Queue) giveBack() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.left++
}
