package heroku

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// An account has 4,500 request tokens, refilled at about 75 a minute.
const (
	fullBudget = 4500
	reserve    = 100 // left to effects and to what must be known
	refill     = time.Minute / 75
)

// budget is the account's request tokens and Heroku's clock, as the last
// answer told them.
type budget struct {
	left atomic.Int64
	date atomic.Int64 // seconds since 1970; 0 before the first answer
}

// seen takes RateLimit-Remaining and Date from an answer.
func (b *budget) seen(h http.Header) {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		b.date.Store(t.Unix())
	}
	if n, err := strconv.ParseInt(h.Get("RateLimit-Remaining"), 10, 64); err == nil && n >= 0 {
		b.left.Store(n)
	}
}

// time is Heroku's clock at its last answer, zero where it never told.
func (b *budget) time() time.Time {
	if seconds := b.date.Load(); seconds > 0 {
		return time.Unix(seconds, 0).UTC()
	}
	return time.Time{}
}

// low reports whether the tokens are nearly used up.
func (b *budget) low() bool { return b.left.Load() < reserve }

// affords reports whether n requests more leave the reserve untouched.
func (b *budget) affords(n int) bool { return b.left.Load()-int64(n) >= reserve }

// wait holds a read back for as long as a token takes to come, while they are low.
func (b *budget) wait(ctx context.Context) error {
	if !b.low() {
		return ctx.Err()
	}
	timer := time.NewTimer(refill)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
