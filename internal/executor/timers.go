package executor

import (
	"container/heap"
	"time"
)

// waker is what a timer wakes. One that is woken too often loses nothing.
type waker interface{ woken(m *machine) }

// timers are the times at which something is to be looked at.
type timers struct{ heap timerHeap }

type timer struct {
	at   time.Time
	wake waker
}

func (t *timers) add(at time.Time, w waker) { heap.Push(&t.heap, timer{at, w}) }

// next is the earliest; zero where there is none.
func (t *timers) next() time.Time {
	if len(t.heap) == 0 {
		return time.Time{}
	}
	return t.heap[0].at
}

// due takes what has come.
func (t *timers) due(now time.Time) []waker {
	var woken []waker
	for len(t.heap) > 0 && !t.heap[0].at.After(now) {
		woken = append(woken, heap.Pop(&t.heap).(timer).wake)
	}
	return woken
}

type timerHeap []timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h timerHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)        { *h = append(*h, x.(timer)) }

func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
