package entrecode

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/kit"
)

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.State.settle(e.Now().UTC())
	status, body, refused := e.answer(r)
	if refused.status != 0 {
		writeProblem(w, refused)
		return
	}
	kit.WriteJSON(w, status, "application/hal+json", body)
}

// answer serves a request with the right token.
//
// docs/platforms.md: "3400 missing, 3401 invalid, 3402 outdated access token, all 401"
func (e *Emulator) answer(r *http.Request) (int, object, problem) {
	switch authorization := r.Header.Get("Authorization"); {
	case authorization == "":
		return 0, nil, problem{http.StatusUnauthorized, 3400, "Missing Access Token", "", ""}
	case strings.HasPrefix(authorization, "Bearer "+dummyToken):
	default:
		return 0, nil, problem{http.StatusUnauthorized, 3401, "Invalid Access Token", "", ""}
	}
	at := e.locate(r.URL)
	if r.Method == http.MethodPost && at.deployments {
		return e.create(r, at)
	}
	if r.Method != http.MethodGet {
		return 0, nil, problem{http.StatusMethodNotAllowed, 3110, "Method not allowed", r.Method, "the sandbox does not serve " + r.Method + " " + r.URL.Path}
	}
	body, refused := e.read(r, at)
	return http.StatusOK, body, refused
}

// location is what an address leads to; the zero location is nothing.
type location struct {
	entry       bool
	apps        bool
	app         *app
	platforms   *app      // whose platforms are listed
	targets     []string  // several, in a list
	platform    *platform // with deployments or builds: whose; nil where none is named
	target      string
	build       *build
	deployment  *deployment
	deployments bool
	builds      bool
	path        string // of a list
	refused     problem
}

func (e *Emulator) locate(u *url.URL) location {
	path, query := u.EscapedPath(), u.Query()
	switch {
	case path == "/":
		return location{entry: true}
	case path == pathApps():
		if id := query.Get("appID"); id != "" {
			return location{app: e.State.Apps[id]}
		}
		return location{apps: true}
	case strings.HasPrefix(path, pathApps()+"/"):
		return location{app: e.State.Apps[strings.TrimPrefix(u.Path, pathApps()+"/")]}
	case path == pathPlatforms():
		if p := e.State.Platforms[query.Get("platformID")]; p != nil {
			return location{platform: p}
		}
		return location{refused: noMatch("platformID")}
	case path == pathTargets():
		return e.locateTargets(list(query["targetID"]))
	case path == pathBuilds():
		return location{builds: true, path: path, platform: e.State.Platforms[query.Get("platformID")]}
	case path == pathDeployments():
		return location{deployments: true, path: path, platform: e.State.Platforms[query.Get("platformID")]}
	default:
		return e.locateToken(path, query)
	}
}

// locateTargets finds targets by their ids: one is a resource, several are a list.
func (e *Emulator) locateTargets(ids []string) location {
	for _, id := range ids {
		if !slices.ContainsFunc(kit.Sorted(e.State.Platforms), func(p *platform) bool { return slices.Contains(p.Targets, id) }) {
			return location{refused: noMatch("targetID")}
		}
	}
	if len(ids) == 1 {
		return location{target: ids[0]}
	}
	return location{targets: ids}
}

// locatePlatforms finds an app's platforms, or the one that is asked for.
func (e *Emulator) locatePlatforms(a *app, id string) location {
	if id == "" {
		return location{platforms: a}
	}
	if p := e.State.Platforms[id]; p != nil && p.App == a.ID {
		return location{platform: p}
	}
	return location{refused: noMatch("platformID")}
}

// locateToken finds what has its own address.
func (e *Emulator) locateToken(path string, query url.Values) location {
	for id, a := range e.State.Apps {
		if path == pathPlatformsOf(id) {
			return e.locatePlatforms(a, query.Get("platformID"))
		}
	}
	for id, p := range e.State.Platforms {
		switch path {
		case pathOf(id):
			return location{deployments: true, path: path, platform: p}
		case pathBuildsOf(id):
			return location{builds: true, path: path, platform: p}
		}
	}
	for id, b := range e.State.Builds {
		if path == pathBuild(id) {
			return location{build: b}
		}
	}
	for id, d := range e.State.Deployments {
		if path == pathDeployment(id) {
			return location{deployment: d}
		}
	}
	return location{}
}

