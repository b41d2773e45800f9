package metrics

import (
	"slices"
	"sync"
)

// Script is what an emulator of metrics answers by the words in which it is asked, and
// what it was asked. An emulator embeds it, and holds it locked while it serves. It is
// safe for concurrent use.
type Script struct {
	mu       sync.Mutex
	answers  map[string][]Series
	throttle int
	asked    []string
}

// Set changes the emulator while it serves nobody.
func (s *Script) Set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// Answer scripts what a query answers; no series is an empty answer.
func (s *Script) Answer(query string, series ...Series) {
	s.Set(func() {
		if s.answers == nil {
			s.answers = map[string][]Series{}
		}
		s.answers[query] = series
	})
}

// Throttle refuses the next n requests.
func (s *Script) Throttle(n int) { s.Set(func() { s.throttle = n }) }

// Asked are the requests that came, in their order.
func (s *Script) Asked() (all []string) {
	s.Set(func() { all = slices.Clone(s.asked) })
	return all
}

// Note keeps what is asked. The script is held.
func (s *Script) Note(asked string) { s.asked = append(s.asked, asked) }

// To is the answer to a query. The script is held.
func (s *Script) To(query string) []Series { return s.answers[query] }

// Throttled reports whether this request is refused as one too many. The script is held.
func (s *Script) Throttled() bool {
	if s.throttle == 0 {
		return false
	}
	s.throttle--
	return true
}
