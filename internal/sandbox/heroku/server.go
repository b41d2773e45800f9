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

// operation is one call of the API. A list is answered page by page.
type operation struct {
	status int
	serve  func(*call) (any, error)
}

// on is a call on a resource that must be there.
func on[R any](find func(*call) (*R, error), serve func(*call, *R) (any, error)) func(*call) (any, error) {
	return func(c *call) (any, error) {
		resource, err := find(c)
		if err != nil {
			return nil, err
		}
		return serve(c, resource)
	}
}

// taking is a call that reads a body of its own type.
func taking[In any](serve func(*call, *In) (any, error)) func(*call) (any, error) {
	return func(c *call) (any, error) {
		in := new(In)
		if err := json.NewDecoder(c.Body).Decode(in); err != nil {
			return nil, &apiError{http.StatusBadRequest, "bad_request", "The request body is not JSON: " + err.Error()}
		}
		return serve(c, in)
	}
}

// changing is a call on a resource that must be there, and that reads a body.
func changing[R, In any](find func(*call) (*R, error), serve func(*call, *R, *In) (any, error)) func(*call) (any, error) {
	return on(find, func(c *call, r *R) (any, error) {
		return taking(func(c *call, in *In) (any, error) { return serve(c, r, in) })(c)
	})
}

// found is a resource, or the refusal where there is none.
func found[R any](r *R, what string) (*R, error) {
	if r == nil {
		return nil, notFound(what)
	}
	return r, nil
}

// mux routes the calls.
func (e *Emulator) mux() http.Handler {
	const ok, created = http.StatusOK, http.StatusCreated
	mux := http.NewServeMux()
	for pattern, op := range map[string]operation{
		"GET /account":             {ok, getAccount},
		"GET /users/{user}":        {ok, getAccount},
		"GET /account/rate-limits": {ok, getRateLimits},

		"GET /apps":              {ok, getApps},
		"GET /users/{user}/apps": {ok, getApps}, // one user owns them all
		"POST /apps":             {created, taking(createApp)},
		"GET /apps/{app}":        {ok, on(theApp, getApp)},
		"PATCH /apps/{app}":      {ok, changing(theApp, updateApp)},
		"POST /filters/apps":     {ok, taking(filterApps)},

		"GET /apps/{app}/config-vars":             {ok, on(theApp, getConfigVars)},
		"PATCH /apps/{app}/config-vars":           {ok, changing(theApp, updateConfigVars)},
		"GET /apps/{app}/buildpack-installations": {ok, on(theApp, getBuildpacks)},
		"PUT /apps/{app}/buildpack-installations": {ok, changing(theApp, updateBuildpacks)},

		"POST /apps/{app}/slugs":             {created, changing(theApp, createSlug)},
		"GET /apps/{app}/slugs/{slug}":       {ok, on(theApp, getSlug)},
		"GET /apps/{app}/releases":           {ok, on(theApp, getReleases)},
		"POST /apps/{app}/releases":          {created, changing(theApp, createRelease)},
		"GET /apps/{app}/releases/{release}": {ok, on(theApp, getRelease)},

		"GET /pipelines":                               {ok, getPipelines},
		"POST /pipelines":                              {created, taking(createPipeline)},
		"GET /pipelines/{pipeline}":                    {ok, getPipeline},
		"GET /pipelines/{pipeline}/pipeline-couplings": {ok, on(thePipeline, getPipelineCouplings)},
		"GET /pipelines/{pipeline}/latest-releases":    {ok, on(thePipeline, getLatestReleases)},

		"GET /apps/{app}/pipeline-couplings":    {ok, on(theApp, getAppCoupling)},
		"POST /pipeline-couplings":              {created, taking(createCoupling)},
		"PATCH /pipeline-couplings/{coupling}":  {ok, changing(theCoupling, updateCoupling)},
		"DELETE /pipeline-couplings/{coupling}": {ok, on(theCoupling, deleteCoupling)},

		"POST /pipeline-promotions":                              {created, taking(createPromotion)},
		"GET /pipeline-promotions/{promotion}":                   {ok, on(thePromotion, getPromotion)},
		"GET /pipeline-promotions/{promotion}/promotion-targets": {ok, on(thePromotion, getPromotionTargets)},

		"/": {http.StatusNotFound, unserved},
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { e.serve(w, r, op) })
	}
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
	body, err := op.serve(c)
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
		c.write(w, r, op.status, body)
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
	if refused, ok := refusals(sandbox.FaultOf(c.Request)); ok {
		return refused
	}
	if token := tokenOf(c.Request); token == "" || token == RejectedKey {
		return errUnauthorized
	}
	if !strings.HasPrefix(c.Header.Get("Accept"), "application/vnd.heroku+json; version=3") {
		return &apiError{http.StatusNotFound, "not_found", "The requested API endpoint was not found. Are you using the right HTTP verb and the right Accept header?"}
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
	return nil, &apiError{http.StatusNotFound, "not_found", "the sandbox does not serve " + c.Method + " " + c.URL.Path}
}
