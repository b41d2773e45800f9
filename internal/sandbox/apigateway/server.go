package apigateway

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"

	"sluice/internal/sandbox/awsapi"
)

// mux routes the calls.
func (e *Emulator) mux() http.Handler {
	mux := http.NewServeMux()
	for pattern, op := range map[string]awsapi.Operation{
		"GET /restapis":          e.getRestAPIs,
		"POST /restapis":         e.createRestAPI,
		"GET /restapis/{api}":    e.getRestAPI,
		"DELETE /restapis/{api}": e.deleteRestAPI,

		"GET /restapis/{api}/deployments":                 e.getDeployments,
		"POST /restapis/{api}/deployments":                e.createDeployment,
		"GET /restapis/{api}/deployments/{deployment}":    e.getDeployment,
		"DELETE /restapis/{api}/deployments/{deployment}": e.deleteDeployment,

		"GET /restapis/{api}/stages":            e.getStages,
		"POST /restapis/{api}/stages":           e.createStage,
		"GET /restapis/{api}/stages/{stage}":    e.getStage,
		"PATCH /restapis/{api}/stages/{stage}":  e.updateStage,
		"DELETE /restapis/{api}/stages/{stage}": e.deleteStage,

		"GET /restapis/{api}/resources":                             e.getResources,
		"GET /restapis/{api}/resources/{resource}":                  e.getResource,
		"GET /restapis/{api}/resources/{resource}/methods/{method}": e.getMethod,
		"GET /tags/{arn...}":                                        e.getTags,

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
