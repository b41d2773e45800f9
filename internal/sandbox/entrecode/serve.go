package entrecode

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/kit"
)

// call is a request, with the state that it is about.
type call struct {
	*http.Request
	*state
	now time.Time
}

func (e *Emulator) call(r *http.Request) *call { return &call{r, &e.State, e.Now().UTC()} }

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := e.call(r)
	c.settle(c.now)
	status, body, err := c.answer()
	if err != nil {
		writeProblem(w, err)
		return
	}
	kit.WriteJSON(w, status, "application/hal+json", body)
}

// answer serves a request with the right token.
//
// docs/platforms.md: "3400 missing, 3401 invalid, 3402 outdated access token, all 401"
func (c *call) answer() (int, object, error) {
	switch authorization := c.Header.Get("Authorization"); {
	case authorization == "":
		return 0, nil, problem(http.StatusUnauthorized, 3400, "Missing Access Token", "", "")
	case !strings.HasPrefix(authorization, "Bearer "+dummyToken):
		return 0, nil, problem(http.StatusUnauthorized, 3401, "Invalid Access Token", "", "")
	}
	switch at := c.locate(); {
	case c.Method == http.MethodPost && at.deployments:
		return c.create(at)
	case c.Method != http.MethodGet:
		return 0, nil, problem(http.StatusMethodNotAllowed, 3110, "Method not allowed", c.Method, "the sandbox does not serve "+c.Method+" "+c.URL.Path)
	case at.read == nil:
		return 0, nil, notFound(c.Request)
	default:
		body, err := at.read()
		return http.StatusOK, body, err
	}
}

// location is what an address leads to; the zero location is nothing.
type location struct {
	read        func() (object, error) // what is there; nil for nothing
	platform    *platform              // that it is, or is of; nil for none
	deployment  *deployment            // that it is; nil for none
	deployments bool                   // here deployments are made
}

// one leads to a resource, or to nothing where that is nil.
func one[R any](r *R, shown func(*R) object) location {
	if r == nil {
		return location{}
	}
	return location{read: func() (object, error) { return shown(r), nil }}
}

// many leads to a list.
func many[T any](c *call, rel string, all []T, shown func(T) object) location {
	return location{read: func() (object, error) {
		return c.page(rel, c.URL.EscapedPath(), kit.Shown(all, shown)), nil
	}}
}

// refused leads to a refusal.
func refused(err error) location {
	return location{read: func() (object, error) { return nil, err }}
}

func (c *call) locate() location {
	path, query := c.URL.EscapedPath(), c.URL.Query()
	platform := c.Platforms[query.Get("platformID")]
	switch {
	case path == "/":
		return one(c.state, func(*state) object { return c.entry() })
	case path == pathApps() && query.Get("appID") == "":
		return many(c, "ec:app", kit.Sorted(c.Apps), c.app)
	case path == pathApps():
		return one(c.Apps[query.Get("appID")], c.app)
	case strings.HasPrefix(path, pathApps()+"/"):
		return one(c.Apps[strings.TrimPrefix(c.URL.Path, pathApps()+"/")], c.app)
	case path == pathPlatforms():
		return c.locatePlatform(platform)
	case path == pathTargets():
		return c.locateTargets(list(query["targetID"]))
	case path == pathBuilds():
		return c.locateBuilds(platform)
	case path == pathDeployments():
		return c.locateDeployments(platform)
	default:
		return c.locateToken(path, platform)
	}
}

func (c *call) locatePlatform(p *platform) location {
	if p == nil {
		return refused(noMatch("platformID"))
	}
	at := one(p, c.platform)
	at.platform = p
	return at
}

// locateTargets finds targets by their ids: one is a resource, several are a list.
func (c *call) locateTargets(ids []string) location {
	for _, id := range ids {
		if !slices.ContainsFunc(kit.Sorted(c.Platforms), func(p *platform) bool { return slices.Contains(p.Targets, id) }) {
			return refused(noMatch("targetID"))
		}
	}
	switch len(ids) {
	case 0:
		return location{}
	case 1:
		return one(&ids[0], func(id *string) object { return c.target(*id) })
	default:
		return many(c, "ec:app/target", ids, c.target)
	}
}

func (c *call) locateDeployments(p *platform) location {
	at := filtered(c, "deployment", c.Deployments, p, func(d *deployment) string { return d.Platform }, c.deployment)
	at.deployments = true
	return at
}

func (c *call) locateBuilds(p *platform) location {
	return filtered(c, "build", c.Builds, p, func(b *build) string { return b.Platform }, c.build)
}

