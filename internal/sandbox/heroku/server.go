package heroku

import (
	"encoding/json"
	"net/http"
	"strings"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/kit"
)

// operation is one call of the API. A list is answered page by page.
type operation func(r *http.Request) (status int, body any, err error)

// none is the resource of a call that is on none, and the body of one that has none.
type none struct{}

// on is a call on a resource that must be there, and that reads a body of its own type.
func on[R, In any](status int, find func(*http.Request) (*R, error), serve func(*http.Request, *R, *In) (any, error)) operation {
	return func(r *http.Request) (int, any, error) {
		resource, err := find(r)
		if err != nil {
			return 0, nil, err
		}
		in := new(In)
		if _, silent := any(in).(*none); !silent {
			err = decode(r, in)
		}
		if err != nil {
			return 0, nil, err
		}
		body, err := serve(r, resource, in)
		if _, several := body.(candidates); several {
			return http.StatusMultipleChoices, body, err
		}
		return status, body, err
	}
}

func nothing(*http.Request) (*none, error) { return nil, nil }

// app is the one that a request's path names, by id or name.
func (e *Emulator) app(r *http.Request) (*app, error) { return e.State.app(r.PathValue("app")) }

func (e *Emulator) pipeline(r *http.Request) (*herokuPipeline, error) {
	return found(e.State.Pipelines[r.PathValue("pipeline")], "pipeline")
}

func (e *Emulator) coupling(r *http.Request) (*coupling, error) {
	has := func(c *coupling) bool { return c.ID == r.PathValue("coupling") }
	return found(kit.Find(kit.Sorted(e.State.Couplings), has), "pipeline coupling")
}

func (e *Emulator) promotion(r *http.Request) (*promoted, error) {
	return found(e.State.Promotions[r.PathValue("promotion")], "pipeline promotion")
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
		"GET /account":             on(ok, nothing, e.getAccount),
		"GET /users/{user}":        on(ok, nothing, e.getAccount),
		"GET /account/rate-limits": on(ok, nothing, e.getRateLimits),

		"GET /apps":              on(ok, nothing, e.getApps),
		"GET /users/{user}/apps": on(ok, nothing, e.getApps), // one user owns them all
		"POST /apps":             on(created, nothing, e.createApp),
		"GET /apps/{app}":        on(ok, e.app, e.getApp),
		"PATCH /apps/{app}":      on(ok, e.app, e.updateApp),
		"POST /filters/apps":     on(ok, nothing, e.filterApps),

		"GET /apps/{app}/config-vars":             on(ok, e.app, e.getConfigVars),
		"PATCH /apps/{app}/config-vars":           on(ok, e.app, e.updateConfigVars),
		"GET /apps/{app}/buildpack-installations": on(ok, e.app, e.getBuildpacks),
		"PUT /apps/{app}/buildpack-installations": on(ok, e.app, e.updateBuildpacks),

		"POST /apps/{app}/slugs":             on(created, e.app, e.createSlug),
		"GET /apps/{app}/slugs/{slug}":       on(ok, e.app, e.getSlug),
		"GET /apps/{app}/releases":           on(ok, e.app, e.getReleases),
		"POST /apps/{app}/releases":          on(created, e.app, e.createRelease),
		"GET /apps/{app}/releases/{release}": on(ok, e.app, e.getRelease),

		"GET /pipelines":                               on(ok, nothing, e.getPipelines),
		"POST /pipelines":                              on(created, nothing, e.createPipeline),
		"GET /pipelines/{pipeline}":                    on(ok, nothing, e.getPipeline),
		"GET /pipelines/{pipeline}/pipeline-couplings": on(ok, e.pipeline, e.getPipelineCouplings),
		"GET /pipelines/{pipeline}/latest-releases":    on(ok, e.pipeline, e.getLatestReleases),

		"GET /apps/{app}/pipeline-couplings":    on(ok, e.app, e.getAppCoupling),
		"POST /pipeline-couplings":              on(created, nothing, e.createCoupling),
		"PATCH /pipeline-couplings/{coupling}":  on(ok, e.coupling, e.updateCoupling),
		"DELETE /pipeline-couplings/{coupling}": on(ok, e.coupling, e.deleteCoupling),

		"POST /pipeline-promotions":                              on(created, nothing, e.createPromotion),
		"GET /pipeline-promotions/{promotion}":                   on(ok, e.promotion, e.getPromotion),
		"GET /pipeline-promotions/{promotion}/promotion-targets": on(ok, e.promotion, e.getPromotionTargets),

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
	if !e.tokens.take(e.Now()) {
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

func (e *Emulator) getAccount(*http.Request, *none, *none) (any, error) {
	return map[string]any{"id": ownerID(), "email": ownerEmail, "name": "Sandbox"}, nil
}

func (e *Emulator) getRateLimits(*http.Request, *none, *none) (any, error) {
	return map[string]int{"remaining": e.tokens.left}, nil
}
