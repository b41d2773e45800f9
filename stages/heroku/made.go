package heroku

import "sync"

// made are the releases that promotions under way made, as their targets told: by
// promotion, and by app's id. It is safe for concurrent use.
type made struct {
	mu    sync.Mutex
	known map[string]map[string]string
}

// of is the release that a promotion made on each app, as far as that is known.
func (m *made) of(promotion string) map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known[promotion]
}

// keep remembers which releases a promotion's targets told of.
func (m *made) keep(promotion string, releases map[string]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = map[string]map[string]string{}
	}
	m.known[promotion] = releases
}

// forget drops a promotion that is over.
func (m *made) forget(promotion string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.known, promotion)
}
