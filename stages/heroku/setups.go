package heroku

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// setupsLast is how long what an app has of its own is not read again: a promotion
// that goes in many calls compares each app, and the source, once.
const setupsLast = time.Hour

// setups are apps' settings as they were read, by the apps' ids. Advice alone
// stands on them. It is safe for concurrent use.
type setups struct {
	api *client
	now func() time.Time

	mu    sync.Mutex
	known map[string]readSetup
}

type readSetup struct {
	setup
	until time.Time
}

func (s *setups) of(appID string) (setup, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, known := s.known[appID]
	return r.setup, known && s.now().Before(r.until)
}

func (s *setups) keep(appID string, is setup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]readSetup{}
	}
	s.known[appID] = readSetup{is, s.now().Add(setupsLast)}
}

// find is what an app has of its own, read where it is not known.
func (s *setups) find(ctx context.Context, appID string) (setup, error) {
	if is, known := s.of(appID); known {
		return is, nil
	}
	is, err := s.api.setup(ctx, appID)
	if err == nil {
		s.keep(appID, is)
	}
	return is, err
}

// setup is what a promotion does not carry along: config var keys, never their
// values, and buildpacks.
type setup struct {
	keys       []string
	buildpacks []string
	unreadable string // why it is not known
}

// readsOfAdvice is how many requests an app's advice costs.
const readsOfAdvice = 2

// setup reads what an app has of its own.
func (c *client) setup(ctx context.Context, appID string) (setup, error) {
	var vars configVars
	var packs page[buildpack, *buildpack]
	err := c.get(ctx, path("apps", appID, "config-vars"), asked{}, &vars)
	if err == nil {
		err = c.get(ctx, path("apps", appID, "buildpack-installations"), asked{}, &packs)
	}
	if err != nil && (ctx.Err() == nil || invisible(err)) {
		return setup{unreadable: err.Error()}, nil // nothing depends on it
	}
	s := setup{keys: slices.Sorted(maps.Keys(vars))}
	for _, b := range packs {
		name := b.Buildpack.Name
		if name == "" {
			name = b.Buildpack.URL
		}
		s.buildpacks = append(s.buildpacks, name)
	}
	return s, err
}
