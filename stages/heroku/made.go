package heroku

import (
	"context"
	"sync"
)

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

// keep remembers what a promotion's targets told; an empty report tells nothing.
func (m *made) keep(promotion string, told map[string]report) {
	releases := map[string]string{}
	for appID, r := range told {
		if r.release != "" {
			releases[appID] = r.release
		}
	}
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

// listed is how far a promotion is by the list of what its pipeline's apps run, which
// is read in any case before one of them counts as done. It says nothing (nil) where it
// does not show each app's release, known from before, as on its way or as what runs:
// what went wrong the promotion alone tells.
func (h *heroku) listed(ctx context.Context, f frozen, promotion string, open []part) (map[string]report, map[string]*release, error) {
	releases := h.made.of(promotion)
	for _, p := range open {
		if releases[p.App] == "" {
			return nil, nil, nil
		}
	}
	latest, err := h.latestFor(ctx, f, open)
	if err != nil {
		return nil, nil, err
	}
	told := map[string]report{}
	for _, p := range open {
		r := latest[p.App]
		switch {
		case r == nil || r.ID != releases[p.App]:
			return nil, nil, nil
		case r.Status == pending:
		case !r.runs() || r.unknown() || r.slug() != f.Slug:
			return nil, nil, nil
		}
		told[p.App] = report{status: r.Status, release: r.ID}
	}
	return told, latest, nil
}
