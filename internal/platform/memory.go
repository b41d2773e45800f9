package platform

import (
	"context"
	"sync"
	"time"

	"sluice/internal/work"
)

// keptTrouble is how long a read that failed is not asked again: many targets of
// one invocation may ask the same, one after another.
const keptTrouble = 15 * time.Second

// memory is what was read in an invocation, and what is being read.
type memory[T any] struct {
	work  *work.Work
	known map[string]*entry[T]
}

// entry is one thing that is read, or was.
type entry[T any] struct {
	done  chan struct{} // closed when the others are set
	value T
	err   error
	at    time.Time // of the answer
	asked time.Time // of the question; zero where it does not matter

	clock   work.Clock
	mu      sync.Mutex
	waiting int // for the answer: they count as under way again once it is there
}

func newMemory[T any](w *work.Work) memory[T] {
	return memory[T]{work: w, known: map[string]*entry[T]{}}
}

// claim is the entry of a key. mine reports that it is new: the caller reads it
// and fills it in. The lock of the memory is held.
func (m *memory[T]) claim(key string) (e *entry[T], mine bool) {
	if e := m.known[key]; e != nil && !e.outdated(m.work.Now()) {
		return e, false
	}
	e = &entry[T]{done: make(chan struct{}), clock: m.work.Clock}
	m.known[key] = e
	return e, true
}

func (m *memory[T]) forget(keys ...string) {
	if len(keys) == 0 {
		clear(m.known)
	}
	for _, key := range keys {
		delete(m.known, key)
	}
}

// outdated reports whether the entry failed and may be read again.
func (e *entry[T]) outdated(now time.Time) bool {
	select {
	case <-e.done:
		return e.err != nil && now.Sub(e.at) >= keptTrouble
	default:
		return false
	}
}

// fill ends the reading of an entry.
func (e *entry[T]) fill(value T, err error, at time.Time) {
	e.value, e.err, e.at = value, err, at
	e.mu.Lock()
	defer e.mu.Unlock()
	for range e.waiting {
		e.clock.Begins()
	}
	close(e.done)
}

// isFilled reports whether the answer is there; where it is not, the caller counts among
// those that wait for it, and as under way no longer.
func (e *entry[T]) isFilled() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	select {
	case <-e.done:
		return true
	default:
		e.waiting++
		e.clock.Ends()
		return false
	}
}

// giveUp ends the caller's wait: it is under way again.
func (e *entry[T]) giveUp() {
	e.mu.Lock()
	defer e.mu.Unlock()
	select {
	case <-e.done: // and counted
	default:
		e.waiting--
		e.clock.Begins()
	}
}

// wait is what was read, once it is.
func (e *entry[T]) wait(ctx context.Context) (T, error) {
	if e.isFilled() {
		return e.value, e.err
	}
	select {
	case <-e.done:
		return e.value, e.err
	case <-ctx.Done():
		e.giveUp()
		var none T
		return none, context.Cause(ctx)
	}
}
