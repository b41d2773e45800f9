package apigateway

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"

	"sluice/internal/sandbox/awsapi"
)

// call is a request about a REST API.
type call struct {
	*http.Request
	region string
	api    *restAPI
}

// on is a call on an API that must be there, and that reads a body of its own type.
func on[In any](e *Emulator, status int, serve func(*call, *In) (any, error)) awsapi.Operation {
	return func(region string, r *http.Request) (int, any, error) {
		api, err := e.State.api(region, r.PathValue("api"))
		if err != nil {
			return 0, nil, err
		}
		in := new(In)
		if err := decode(r, in); err != nil {
			return 0, nil, err
		}
		body, err := serve(&call{r, region, api}, in)
		return status, body, err
	}
}

// mux routes the calls.
func (e *Emulator) mux() http.Handler {
	const ok, created, accepted, noContent = http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent
	const api, domainName = "/restapis/{api}", "/v2/domainnames/{domain}"
	const mappings, rules = domainName + "/apimappings", domainName + "/routingrules"
	mux := http.NewServeMux()
	for pattern, op := range map[string]awsapi.Operation{
		"GET /restapis":  e.getRestAPIs,
		"POST /restapis": e.createRestAPI,
		"GET " + api:     on(e, ok, e.getRestAPI),
		"DELETE " + api:  on(e, accepted, e.deleteRestAPI),

		"GET " + api + "/deployments":                 on(e, ok, e.getDeployments),
		"POST " + api + "/deployments":                on(e, created, e.createDeployment),
		"GET " + api + "/deployments/{deployment}":    on(e, ok, e.getDeployment),
		"DELETE " + api + "/deployments/{deployment}": on(e, accepted, e.deleteDeployment),

		"GET " + api + "/stages":            on(e, ok, e.getStages),
		"POST " + api + "/stages":           on(e, created, e.createStage),
		"GET " + api + "/stages/{stage}":    on(e, ok, e.getStage),
		"PATCH " + api + "/stages/{stage}":  on(e, ok, e.updateStage),
		"DELETE " + api + "/stages/{stage}": on(e, accepted, e.deleteStage),

		"POST /v2/domainnames":              e.createDomain,
		"GET " + domainName:                 onDomain(e, ok, e.getDomain),
		"PATCH " + domainName:               onDomain(e, ok, e.updateDomain),
		"DELETE " + domainName:              onDomain(e, noContent, e.deleteDomain),
		"GET " + mappings:                   onDomain(e, ok, e.getMappings),
		"POST " + mappings:                  onDomain(e, created, e.createMapping),
		"DELETE " + mappings + "/{mapping}": onDomain(e, noContent, e.deleteMapping),
		"GET " + rules:                      onDomain(e, ok, e.listRules),
		"POST " + rules:                     onDomain(e, created, e.createRule),
		"GET " + rules + "/{rule}":          onDomain(e, ok, e.getRule),
		"PUT " + rules + "/{rule}":          onDomain(e, ok, e.putRule),
		"DELETE " + rules + "/{rule}":       onDomain(e, noContent, e.deleteRule),

		"GET " + api + "/resources":                             on(e, ok, e.getResources),
		"GET " + api + "/resources/{resource}":                  on(e, ok, e.getResource),
		"GET " + api + "/resources/{resource}/methods/{method}": on(e, ok, e.getMethod),
		"GET /tags/{arn...}":                                    e.getTags,

		"/": awsapi.Unserved,
	} {
		mux.Handle(pattern, op)
	}
	return mux
}

// decode reads a request's JSON body; an empty one leaves into as it is.
func decode(r *http.Request, into any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return badRequest("%v", err)
	}
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return awsapi.Errorf(http.StatusBadRequest, "SerializationException", "%v", err)
	}
	return nil
}

// page is one page of a list on the wire.
type page[T any] struct {
	Position string `json:"position,omitempty"`
	Item     []T    `json:"item"`
}

// paged cuts the page that r asks for (limit, position) out of all: 25 items
// unless said otherwise, 500 at most. id is the item's unique name.
func paged[T any](r *http.Request, all []T, id func(T) string) (page[T], error) {
	limit := 25
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return page[T]{}, badRequest("Invalid limit specified: %s", text)
		}
		limit = min(n, 500)
	}
	from := 0
	if position := r.URL.Query().Get("position"); position != "" {
		i := slices.IndexFunc(all, func(item T) bool { return id(item) == position })
		if i < 0 {
			return page[T]{}, badRequest("Invalid position specified: %s", position)
		}
		from = i
	}
	to := min(from+limit, len(all))
	p := page[T]{Item: append([]T{}, all[from:to]...)}
	if to < len(all) {
		p.Position = id(all[to])
	}
	return p, nil
}
