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

// Decode implements kit.Call.
func (c *call) Decode(into any) error {
	return awsapi.Decode(c.Request, into, "SerializationException", "%v")
}

// routes serve the calls.
func (e *Emulator) routes() http.Handler {
	ok, created := kit.Answering[*call](http.StatusOK), kit.Answering[*call](http.StatusCreated)
	accepted, noContent := kit.Answering[*call](http.StatusAccepted), kit.Answering[*call](http.StatusNoContent)
	const api, domainName = "/restapis/{api}", "/v2/domainnames/{domain}"
	const mappings, rules = domainName + "/apimappings", domainName + "/routingrules"
	return awsapi.Routes(map[string]kit.Operation[*call]{
		"GET /restapis":  ok(getRestAPIs),
		"POST /restapis": created(kit.Taking(createRestAPI)),
		"GET " + api:     ok(getRestAPI),
		"DELETE " + api:  accepted(deleteRestAPI),

		"GET " + api + "/deployments":                 ok(getDeployments),
		"POST " + api + "/deployments":                created(kit.Taking(createDeployment)),
		"GET " + api + "/deployments/{deployment}":    ok(kit.On((*call).deployment, whole[deployment])),
		"DELETE " + api + "/deployments/{deployment}": accepted(kit.On((*call).deployment, deleteDeployment)),

		"GET " + api + "/stages":            ok(getStages),
		"POST " + api + "/stages":           created(kit.Taking(createStage)),
		"GET " + api + "/stages/{stage}":    ok(kit.On((*call).stage, whole[stage])),
		"PATCH " + api + "/stages/{stage}":  ok(kit.Changing((*call).stage, updateStage)),
		"DELETE " + api + "/stages/{stage}": accepted(kit.On((*call).stage, deleteStage)),

		"POST /v2/domainnames":              created(kit.Taking(createDomain)),
		"GET " + domainName:                 ok(getDomain),
		"PATCH " + domainName:               ok(kit.Taking(updateDomain)),
		"DELETE " + domainName:              noContent(deleteDomain),
		"GET " + mappings:                   ok(getMappings),
		"POST " + mappings:                  created(kit.Taking(createMapping)),
		"DELETE " + mappings + "/{mapping}": noContent(deleteMapping),
		"GET " + rules:                      ok(listRules),
		"POST " + rules:                     created(kit.Taking(createRule)),
		"GET " + rules + "/{rule}":          ok(kit.On((*call).rule, whole[rule])),
		"PUT " + rules + "/{rule}":          ok(kit.Changing((*call).rule, putRule)),
		"DELETE " + rules + "/{rule}":       noContent(kit.On((*call).rule, deleteRule)),

		"GET " + api + "/resources":                             ok(getResources),
		"GET " + api + "/resources/{resource}":                  ok(getResource),
		"GET " + api + "/resources/{resource}/methods/{method}": ok(getMethod),
		"GET /tags/{arn...}":                                    ok(getTags),
	}, e.call)
}

// whole answers what a call is about.
func whole[R any](_ *call, r *R) (any, error) { return r, nil }

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
