package heroku

import (
	"slices"
	"time"
)

// slug is what was built.
type slug struct {
	ID        string            `json:"id"`
	App       string            `json:"app"` // where it was built
	Stack     string            `json:"stack"`
	Commit    string            `json:"commit"`
	Comment   string            `json:"comment"`
	Processes map[string]string `json:"processes"`
	Created   time.Time         `json:"created"`
}

type slugBody struct {
	ID        string            `json:"id"`
	Stack     ref               `json:"stack"`
	Commit    string            `json:"commit"`
	Comment   string            `json:"commit_description"`
	Processes map[string]string `json:"process_types"`
	Blob      map[string]string `json:"blob"`
	Created   time.Time         `json:"created_at"`
	Updated   time.Time         `json:"updated_at"`
}

func (s *slug) body(method string) slugBody {
	return slugBody{
		ID: s.ID, Stack: stackRef(s.Stack), Commit: s.Commit, Comment: s.Comment, Processes: s.Processes,
		Blob:    map[string]string{"method": method, "url": "https://slugs.example.com/" + s.ID},
		Created: s.Created, Updated: s.Created,
	}
}

// addSlug makes a slug that was built on an app.
func (acc account) addSlug(a *app, comment string, processes map[string]string) *slug {
	id := acc.newID("slug")
	s := &slug{
		ID: id, App: a.ID, Stack: a.BuildStack, Commit: fixedID("commit", id), Comment: comment, Processes: processes,
		Created: second(acc.now),
	}
	acc.Slugs[id] = s
	return s
}

type createSlugInput struct {
	Processes map[string]string `json:"process_types"`
	Comment   string            `json:"commit_description"`
}

func createSlug(c *call, a *app, body *createSlugInput) (any, error) {
	return c.addSlug(a, body.Comment, body.Processes).body("put"), nil
}

// getSlug finds a slug that was built on the app or has been released there.
//
// docs/platforms.md: "a slug that the app never had is a 404 there"
func getSlug(c *call, a *app) (any, error) {
	s := c.Slugs[c.PathValue("slug")]
	if s == nil || s.App != a.ID && !slices.ContainsFunc(a.Releases, func(r *release) bool { return r.Slug == s.ID }) {
		return nil, notFound("slug")
	}
	return s.body("get"), nil
}
