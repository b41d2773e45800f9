package heroku

import (
	"context"
	"net/http"

	"sluice/stages/driver"
)

// history is an app's releases, as far as they were read.
type history struct {
	app     string
	newest  *release
	running *release
	strange *release // newer than what runs, and nobody understands its status
}

// take reads on to the next older release.
func (x *history) take(r *release) error {
	if x.newest == nil {
		x.newest = r
	}
	switch {
	case x.running != nil:
	case r.runs() && r.Current == nil && x.strange != nil:
		return &strangeError{x.strange}
	case r.runs():
		x.running = r
	case r.unknown() && x.strange == nil:
		x.strange = r
	}
	return nil
}

// end is called where there are no more releases: one of them must run, if only
// the one without a slug that every app begins with.
func (x *history) end() error {
	switch {
	case x.running != nil:
		return nil
	case x.strange != nil:
		return &strangeError{x.strange}
	default:
		return x.doubted("none of the releases is current")
	}
}

func (x *history) doubted(text string) error {
	return doubted(request{method: http.MethodGet, path: path("apps", x.app, "releases")}, "", text)
}

// stands reads an app's newest release and the one that runs. Where nothing was
// ever deployed, that is a release without a slug.
func (h *heroku) stands(ctx context.Context, appID string) (newest, running *release, err error) {
	x := history{app: appID}
	for r, err := range h.releases(ctx, appID) {
		if err == nil {
			err = x.take(r)
		}
		if err != nil {
			return nil, nil, err
		}
		if x.running != nil {
			break
		}
	}
	return x.newest, x.running, x.end()
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
	where, err := h.couplingOf(ctx, appID, asked{})
	if err != nil {
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
		if r.slug() != id {
			continue
		}
		if s, err := h.slug(ctx, other, id); !notFound(err) {
			return s, err
		}
	}
	return slug{}, h.nowhere(ctx, appID, where, latest, absent)
}

// nowhere returns absent if it is certain that no app of the pipeline runs the
// slug that was looked for: the pipeline is the app's own, and the newest
// release of each of its apps was told.
func (h *heroku) nowhere(ctx context.Context, appID string, where coupling, latest map[string]*release, absent error) error {
	var a app
	if err := h.get(ctx, path("apps", appID), asked{id: appID}, &a); err != nil {
		return err
	}
	if a.ID != where.App.ID {
		r := request{method: http.MethodGet, path: path("apps", appID, "pipeline-couplings")}
		return doubted(r, "", another("app", a.ID, where.App.ID))
	}
	all, err := h.couplings(ctx, where.Pipeline.ID)
	if err != nil {
		return err
	}
	for _, c := range append(all, where) {
		if latest[c.App.ID] == nil {
			r := request{method: http.MethodGet, path: path("pipelines", where.Pipeline.ID, "latest-releases")}
			return doubted(r, "", "it lacks app "+c.App.ID)
		}
	}
	return absent
}

func (h *heroku) slug(ctx context.Context, appID, id string) (slug, error) {
	var s slug
	err := h.get(ctx, path("apps", appID, "slugs", id), asked{id: id}, &s)
	return s, err
}

// release reads one release of an app.
func (h *heroku) release(ctx context.Context, appID, id string) (*release, error) {
	var r release
	err := h.get(ctx, path("apps", appID, "releases", id), asked{app: appID, id: id}, &r)
	return &r, err
}

func (s slug) comment() string {
	if s.Description != "" {
		return s.Description
	}
	return s.Commit
}
