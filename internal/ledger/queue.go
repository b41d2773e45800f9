package ledger

import (
	"sluice/internal/store"
)

// queue is what waits to be saved. One commit is under way at most; what comes
// meanwhile is saved together by the next one.
type queue struct {
	sets     []*set
	busy     bool               // a commit is under way
	underWay map[store.Key]bool // what is in it
	closed   bool               // nothing more is accepted
}

func (q *queue) add(s *set) { q.sets = append(q.sets, s) }

// take takes all that is queued.
func (q *queue) take() []*set {
	sets := q.sets
	q.sets, q.busy, q.underWay = nil, len(sets) > 0, map[store.Key]bool{}
	for _, s := range sets {
		for _, d := range s.drafts {
			q.underWay[d.key] = true
		}
	}
	return sets
}

// has reports whether something of a key is still to be saved.
func (q *queue) has(k store.Key) bool {
	if q.underWay[k] {
		return true
	}
	for _, s := range q.sets {
		for _, d := range s.drafts {
			if d.key == k {
				return true
			}
		}
	}
	return false
}
