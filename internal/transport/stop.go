package transport

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
)

// stopKey and callKey are where a context keeps the stop and the [Call].
type (
	stopKey struct{}
	callKey struct{}
)

// WithStop returns ctx under which no effect begins any more once stop is
// closed: every request but a read is refused as [*StoppedError], immediately
// before it would be sent. Reads, and what was sent already, go on until ctx
// itself ends.
func WithStop(ctx context.Context, stop <-chan struct{}) context.Context {
	return context.WithValue(ctx, stopKey{}, stop)
}

// Stopped reports whether ctx's stop was closed, or ctx has ended.
func Stopped(ctx context.Context) bool {
	stop, _ := ctx.Value(stopKey{}).(<-chan struct{})
	select {
	case <-stop: // nil never is
		return true
	default:
		return ctx.Err() != nil
	}
}

// Call counts what is sent under one context, so that its owner knows what may
// have happened. It is safe for concurrent use.
type Call struct{ sent, refused atomic.Int64 }

// Watch returns ctx whose requests are counted.
func Watch(ctx context.Context) (context.Context, *Call) {
	c := &Call{}
	return context.WithValue(ctx, callKey{}, c), c
}

// Sent is how many requests that are no reads were given to the network.
func (c *Call) Sent() int { return int(c.sent.Load()) }

// Refused is how many were not, because of the stop.
func (c *Call) Refused() int { return int(c.refused.Load()) }

// StoppedError is an effect that was not sent, and will not be.
type StoppedError struct{}

// Error says so.
func (*StoppedError) Error() string { return "not sent: the run was told to stop" }

// IsStopped reports whether err is, or wraps, a [*StoppedError].
func IsStopped(err error) bool {
	_, ok := errors.AsType[*StoppedError](err)
	return ok
}

// admit counts a request, or refuses it.
func admit(r *http.Request) error {
	if IsRead(r) {
		return nil
	}
	c, _ := r.Context().Value(callKey{}).(*Call)
	if Stopped(r.Context()) {
		if c != nil {
			c.refused.Add(1)
		}
		return &StoppedError{}
	}
	if c != nil {
		c.sent.Add(1)
	}
	return nil
}
