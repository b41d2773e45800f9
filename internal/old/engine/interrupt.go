package engine

import (
	"context"
	"sync"
	"time"
)

// An interrupted invocation ends within five seconds. Both times run from the
// moment it was interrupted, whatever was under way.
const (
	// answerTime is how long requests under way may still be answered: an
	// answer is worth more than a lookup later.
	answerTime = 2500 * time.Millisecond
	// saveTime is how long what happened may still be saved.
	saveTime = 4500 * time.Millisecond
)

// interruption is when the invocation was told to stop, by whoever noticed first.
type interruption struct {
	mu sync.Mutex
	at time.Time
}

// left is what remains of a grace that began with the interruption.
func (i *interruption) left(now time.Time, grace time.Duration) time.Duration {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.at.IsZero() {
		i.at = now
	}
	return grace - now.Sub(i.at)
}

// outlive is a context that ends a grace after ctx did, so that what is under
// way then comes to its end. The caller calls the function when it has.
func (e *Engine) outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(e.cut.left(e.Now(), grace)):
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() {
		stop()
		cancel()
	}
}
