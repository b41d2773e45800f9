package heroku

import (
	"encoding/json"
	"net/http"
	"strings"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/kit"
)

// call is a request, with the account that it is about.
type call struct {
	*http.Request
	account
	targets kit.Targets[string]
}

// Decode implements kit.Call.
func (c *call) Decode(into any) error {
	if err := json.NewDecoder(c.Body).Decode(into); err != nil {
		return kit.Errorf(http.StatusBadRequest, "bad_request", "The request body is not JSON: %v", err)
	}
	return nil
}

// operation is one call of the API. A list is answered page by page.
type operation = kit.Operation[*call]

// found is a resource, or the refusal where there is none.
func found[R any](r *R, what string) (*R, error) {
	if r == nil {
		return nil, notFound(what)
	}
	return r, nil
}

// mux routes the calls.
func (e *Emulator) mux() http.Handler {
	ok, created := kit.Answering[*call](http.StatusOK), kit.Answering[*call](http.StatusCreated)
	mux := kit.Routes(map[string]operation{
		"GET /account":             ok(getAccount),
		"GET /users/{user}":        ok(getAccount),
		"GET /account/rate-limits": ok(getRateLimits),

		"GET /apps":              ok(getApps),
		"GET /users/{user}/apps": ok(getApps), // one user owns them all
		"POST /apps":             created(kit.Taking(createApp)),
		"GET /apps/{app}":        ok(kit.On(theApp, getApp)),
		"PATCH /apps/{app}":      ok(kit.Changing(theApp, updateApp)),
		"POST /filters/apps":     ok(kit.Taking(filterApps)),

		"GET /apps/{app}/config-vars":             ok(kit.On(theApp, getConfigVars)),
		"PATCH /apps/{app}/config-vars":           ok(kit.Changing(theApp, updateConfigVars)),
		"GET /apps/{app}/buildpack-installations": ok(kit.On(theApp, getBuildpacks)),
		"PUT /apps/{app}/buildpack-installations": ok(kit.Changing(theApp, updateBuildpacks)),

		"POST /apps/{app}/slugs":             created(kit.Changing(theApp, createSlug)),
		"GET /apps/{app}/slugs/{slug}":       ok(kit.On(theApp, getSlug)),
		"GET /apps/{app}/releases":           ok(kit.On(theApp, getReleases)),
		"POST /apps/{app}/releases":          created(kit.Changing(theApp, createRelease)),
		"GET /apps/{app}/releases/{release}": ok(kit.On(theApp, getRelease)),

		"GET /pipelines":                               ok(getPipelines),
		"POST /pipelines":                              created(kit.Taking(createPipeline)),
		"GET /pipelines/{pipeline}":                    ok(getPipeline),
		"GET /pipelines/{pipeline}/pipeline-couplings": ok(kit.On(thePipeline, getPipelineCouplings)),
		"GET /pipelines/{pipeline}/latest-releases":    ok(kit.On(thePipeline, getLatestReleases)),

		"GET /apps/{app}/pipeline-couplings":    ok(kit.On(theApp, getAppCoupling)),
		"POST /pipeline-couplings":              created(kit.Taking(createCoupling)),
		"PATCH /pipeline-couplings/{coupling}":  ok(kit.Changing(theCoupling, updateCoupling)),
		"DELETE /pipeline-couplings/{coupling}": ok(kit.On(theCoupling, deleteCoupling)),

		"POST /pipeline-promotions":                              created(kit.Taking(createPromotion)),
		"GET /pipeline-promotions/{promotion}":                   ok(kit.On(thePromotion, getPromotion)),
		"GET /pipeline-promotions/{promotion}/promotion-targets": ok(kit.On(thePromotion, getPromotionTargets)),

		"/": ok(unserved),
	}, e.serve)
	mux.HandleFunc("GET /streams/{release}", e.stream)
	return mux
}

// serve authenticates the caller and answers.
func (e *Emulator) serve(w http.ResponseWriter, r *http.Request, op operation) {
	c := &call{r, e.account(), e.Targets}
	if err := c.admit(); err != nil {
		c.writeError(w, r, err)
		return
	}
	body, err := op.Serve(c)
	if err != nil {
		c.writeError(w, r, err)
		return
	}
	switch body := body.(type) {
	case list:
		c.writePage(w, body)
	case candidates:
		c.write(w, r, http.StatusMultipleChoices, body)
	default:
		c.write(w, r, op.Status, body)
	}
}

// writePage answers with the page of a list that is asked for.
func (c *call) writePage(w http.ResponseWriter, l list) {
	p, err := l.page(c.Header.Get("Range"))
	if err != nil {
		c.writeError(w, c.Request, err)
		return
	}
	status := http.StatusOK
	if p.next != "" {
		// docs/platforms.md: "Lists page with 206 + `Next-Range`, echoed as `Range`"
		w.Header().Set("Next-Range", p.next)
		status = http.StatusPartialContent
	}
	c.write(w, c.Request, status, p.items)
}

// admit checks the token and the account's requests.
func (c *call) admit() error {
	if err := refusals()[sandbox.FaultOf(c.Request)]; err != nil {
		return err
	}
	if token := tokenOf(c.Request); token == "" || token == RejectedKey {
		return errUnauthorized
	}
	if !strings.HasPrefix(c.Header.Get("Accept"), "application/vnd.heroku+json; version=3") {
		return kit.Errorf(http.StatusNotFound, "not_found", "The requested API endpoint was not found. Are you using the right HTTP verb and the right Accept header?")
	}
	if !c.tokens.take(c.now) {
		return errRateLimit
	}
	return nil
}

// tokenOf is the caller's token, "" for none.
//
// docs/platforms.md: "the token is a Bearer's, or the password of HTTP Basic"
func tokenOf(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}

func unserved(c *call) (any, error) {
	return nil, kit.Errorf(http.StatusNotFound, "not_found", "the sandbox does not serve %s %s", c.Method, c.URL.Path)
}
