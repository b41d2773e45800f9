package heroku

import (
	"context"
	"sync"
	"time"
)

// setupsLast is how long what an app has of its own is not read again: a promotion
// that goes in many calls compares each app, and the source, once.
const setupsLast = time.Hour

// setups are apps' settings as they were read, by the apps' ids. Advice alone
// stands on them. It is safe for concurrent use.
type setups struct {
	mu    sync.Mutex
	known map[string]readSetup
}

type readSetup struct {
	setup
	until time.Time
}

func (s *setups) of(appID string, now time.Time) (setup, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, known := s.known[appID]
	return r.setup, known && now.Before(r.until)
}

func (s *setups) keep(appID string, is setup, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]readSetup{}
	}
	s.known[appID] = readSetup{is, until}
}

// missing is how many of some apps would have to be read.
func (h *heroku) missing(all ...*participant) int {
	n := 0
	for _, p := range all {
		if _, known := h.setups.of(p.app.ID, h.now()); !known {
			n++
		}
	}
	return n
}

// setup is what an app has of its own, read where it is not known.
func (h *heroku) setup(ctx context.Context, appID string) (setup, error) {
	if s, known := h.setups.of(appID, h.now()); known {
		return s, nil
	}
	s, err := h.readSetup(ctx, appID)
	if err == nil {
		h.setups.keep(appID, s, h.now().Add(setupsLast))
	}
	return s, err
}
