package heroku

import (
	"context"
	"net/http"
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
func (c *client) stands(ctx context.Context, appID string) (newest, running *release, err error) {
	x := history{app: appID}
	for r, err := range c.releases(ctx, appID) {
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
