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
	appBody
	Config     map[string]string `json:"config"`
	Buildpacks []string          `json:"buildpacks"`
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
	Type  string `json:"type,omitempty"`
}

// appBody is an app as the API shows it.
type appBody struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Stack      ref        `json:"stack"`
	BuildStack ref        `json:"build_stack"`
	Owner      ref        `json:"owner"`
	Region     ref        `json:"region"`
	Released   *time.Time `json:"released_at"` // when what runs was
	WebURL     string     `json:"web_url"`
	Team       *ref       `json:"team"`
	times
}

func stackRef(name string) ref { return ref{ID: fixedID("stack", name), Name: name} }

func (a *app) shown() any {
	b := a.appBody
	if r := a.current(); r != nil {
		b.Released = &r.Created
	}
	return b
}

func listApps(all []*app) list { return listOf(all, (*app).shown, "id", "name", "updated_at") }

func getApps(c *call) (any, error) { return listApps(kit.Sorted(c.Apps)), nil }

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
	return listApps(kit.Those(kit.Sorted(c.Apps), func(a *app) bool { return slices.Contains(body.In.ID, a.ID) })), nil
}

func getApp(_ *call, a *app) (any, error) { return a.shown(), nil }

func createApp(c *call, body *struct{ Name, Stack string }) (any, error) {
	if !regexp.MustCompile(`^[a-z][a-z0-9-]{1,28}[a-z0-9]$`).MatchString(body.Name) {
		return nil, invalid("Name must start with a letter, end with a letter or digit and can only contain lowercase letters, digits, and dashes.")
	}
	if _, err := c.app(body.Name); err == nil {
		return nil, invalid("Name %s is already taken", body.Name)
	}
	a := c.addApp(c.newID("app"), body.Name, c.now)
	if body.Stack != "" {
		a.Stack, a.BuildStack = stackRef(body.Stack), stackRef(body.Stack)
	}
	return a.shown(), nil
}

// defaultStack is the stack of an app that names none.
const defaultStack = "heroku-24"

// addApp makes an app as Heroku does: with a first release without a slug.
func (acc account) addApp(id, name string, created time.Time) *app {
	a := &app{Config: map[string]string{}, appBody: appBody{
		ID: id, Name: name, Stack: stackRef(defaultStack), BuildStack: stackRef(defaultStack), WebURL: "https://" + name + ".herokuapp.com/",
		Owner: ref{ID: ownerID(), Email: ownerEmail}, Region: ref{ID: fixedID("region", "us"), Name: "us"}, times: at(created),
	}}
	a.addRelease(fixedID("release", id, "1"), "Initial release", created, nil)
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
		a.BuildStack = stackRef(body.BuildStack)
	}
	return a.shown(), nil
}

func getConfigVars(_ *call, a *app) (any, error) { return a.Config, nil }

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
	c.release(a, c.slugOf(a.current()), "Set "+names[0]+" config vars")
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
