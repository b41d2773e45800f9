package heroku

import (
	"context"
	"net/http"

	"sluice/stages/driver"
)

// slugNearby finds a slug that an app of the same pipeline runs. Without one it
// returns absent.
func (c *client) slugNearby(ctx context.Context, appID, id string, absent error) (slug, error) {
	where, err := c.couplingOf(ctx, appID, asked{})
	if err != nil {
		if notFound(err) {
			err = absent
		}
		return slug{}, err
	}
	latest, err := c.latest(ctx, where.Pipeline.ID)
	if err != nil {
		return slug{}, err
	}
	for other, r := range latest {
		if r.slug() != id {
			continue
		}
		if s, err := c.slug(ctx, other, id); !notFound(err) {
			return s, err
		}
	}
	return slug{}, c.nowhere(ctx, appID, where, latest, absent)
}

// nowhere returns absent if it is certain that no app of the pipeline runs the
// slug that was looked for: the pipeline is the app's own, and the newest
// release of each of its apps was told.
func (c *client) nowhere(ctx context.Context, appID string, where coupling, latest map[string]*release, absent error) error {
	var a app
	if err := c.get(ctx, path("apps", appID), asked{id: appID}, &a); err != nil {
		return err
	}
	if a.ID != where.App.ID {
		r := request{method: http.MethodGet, path: path("apps", appID, "pipeline-couplings")}
		return doubted(r, "", another("app", a.ID, where.App.ID))
	}
	all, err := c.couplings(ctx, where.Pipeline.ID)
	if err != nil {
		return err
	}
	for _, in := range append(all, where) {
		if latest[in.App.ID] == nil {
			r := request{method: http.MethodGet, path: path("pipelines", where.Pipeline.ID, "latest-releases")}
			return doubted(r, "", "it lacks app "+in.App.ID)
		}
	}
	return absent
}

func (s slug) comment() string {
	if s.Description != "" {
		return s.Description
	}
	return s.Commit
}

// Resolve finds a slug that the app has had, or that runs in its pipeline.
func (h *heroku) Resolve(ctx context.Context, t driver.Target, id string) (driver.Release, error) {
	at, err := placeOf(t)
	if err != nil {
		return driver.Release{}, err
	}
	if id == driver.Latest {
		return driver.Release{}, &invalidError{text: "Heroku lists no slugs: which one is the latest cannot be told", remedy: "name one (--release), or promote what another app runs"}
	}
	s, err := h.api.slug(ctx, at.App, id)
	if notFound(err) {
		s, err = h.api.slugNearby(ctx, at.App, id, err)
	}
	if err != nil {
		return driver.Release{}, err
	}
	return driver.Release{ID: s.ID, CreateTime: s.CreatedAt, Comment: s.comment()}, nil
}
