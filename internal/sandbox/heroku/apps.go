package heroku

import (
	"maps"
	"regexp"
	"slices"
	"time"

	"sluice/internal/sandbox/kit"
)

// app is an app with its releases.
type app struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Stack      string            `json:"stack"`
	BuildStack string            `json:"buildStack"`
	Config     map[string]string `json:"config"`
	Buildpacks []string          `json:"buildpacks"`
	Created    time.Time         `json:"created"`
	Releases   []*release        `json:"releases"` // oldest first
}

// app finds an app by id or name.
func (s *state) app(idOrName string) (*app, error) {
	if a := s.Apps[idOrName]; a != nil {
		return a, nil
	}
	return found(kit.Find(kit.Sorted(s.Apps), func(a *app) bool { return a.Name == idOrName }), "app")
}

// theApp is the one that a request's path names, by id or name.
func theApp(c *call) (*app, error) { return c.app(c.PathValue("app")) }

// ref is how one resource names another.
type ref struct {
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
}

type appBody struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Stack      ref       `json:"stack"`
	BuildStack ref       `json:"build_stack"`
	Owner      ref       `json:"owner"`
	Region     ref       `json:"region"`
	Created    time.Time `json:"created_at"`
	Updated    time.Time `json:"updated_at"`
	Released   any       `json:"released_at"`
	WebURL     string    `json:"web_url"`
	Team       *ref      `json:"team"`
}

func stackRef(name string) ref { return ref{ID: fixedID("stack", name), Name: name} }

func (a *app) body() appBody {
	b := appBody{
		ID: a.ID, Name: a.Name, Stack: stackRef(a.Stack), BuildStack: stackRef(a.BuildStack),
		Owner: ref{ID: ownerID(), Email: ownerEmail}, Region: ref{ID: fixedID("region", "us"), Name: "us"},
		Created: a.Created, Updated: a.Created, WebURL: "https://" + a.Name + ".herokuapp.com/",
	}
	if r := a.current(); r != nil {
		b.Released = r.Created
	}
	return b
}

func (a *app) item() item {
	return item{map[string]string{"id": a.ID, "name": a.Name, "updated_at": a.Created.Format(time.RFC3339)}, a.body()}
}

func getApps(c *call) (any, error) {
	return listOf("id", kit.Sorted(c.Apps), (*app).item), nil
}

type filterInput struct {
	In struct{ ID []string }
}

// filterApps lists the apps with the given ids.
//
// docs/platforms.md: "resolve names in one call with `POST /filters/apps`"
func filterApps(c *call, body *filterInput) (any, error) {
	if c.Header.Get("Accept") != "application/vnd.heroku+json; version=3.filters" {
		return nil, notFound("endpoint: it wants the variant version=3.filters")
	}
	found := slices.DeleteFunc(kit.Sorted(c.Apps), func(a *app) bool { return !slices.Contains(body.In.ID, a.ID) })
	return listOf("id", found, (*app).item), nil
}

func getApp(c *call, a *app) (any, error) {
	return a.body(), nil
}

func createApp(c *call, body *struct{ Name, Stack string }) (any, error) {
	if !regexp.MustCompile(`^[a-z][a-z0-9-]{1,28}[a-z0-9]$`).MatchString(body.Name) {
		return nil, invalid("Name must start with a letter, end with a letter or digit and can only contain lowercase letters, digits, and dashes.")
	}
	if _, err := c.app(body.Name); err == nil {
		return nil, invalid("Name %s is already taken", body.Name)
	}
	a := c.addApp(c.newID("app"), body.Name, c.now)
	if body.Stack != "" {
		a.Stack, a.BuildStack = body.Stack, body.Stack
	}
	return a.body(), nil
}

// defaultStack is the stack of an app that names none.
const defaultStack = "heroku-24"

// addApp makes an app as Heroku does: with a first release without a slug.
func (acc account) addApp(id, name string, created time.Time) *app {
	a := &app{
		ID: id, Name: name, Stack: defaultStack, BuildStack: defaultStack, Config: map[string]string{},
		Created: second(created),
	}
	a.Releases = []*release{{ID: fixedID("release", id, "1"), Version: 1, Status: succeeded, Description: "Initial release", Created: a.Created}}
	acc.Apps[id] = a
	return a
}

type updateAppInput struct {
	BuildStack string `json:"build_stack"`
}

// updateApp sets the stack of the app's next release.
//
// docs/platforms.md: "`build_stack` is what the next release will be on"
func updateApp(c *call, a *app, body *updateAppInput) (any, error) {
	if body.BuildStack != "" {
		a.BuildStack = body.BuildStack
	}
	return a.body(), nil
}

func getConfigVars(c *call, a *app) (any, error) {
	return a.Config, nil
}

// updateConfigVars sets config vars, and removes those that are null.
//
// docs/platforms.md: "Setting a config var makes a release of the same slug"
func updateConfigVars(c *call, a *app, body *map[string]*string) (any, error) {
	for key, value := range *body {
		if value == nil {
			delete(a.Config, key)
		} else {
			a.Config[key] = *value
		}
	}
	names := slices.Sorted(maps.Keys(*body))
	if len(names) == 0 {
		return a.Config, nil
	}
	slugID := ""
	if now := a.current(); now != nil {
		slugID = now.Slug
	}
	c.release(a, slugID, "Set "+names[0]+" config vars")
	return a.Config, nil
}

func getBuildpacks(c *call, a *app) (any, error) {
	all := []any{}
	for i, name := range a.Buildpacks {
		all = append(all, map[string]any{"ordinal": i, "buildpack": map[string]string{"name": name, "url": "urn:buildpack:" + name}})
	}
	return all, nil
}

func updateBuildpacks(c *call, a *app, body *struct{ Updates []struct{ Buildpack string } }) (any, error) {
	a.Buildpacks = nil
	for _, u := range body.Updates {
		a.Buildpacks = append(a.Buildpacks, u.Buildpack)
	}
	return getBuildpacks(c, a)
}
