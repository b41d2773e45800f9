package work

import "sync/atomic"

// SideBySide calls do for 0 to n-1, at most so many at a time, and returns when all
// have returned. Each counts as under way ([Clock.Under]), and the caller does not while
// it waits for them.
func (c Clock) SideBySide(most, n int, do func(i int)) {
	workers := min(max(most, 1), n)
	if workers <= 0 {
		return
	}
	for range workers - 1 { // the caller's own count is the last worker's
		c.Begins()
	}
	var next, left atomic.Int64
	left.Store(int64(workers))
	over := make(chan struct{})
	for range workers {
		go func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
			if left.Add(-1) == 0 {
				close(over) // what it counted is the caller's again
				return
			}
			c.Ends()
		}()
	}
	<-over
}
