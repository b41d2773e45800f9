package apigateway

import (
	"net/http"
	"time"

	"sluice/internal/sandbox/awsapi"
	"sluice/internal/sandbox/kit"
)

// call is a request, with what it is about.
type call struct {
	*http.Request
	*state
	now    time.Time
	region string
	api    *restAPI // nil where the path names none
	domain *domain  // as well
}

// call is a request about what its path names, which must be there.
func (e *Emulator) call(region string, r *http.Request) (*call, error) {
	c := &call{Request: r, state: &e.State, now: e.Now(), region: region}
	var err error
	if id := r.PathValue("api"); id != "" {
		c.api, err = c.findAPI(region, id)
	}
	if name := r.PathValue("domain"); name != "" {
		c.domain, err = c.findDomain(region, name)
	}
	return c, err
}

// taking is a call that reads a body of its own type.
func taking[In any](e *Emulator, status int, serve func(*call, *In) (any, error)) awsapi.Operation {
	return awsapi.Taking(status, func(err error) error {
		return awsapi.Errorf(http.StatusBadRequest, "SerializationException", "%v", err)
	}, e.call, serve)
}

// routes serve the calls.
func (e *Emulator) routes() http.Handler {
	const ok, created, accepted, noContent = http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent
	const api, domainName = "/restapis/{api}", "/v2/domainnames/{domain}"
	const mappings, rules = domainName + "/apimappings", domainName + "/routingrules"
	on := func(status int, serve func(*call) (any, error)) awsapi.Operation {
		return awsapi.On(status, e.call, serve)
	}
	return awsapi.Routes(map[string]awsapi.Operation{
		"GET /restapis":  on(ok, getRestAPIs),
		"POST /restapis": taking(e, created, createRestAPI),
		"GET " + api:     on(ok, getRestAPI),
		"DELETE " + api:  on(accepted, deleteRestAPI),

		"GET " + api + "/deployments":                 on(ok, getDeployments),
		"POST " + api + "/deployments":                taking(e, created, createDeployment),
		"GET " + api + "/deployments/{deployment}":    on(ok, getDeployment),
		"DELETE " + api + "/deployments/{deployment}": on(accepted, deleteDeployment),

		"GET " + api + "/stages":            on(ok, getStages),
		"POST " + api + "/stages":           taking(e, created, createStage),
		"GET " + api + "/stages/{stage}":    on(ok, getStage),
		"PATCH " + api + "/stages/{stage}":  taking(e, ok, updateStage),
		"DELETE " + api + "/stages/{stage}": on(accepted, deleteStage),

		"POST /v2/domainnames":              taking(e, created, createDomain),
		"GET " + domainName:                 on(ok, getDomain),
		"PATCH " + domainName:               taking(e, ok, updateDomain),
		"DELETE " + domainName:              on(noContent, deleteDomain),
		"GET " + mappings:                   on(ok, getMappings),
		"POST " + mappings:                  taking(e, created, createMapping),
		"DELETE " + mappings + "/{mapping}": on(noContent, deleteMapping),
		"GET " + rules:                      on(ok, listRules),
		"POST " + rules:                     taking(e, created, createRule),
		"GET " + rules + "/{rule}":          on(ok, getRule),
		"PUT " + rules + "/{rule}":          taking(e, ok, putRule),
		"DELETE " + rules + "/{rule}":       on(noContent, deleteRule),

		"GET " + api + "/resources":                             on(ok, getResources),
		"GET " + api + "/resources/{resource}":                  on(ok, getResource),
		"GET " + api + "/resources/{resource}/methods/{method}": on(ok, getMethod),
		"GET /tags/{arn...}":                                    on(ok, getTags),
	})
}

// page is one page of a list on the wire.
type page[T any] struct {
	Position string `json:"position,omitempty"`
	Item     []T    `json:"item"`
}

// paged cuts the page that r asks for (limit, position) out of all: 25 items
// unless said otherwise, 500 at most. id is the item's unique name.
func paged[T any](r *http.Request, all []T, id func(T) string) (page[T], error) {
	query := r.URL.Query()
	limit, ok := kit.Number(query.Get("limit"), 25, 1)
	if !ok {
		return page[T]{}, badRequest("Invalid limit specified: %s", query.Get("limit"))
	}
	items, next, ok := kit.PageAt(all, id, query.Get("position"), min(limit, 500))
	if !ok {
		return page[T]{}, badRequest("Invalid position specified: %s", query.Get("position"))
	}
	return page[T]{next, append([]T{}, items...)}, nil
}
