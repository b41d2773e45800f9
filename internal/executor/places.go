package executor

import "container/heap"

// places count what is under way. A target takes one of the invocation's places
// from when it begins something until it waits or is over. Requests and checks
// are bounded by the same number each, for targets that were begun before may be
// more than there are places.
type places struct {
	most     int // the invocation's limit
	used     int
	requests int
	checks   int
}

// occupy gives a row a place, or lets it go on in that of its call.
func (p *places) occupy(r *row, own bool) {
	r.begun = true
	if own && !r.place {
		r.place = true
		p.used++
	}
}

// vacate frees a row's place: it waits, or is over.
func (p *places) vacate(r *row) {
	r.begun = false
	if r.place {
		r.place = false
		p.used--
	}
}

// free is how many targets may begin.
func (p *places) free() int { return max(0, p.most-p.used) }

// lane is rows whose work is due, in the file's order. An entry is void once its
// row got another ticket, or is no longer queued.
type lane struct{ entries laneHeap }

type entry struct {
	r      *row
	ticket int
}

func (e entry) void() bool { return e.r.state != queued || e.r.ticket != e.ticket }

func (l *lane) push(r *row) { heap.Push(&l.entries, entry{r, r.ticket}) }

// peek is the first row; nil where there is none.
func (l *lane) peek() *row {
	for len(l.entries) > 0 {
		if first := l.entries[0]; !first.void() {
			return first.r
		}
		heap.Pop(&l.entries)
	}
	return nil
}

func (l *lane) pop() { heap.Pop(&l.entries) }

type laneHeap []entry

func (h laneHeap) Len() int           { return len(h) }
func (h laneHeap) Less(i, j int) bool { return h[i].r.at < h[j].r.at }
func (h laneHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *laneHeap) Push(x any)        { *h = append(*h, x.(entry)) }

func (h *laneHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
