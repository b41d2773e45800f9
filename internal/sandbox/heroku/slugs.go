package heroku

import (
	"slices"
	"strings"
	"time"
)

// slug is what was built.
type slug struct {
	slugBody
	App string `json:"app"` // where it was built
}

// slugBody is a slug as the API shows it.
type slugBody struct {
	ID     string            `json:"id"`
	Stack  ref               `json:"stack"`
	Commit string            `json:"commit"`
	Blob   map[string]string `json:"blob"`
	built
	times
}

// built is what its builder says of a slug.
type built struct {
	Processes map[string]string `json:"process_types"`
	Comment   string            `json:"commit_description"`
}

func (s *slug) shown(method string) any {
	b := s.slugBody
	b.Blob = map[string]string{"method": method, "url": "https://slugs.example.com/" + s.ID}
	return b
}

// addSlug makes a slug that was built on an app.
func (acc account) addSlug(id string, a *app, made time.Time, said built) *slug {
	commit := strings.ReplaceAll(fixedID("commit", id), "-", "")
	s := &slug{App: a.ID, slugBody: slugBody{ID: id, Stack: a.BuildStack, Commit: commit, built: said, times: at(made)}}
	acc.Slugs[id] = s
	return s
}

// slugOf is the slug that a release runs, nil for none.
func (s *state) slugOf(r *release) *slug {
	if r == nil || r.Slug == nil {
		return nil
	}
	return s.Slugs[r.Slug.ID]
}

func createSlug(c *call, a *app, body *built) (any, error) {
	return c.addSlug(c.newID("slug"), a, c.now, *body).shown("put"), nil
}

// getSlug finds a slug that was built on the app or has been released there.
//
// docs/platforms.md: "a slug that the app never had is a 404 there"
func getSlug(c *call, a *app) (any, error) {
	s := c.Slugs[c.PathValue("slug")]
	if s == nil || s.App != a.ID && !slices.ContainsFunc(a.Releases, func(r *release) bool { return c.slugOf(r) == s }) {
		return nil, notFound("slug")
	}
	return s.shown("get"), nil
}