func (e *Emulator) read(r *http.Request, at location) (object, problem) {
	none := problem{}
	switch {
	case at.refused.status != 0:
		return nil, at.refused
	case at.entry:
		return e.entry(r), none
	case at.apps:
		return page(r, "ec:app", pathApps(), items(kit.Sorted(e.State.Apps), func(a *app) object { return e.app(r, a) })), none
	case at.app != nil:
		return e.app(r, at.app), none
	case at.platforms != nil:
		return e.listPlatforms(r, at.platforms), none
	case at.targets != nil:
		return page(r, "ec:app/target", pathTargets(), items(at.targets, func(id string) object { return e.target(r, id) })), none
	case at.deployments:
		return e.listDeployments(r, at)
	case at.builds:
		return e.listBuilds(r, at)
	case at.platform != nil:
		return e.platform(r, at.platform), none
	case at.target != "":
		return e.target(r, at.target), none
	case at.build != nil:
		return e.build(r, at.build), none
	case at.deployment != nil:
		e.advance(at.deployment)
		return e.deployment(r, at.deployment), none
	default:
		return nil, notFound(r)
	}
}

// advance lets a deployment end after it was read a few times.
func (e *Emulator) advance(d *deployment) {
	if d.Status != running {
		return
	}
	if d.Reads++; d.Reads >= readsToEnd {
		e.State.end(d, e.Now().UTC())
	}
}

func (e *Emulator) listPlatforms(r *http.Request, a *app) object {
	of := slices.DeleteFunc(kit.Sorted(e.State.Platforms), func(p *platform) bool { return p.App != a.ID })
	return page(r, "ec:app/platform", pathPlatformsOf(a.ID), items(of, func(p *platform) object { return e.platform(r, p) }))
}

func items[T any](all []T, show func(T) object) []object {
	shown := make([]object, 0, len(all))
	for _, one := range all {
		shown = append(shown, show(one))
	}
	return shown
}

// listDeployments is a platform's list, or the one deployment that is asked
// for.
//
// docs/platforms.md: "platformID is mandatory on the list"
func (e *Emulator) listDeployments(r *http.Request, at location) (object, problem) {
	query := r.URL.Query()
	if id := query.Get("deploymentID"); id != "" {
		if d := e.State.Deployments[atoi(id)]; d != nil {
			return e.deployment(r, d), problem{}
		}
		return nil, noMatch("deploymentID")
	}
	if at.platform == nil {
		return nil, missing("platformID")
	}
	found := shuffled(e.State.Deployments, func(d *deployment) bool { return d.Platform == at.platform.ID })
	return page(r, "ec:app/deployment", at.path, items(found, func(d *deployment) object { return e.deployment(r, d) })), problem{}
}

// listBuilds is a platform's list, or the one build that is asked for.
//
// docs/platforms.md: "A filter by the list's own id answers that one resource and no list"
func (e *Emulator) listBuilds(r *http.Request, at location) (object, problem) {
	if id := r.URL.Query().Get("buildID"); id != "" {
		b := e.State.Builds[atoi(id)]
		if of := r.URL.Query().Get("platformID"); b == nil || of != "" && b.Platform != of {
			return nil, noMatch("buildID")
		}
		return e.build(r, b), problem{}
	}
	if at.platform == nil {
		return nil, missing("platformID")
	}
	found := shuffled(e.State.Builds, func(b *build) bool { return b.Platform == at.platform.ID })
	return page(r, "ec:app/build", at.path, items(found, func(b *build) object { return e.build(r, b) })), problem{}
}

// create starts a deployment.
//
// docs/platforms.md: "POST on the deployments relation with query platformID,
// buildID and one or more targetIDs, comma-joined; empty body by its document,
// `{}` by its SDK. 201 with the deployment, at once"
func (e *Emulator) create(r *http.Request, at location) (int, object, problem) {
	body, _ := io.ReadAll(r.Body) // the sandbox has it in memory
	if text := strings.TrimSpace(string(body)); text != "" && !isComment(text) {
		return 0, nil, problem{http.StatusBadRequest, 3211, "Invalid format for property in JSON body", "body", "the body is empty, or has a comment"}
	}
	order, refused := e.order(r, at)
	if refused.status != 0 {
		return 0, nil, refused
	}
	d := e.State.addDeployment(order.build.ID, order.platform.ID, order.targets, e.Now().UTC())
	d.Plan = string(sandbox.FaultOf(r))
	return http.StatusCreated, e.deployment(r, d), problem{}
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

func (e *Emulator) order(r *http.Request, at location) (order, problem) {
	query := r.URL.Query()
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
		return o, problem{http.StatusBadRequest, 3212, "Invalid format for property in query string", "buildID", ""}
	}
	o.build = e.State.Builds[number]
	// docs/platforms.md: "cannot be shared between apps"
	if o.build == nil || e.State.Platforms[o.build.Platform].App != o.platform.App {
		return o, noMatch("buildID")
	}
	if o.build.Status != success {
		return o, problem{http.StatusBadRequest, 3212, "Invalid format for property in query string", "buildID", "the build did not succeed"}
	}
	if !covers(o.platform.Targets, o.targets) {
		return o, noMatch("targetID")
	}
	return o, problem{}
}
