package heroku

import (
	"context"
	"fmt"
	"iter"
	"net/http"
)

// longest asks for the longest pages of a list that the API gives: they are 200
// otherwise, and each costs a request.
const longest = "id ..; max=1000"

// couplings are the apps of a pipeline and their stages.
func (c *client) couplings(ctx context.Context, pipelineID string) ([]coupling, error) {
	return list[coupling](ctx, c, request{
		method: http.MethodGet, path: path("pipelines", pipelineID, "pipeline-couplings"), ranged: longest, asked: asked{pipeline: pipelineID},
	})
}

// couplingOf reads where an app belongs. Couplings carry ids alone: whether it
// is the app's is seen only where the app is named by its id.
func (c *client) couplingOf(ctx context.Context, app string, want asked) (coupling, error) {
	var where coupling
	err := c.get(ctx, path("apps", app, "pipeline-couplings"), want, &where)
	return where, err
}

// apps reads apps by their ids. The POST only reads.
func (c *client) apps(ctx context.Context, ids []string) ([]app, error) {
	body := map[string]any{"in": map[string]any{"id": ids}}
	return list[app](ctx, c, request{method: http.MethodPost, path: "/filters/apps", variant: acceptFilters, ranged: longest, body: body})
}

// latest reads the newest release of each app of a pipeline, by app id. It may
// lack apps: what it does not tell is asked of the app itself.
func (c *client) latest(ctx context.Context, pipelineID string) (map[string]*release, error) {
	all, err := list[release](ctx, c, request{method: http.MethodGet, path: path("pipelines", pipelineID, "latest-releases"), ranged: longest})
	if err != nil && !notFound(err) {
		return nil, err
	}
	byApp := map[string]*release{}
	for _, r := range all {
		byApp[r.App.ID] = &r
	}
	return byApp, nil
}

// releases reads an app's releases, newest first, as far as the caller goes. An
// app's releases are numbered from 1 on, so a list that is read to its end and
// does not end there is not the whole of it.
func (c *client) releases(ctx context.Context, app string) iter.Seq2[*release, error] {
	r := request{
		method: http.MethodGet, path: path("apps", app, "releases"), asked: asked{app: app},
		ranged: "version ..; order=desc,max=10",
	}
	return func(yield func(*release, error) bool) {
		last := 0
		for item, err := range items[release](ctx, c, r) {
			if err == nil && last > 0 && item.Version >= last {
				err = doubted(r, "", fmt.Sprintf("v%d comes after v%d in a list of the newest first", item.Version, last))
			}
			if !yield(&item, err) || err != nil {
				return
			}
			last = item.Version
		}
		if last != 1 {
			yield(nil, doubted(r, "", fmt.Sprintf("the list of releases ends before v1, which every app has: with v%d", last)))
		}
	}
}

// slug reads a slug that the app has had.
func (c *client) slug(ctx context.Context, appID, id string) (slug, error) {
	var s slug
	err := c.get(ctx, path("apps", appID, "slugs", id), asked{id: id}, &s)
	return s, err
}

// release reads one release of an app.
func (c *client) release(ctx context.Context, appID, id string) (*release, error) {
	var r release
	err := c.get(ctx, path("apps", appID, "releases", id), asked{app: appID, id: id}, &r)
	return &r, err
}

// releaseCalled reads a release by its id or its version.
func (c *client) releaseCalled(ctx context.Context, app, name string) (*release, error) {
	if len(name) > 0 && name[0] == 'v' {
		name = name[1:]
	}
	var r release
	err := c.get(ctx, path("apps", app, "releases", name), asked{app: app}, &r)
	return &r, err
}

// appCalled reads an app by its name or id.
func (c *client) appCalled(ctx context.Context, name string) (app, error) {
	var a app
	err := c.get(ctx, path("apps", name), asked{}, &a)
	return a, err
}
