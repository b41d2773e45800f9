package heroku

import (
	"encoding/json"
	"net/http"
	"strings"

	"sluice/internal/sandbox"
)

// operation is one call of the API. A list is answered page by page.
type operation func(r *http.Request) (status int, body any, err error)

// mux routes the calls.
func (e *Emulator) mux() http.Handler {
	mux := http.NewServeMux()
	for pattern, op := range map[string]operation{
		"GET /account":             e.getAccount,
		"GET /users/{user}":        e.getAccount,
		"GET /account/rate-limits": e.getRateLimits,

		"GET /apps":              e.getApps,
		"GET /users/{user}/apps": e.getApps, // one user owns them all
		"POST /apps":             e.createApp,
		"GET /apps/{app}":        e.getApp,
		"PATCH /apps/{app}":      e.updateApp,
		"POST /filters/apps":     e.filterApps,

		"GET /apps/{app}/config-vars":             e.getConfigVars,
		"PATCH /apps/{app}/config-vars":           e.updateConfigVars,
		"GET /apps/{app}/buildpack-installations": e.getBuildpacks,
		"PUT /apps/{app}/buildpack-installations": e.updateBuildpacks,

		"POST /apps/{app}/slugs":             e.createSlug,
		"GET /apps/{app}/slugs/{slug}":       e.getSlug,
		"GET /apps/{app}/releases":           e.getReleases,
		"POST /apps/{app}/releases":          e.createRelease,
		"GET /apps/{app}/releases/{release}": e.getRelease,

		"GET /pipelines":                               e.getPipelines,
		"POST /pipelines":                              e.createPipeline,
		"GET /pipelines/{pipeline}":                    e.getPipeline,
		"GET /pipelines/{pipeline}/pipeline-couplings": e.getPipelineCouplings,
		"GET /pipelines/{pipeline}/latest-releases":    e.getLatestReleases,

		"GET /apps/{app}/pipeline-couplings":    e.getAppCoupling,
		"POST /pipeline-couplings":              e.createCoupling,
		"PATCH /pipeline-couplings/{coupling}":  e.updateCoupling,
		"DELETE /pipeline-couplings/{coupling}": e.deleteCoupling,

		"POST /pipeline-promotions":                              e.createPromotion,
		"GET /pipeline-promotions/{promotion}":                   e.getPromotion,
		"GET /pipeline-promotions/{promotion}/promotion-targets": e.getPromotionTargets,

		"/": unserved,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { e.serve(w, r, op) })
	}
	mux.HandleFunc("GET /streams/{release}", e.stream)
	return mux
}

// serve authenticates the caller and answers.
func (e *Emulator) serve(w http.ResponseWriter, r *http.Request, op operation) {
	if err := e.admit(r); err != nil {
		e.writeError(w, r, err)
		return
	}
	status, body, err := op(r)
	if err != nil {
		e.writeError(w, r, err)
		return
	}
	l, ok := body.(list)
	if !ok {
		e.write(w, r, status, body)
		return
	}
	p, err := l.page(r.Header.Get("Range"))
	if err != nil {
		e.writeError(w, r, err)
		return
	}
	if p.next != "" {
		// docs/platforms.md: "Lists page with 206 + `Next-Range`, echoed as `Range`"
		w.Header().Set("Next-Range", p.next)
		status = http.StatusPartialContent
	}
	e.write(w, r, status, p.items)
}

// admit checks the token and the account's requests.
func (e *Emulator) admit(r *http.Request) error {
	if refused, ok := refusals(sandbox.FaultOf(r)); ok {
		return refused
	}
	if token := tokenOf(r); token == "" || token == RejectedKey {
		return errUnauthorized
	}
	if !strings.HasPrefix(r.Header.Get("Accept"), "application/vnd.heroku+json; version=3") {
		return &apiError{http.StatusNotFound, "not_found", "The requested API endpoint was not found. Are you using the right HTTP verb and the right Accept header?"}
	}
	if !e.tokens.take(e.now()) {
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

func unserved(r *http.Request) (int, any, error) {
	return 0, nil, &apiError{http.StatusNotFound, "not_found", "the sandbox does not serve " + r.Method + " " + r.URL.Path}
}

// decode reads a request's JSON body.
func decode(r *http.Request, into any) error {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		return &apiError{http.StatusBadRequest, "bad_request", "The request body is not JSON: " + err.Error()}
	}
	return nil
}

func (e *Emulator) getAccount(*http.Request) (int, any, error) {
	return http.StatusOK, map[string]any{"id": ownerID(), "email": ownerEmail, "name": "Sandbox"}, nil
}

func (e *Emulator) getRateLimits(*http.Request) (int, any, error) {
	return http.StatusOK, map[string]int{"remaining": e.tokens.left}, nil
}
