package heroku

import (
	"context"

	"sluice/stages/driver"
)

// Current is the slug of the newest release that ran. An app without one runs
// nothing.
func (h *heroku) Current(ctx context.Context, t driver.Target) (driver.Release, error) {
	at, err := placeOf(t)
	if err != nil {
		return driver.Release{}, err
	}
	_, running, err := h.stands(ctx, at.App)
	if err != nil || running.slug() == "" {
		return driver.Release{}, err
	}
	s, err := h.slug(ctx, at.App, running.slug())
	if err != nil && !notFound(err) {
		return driver.Release{}, err
	}
	return driver.Release{
		ID: running.slug(), Platform: running.ID, CreateTime: s.CreatedAt, Comment: running.Description,
	}, nil
}

// stands reads an app's newest release and the one that runs; each is nil where
// there is none.
func (h *heroku) stands(ctx context.Context, appID string) (newest, running *release, err error) {
	for r, err := range h.releases(ctx, appID) {
		if err != nil {
			return nil, nil, err
		}
		if newest == nil {
			newest = r
		}
		if r.runs() {
			return newest, r, nil
		}
	}
	return newest, nil, nil
}

// Resolve finds a slug that the app has had, or that runs in its pipeline.
func (h *heroku) Resolve(ctx context.Context, t driver.Target, id string) (driver.Release, error) {
	at, err := placeOf(t)
	if err != nil {
		return driver.Release{}, err
	}
	s, err := h.slug(ctx, at.App, id)
	if notFound(err) {
		s, err = h.slugNearby(ctx, at.App, id, err)
	}
	if err != nil {
		return driver.Release{}, err
	}
	return driver.Release{ID: s.ID, CreateTime: s.CreatedAt, Comment: s.comment()}, nil
}

// slugNearby finds a slug that an app of the same pipeline runs. Without one it
// returns absent.
func (h *heroku) slugNearby(ctx context.Context, appID, id string, absent error) (slug, error) {
	var where coupling
	if err := h.get(ctx, path("apps", appID, "pipeline-couplings"), &where); err != nil {
		if notFound(err) {
			err = absent
		}
		return slug{}, err
	}
	latest, err := h.latest(ctx, where.Pipeline.ID)
	if err != nil {
		return slug{}, err
	}
	for other, r := range latest {
		if r.slug() == id {
			return h.slug(ctx, other, id)
		}
	}
	return slug{}, absent
}

func (h *heroku) slug(ctx context.Context, appID, id string) (slug, error) {
	var s slug
	err := h.get(ctx, path("apps", appID, "slugs", id), &s)
	return s, err
}

func (s slug) comment() string {
	if s.Description != "" {
		return s.Description
	}
	return s.Commit
}
