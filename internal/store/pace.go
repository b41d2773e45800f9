package store

import (
	"context"
	"errors"
	"sync"
	"time"

	"sluice/internal/work"
)

// Bucket allows so many at once, and one more each time that passes.
type Bucket struct {
	AtOnce int
	Every  time.Duration
}

// Pace spreads saves so that a service takes them: each takes one out of all
// buckets. What waits meanwhile is saved together. Make one with [NewPace].
type Pace struct {
	buckets []Bucket
	clock   work.Clock

	mu   sync.Mutex
	left []float64
	at   time.Time // when left was so
}

// NewPace is a pace whose buckets are full. The zero Clock is the machine's.
func NewPace(clock work.Clock, buckets ...Bucket) *Pace {
	p := &Pace{buckets: buckets, clock: clock.Filled(), left: make([]float64, len(buckets))}
	for i, b := range buckets {
		p.left[i] = float64(b.AtOnce)
	}
	return p
}

var errPace = errors.New("this run has saved as often as the service takes for now")

// Wait waits until one more may be saved. Where ctx does not last that long it is a
// [*BusyError], at once, and nothing was taken.
func (p *Pace) Wait(ctx context.Context) error {
	wait := p.take()
	if wait <= 0 {
		return nil
	}
	if !p.clock.Outlasts(ctx, wait) {
		p.giveBack()
		return &BusyError{Op: "write", Until: p.clock.Now().Add(wait), Err: errPace}
	}
	err := p.clock.Sleep(ctx, wait)
	if err != nil {
		p.giveBack()
	}
	return err
}

// take takes one, and returns how long to wait before it may be used.
func (p *Pace) take() (wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	for i, b := range p.buckets {
		if !p.at.IsZero() {
			p.left[i] = min(float64(b.AtOnce), p.left[i]+now.Sub(p.at).Seconds()/b.Every.Seconds())
		}
		p.left[i]--
		wait = max(wait, time.Duration(-p.left[i]*float64(b.Every)))
	}
	p.at = now
	return wait
}

func (p *Pace) giveBack() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.left {
		p.left[i]++
	}
}