// filtered leads to what a platform has of all, or to the one that is asked for.
//
// docs/platforms.md: "A filter by the list's own id answers that one resource and no list"
// docs/platforms.md: "platformID is mandatory on the list"
func filtered[R any](c *call, kind string, all map[int]*R, p *platform, platformOf func(*R) string, shown func(*R) object) (at location) {
	id, of := c.URL.Query().Get(kind+"ID"), c.URL.Query().Get("platformID")
	switch r := all[atoi(id)]; {
	case id != "" && (r == nil || of != "" && platformOf(r) != of):
		at = refused(noMatch(kind + "ID"))
	case id != "":
		at = one(r, shown)
	case p == nil:
		at = refused(missing("platformID"))
	default:
		at = many(c, "ec:app/"+kind, shuffled(all, func(r *R) bool { return platformOf(r) == p.ID }), shown)
	}
	at.platform = p
	return at
}

// locateToken finds what has its own address. asked is the platform that a query names.
func (c *call) locateToken(path string, asked *platform) location {
	for id, a := range c.Apps {
		switch {
		case path != pathPlatformsOf(id):
		case c.URL.Query().Get("platformID") == "":
			return many(c, "ec:app/platform", c.platformsOf(a), c.platform)
		case asked != nil && asked.App != id:
			return c.locatePlatform(nil)
		default:
			return c.locatePlatform(asked)
		}
	}
	for id, p := range c.Platforms {
		switch path {
		case pathOf(id):
			return c.locateDeployments(p)
		case pathBuildsOf(id):
			return c.locateBuilds(p)
		}
	}
	for id, b := range c.Builds {
		if path == pathBuild(id) {
			return one(b, c.build)
		}
	}
	for id, d := range c.Deployments {
		if path == pathDeployment(id) {
			at := one(d, c.advance)
			at.deployment = d
			return at
		}
	}
	return location{}
}

// advance shows a deployment, and lets it end after it was read a few times.
func (c *call) advance(d *deployment) object {
	if d.Status == running {
		if d.Reads++; d.Reads >= readsToEnd {
			c.end(d, c.now)
		}
	}
	return c.deployment(d)
}

// create starts a deployment.
//
// docs/platforms.md: "POST on the deployments relation with query platformID,
// buildID and one or more targetIDs, comma-joined; empty body by its document,
// `{}` by its SDK. 201 with the deployment, at once"
func (c *call) create(at location) (int, object, error) {
	body, _ := io.ReadAll(c.Body) // the sandbox has it in memory
	if text := strings.TrimSpace(string(body)); text != "" && !isComment(text) {
		return 0, nil, problem(http.StatusBadRequest, 3211, "Invalid format for property in JSON body", "body", "the body is empty, or has a comment")
	}
	order, err := c.order(at)
	if err != nil {
		return 0, nil, err
	}
	d := c.addDeployment(order.build.ID, order.platform.ID, order.targets, c.now)
	d.Plan = string(sandbox.FaultOf(c.Request))
	return http.StatusCreated, c.deployment(d), nil
}

// isComment tells whether a body is what the vendor's SDK sends: {"comment": "…"}, or
// {} without one.
func isComment(body string) bool {
	d := json.NewDecoder(strings.NewReader(body))
	d.DisallowUnknownFields()
	var in struct{ Comment string }
	return d.Decode(&in) == nil
}

// order is what a creation asks for.
type order struct {
	platform *platform
	build    *build
	targets  []string
}

func (c *call) order(at location) (order, error) {
	query := c.URL.Query()
	o := order{platform: at.platform, targets: list(query["targetID"])}
	for _, key := range []string{"platformID", "buildID", "targetID"} {
		if query.Get(key) == "" {
			return o, missing(key)
		}
	}
	if o.platform == nil || o.platform.ID != query.Get("platformID") {
		return o, noMatch("platformID")
	}
	number, err := strconv.Atoi(query.Get("buildID"))
	if err != nil {
		return o, problem(http.StatusBadRequest, 3212, "Invalid format for property in query string", "buildID", "")
	}
	o.build = c.Builds[number]
	// docs/platforms.md: "cannot be shared between apps"
	if o.build == nil || c.Platforms[o.build.Platform].App != o.platform.App {
		return o, noMatch("buildID")
	}
	if o.build.Status != success {
		return o, problem(http.StatusBadRequest, 3212, "Invalid format for property in query string", "buildID", "the build did not succeed")
	}
	if !covers(o.platform.Targets, o.targets) {
		return o, noMatch("targetID")
	}
	return o, nil
}
