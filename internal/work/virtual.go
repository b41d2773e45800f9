package work

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// Virtual is time that passes only while everybody waits: it stands still as long as
// anything is under way ([Clock.Under]), and then goes on to the earliest time that
// somebody waits for. So an hour of waiting takes no time, and is exactly an hour.
// One wait ends at a time: what follows from it happens before the next one ends.
// Make one with [NewVirtual]; it is safe for concurrent use.
type Virtual struct {
	mu      sync.Mutex
	now     time.Time
	under   int
	waiting waits
	made    int // waits ever made: those that end at the same time end in their order
}

// NewVirtual is a time that begins at start. Whoever makes it is under way.
func NewVirtual(start time.Time) *Virtual { return &Virtual{now: start, under: 1} }

// Clock is the clock of an invocation in that time.
func (v *Virtual) Clock() Clock {
	return Clock{Now: v.Now, Sleep: v.sleep, After: v.after, Under: v.begin}
}

// Now is the time.
func (v *Virtual) Now() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// Until lets time pass to t, which may be over already, for whoever is alone in it.
// Waits that end before t end.
func (v *Virtual) Until(t time.Time) {
	over, _ := v.after(t.Sub(v.Now()))
	v.begin(-1)
	<-over
}

// begin counts what is under way.
func (v *Virtual) begin(delta int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.under += delta
	v.pass()
}

// pass ends the earliest wait where nothing is under way. Whoever waited is then.
func (v *Virtual) pass() {
	if v.under > 0 || len(v.waiting) == 0 {
		return
	}
	w := heap.Pop(&v.waiting).(*wait)
	if w.at.After(v.now) {
		v.now = w.at
	}
	v.under++
	w.over <- v.now
}

func (v *Virtual) sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return nil
	}
	over, stop := v.after(d)
	v.begin(-1)
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		stop()
		v.begin(1)
		return context.Cause(ctx)
	}
}

func (v *Virtual) after(d time.Duration) (<-chan time.Time, func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.made++
	w := &wait{at: v.now.Add(max(0, d)), made: v.made, over: make(chan time.Time, 1)}
	heap.Push(&v.waiting, w)
	return w.over, func() { v.stop(w) }
}

// stop ends a wait early. One that ended and that nobody heard of is under way no
// longer.
func (v *Virtual) stop(w *wait) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if w.place >= 0 {
		heap.Remove(&v.waiting, w.place)
		return
	}
	select {
	case <-w.over:
		v.under--
		v.pass()
	default:
	}
}

// wait is one that somebody waits for.
type wait struct {
	at    time.Time
	made  int
	place int // in the heap; -1 where it ended
	over  chan time.Time
}

type waits []*wait

func (h waits) Len() int { return len(h) }

func (h waits) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].made < h[j].made
	}
	return h[i].at.Before(h[j].at)
}

func (h waits) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *waits) Push(x any) {
	w := x.(*wait)
	w.place = len(*h)
	*h = append(*h, w)
}

func (h *waits) Pop() any {
	last := len(*h) - 1
	w := (*h)[last]
	*h, w.place = (*h)[:last], -1
	return w
}
