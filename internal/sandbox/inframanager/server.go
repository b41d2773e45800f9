package inframanager

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/googleapi"
)

// call is one request to a method of the API.
type call struct {
	*http.Request
	address
	body  []byte
	fault sandbox.FaultKind
}

func (c *call) query(name string) string { return c.URL.Query().Get(name) }

// decode reads the body into one of the API's types.
func (c *call) decode(into any) error {
	if err := googleapi.Decode(c.body, into); err != nil {
		return invalid("%v", err)
	}
	return nil
}

// address is what a request is about.
type address struct {
	key      string // of the table
	name     string // the resource, or for a list what it is below
	location string
}

// route is a method of the API: the query parameters it has and what it does.
type route struct {
	query []string
	serve func(*call) (any, error)
}

func list() []string { return []string{"filter", "orderBy", "pageSize", "pageToken"} }

// table has the methods by HTTP method and path below projects/P/locations/L.
func (e *Emulator) table() map[string]route {
	return map[string]route{
		"GET deployments":                {list(), e.listDeployments},
		"POST deployments":               {[]string{"deploymentId", "requestId"}, e.createDeployment},
		"GET deployments/*":              {nil, e.getDeployment},
		"PATCH deployments/*":            {[]string{"updateMask", "requestId"}, e.updateDeployment},
		"POST deployments/*:lock":        {nil, e.lock},
		"POST deployments/*:unlock":      {nil, e.unlock},
		"GET deployments/*:exportLock":   {nil, e.exportLock},
		"GET deployments/*/revisions":    {list(), e.listRevisions},
		"GET deployments/*/revisions/*":  {nil, e.getRevision},
		"GET previews":                   {list(), e.listPreviews},
		"POST previews":                  {[]string{"previewId", "requestId"}, e.createPreview},
		"GET previews/*":                 {nil, e.getPreview},
		"DELETE previews/*":              {[]string{"requestId"}, e.deletePreview},
		"GET previews/*/resourceChanges": {list(), e.listChanges},
		"GET operations":                 {list(), e.listOperations},
		"GET operations/*":               {nil, e.getOperation},
	}
}

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		writeError(w, invalid("%v", err))
		return
	}
	answer, err := e.answer(r, body)
	if err != nil {
		writeError(w, err)
		return
	}
	googleapi.WriteJSON(w, http.StatusOK, answer)
}

// answer lets time pass and serves the method that the request names.
func (e *Emulator) answer(r *http.Request, body []byte) (any, error) {
	at, ok := addressOf(r)
	method, served := e.routes[at.key]
	if !ok || !served {
		return nil, refusal(http.StatusNotFound, "NOT_FOUND", "the sandbox does not serve %s %s", r.Method, r.URL.Path)
	}
	if err := googleapi.CheckQuery(r, method.query); err != nil {
		return nil, invalid("%v", err)
	}
	if !slices.Contains(e.state.Locations, at.location) {
		return nil, refusal(http.StatusForbidden, "PERMISSION_DENIED", "Permission 'config.deployments.get' denied on resource '%s' (or it may not exist).", at.name)
	}
	e.settle()
	return method.serve(&call{Request: r, address: at, body: body, fault: sandbox.FaultOf(r)})
}

// addressOf reads /v1/projects/P/locations/L/….
func addressOf(r *http.Request) (address, bool) {
	path, ok := strings.CutPrefix(r.URL.Path, "/v1/")
	parts := strings.Split(path, "/")
	if !ok || len(parts) < 5 || parts[0] != "projects" || parts[2] != "locations" || slices.Contains(parts, "") {
		return address{}, false
	}
	last := len(parts) - 1
	name, verb, isVerb := strings.Cut(parts[last], ":")
	parts[last] = name
	pattern := slices.Clone(parts[4:])
	for i := 1; i < len(pattern); i += 2 {
		pattern[i] = "*"
	}
	key := r.Method + " " + strings.Join(pattern, "/")
	if isVerb {
		key += ":" + verb
	}
	return address{key: key, name: strings.Join(parts, "/"), location: strings.Join(parts[:4], "/")}, true
}

// page cuts out of all what a list request asks for.
func page[T any](c *call, all []T) (items []T, next string, err error) {
	size, from := 500, 0
	if text := c.query("pageSize"); text != "" {
		if size, err = strconv.Atoi(text); err != nil || size < 1 {
			return nil, "", invalid("Invalid page size: '%s'", text)
		}
	}
	if text := c.query("pageToken"); text != "" {
		if from, err = strconv.Atoi(text); err != nil || from < 0 || from > len(all) {
			return nil, "", invalid("Invalid page token: '%s'", text)
		}
	}
	to := min(from+size, len(all))
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[from:to], next, nil
}

// listed is a page of a list under the name that the API has for it.
func listed[T any](c *call, kind string, all []T) (any, error) {
	items, next, err := page(c, all)
	if err != nil {
		return nil, err
	}
	answer := map[string]any{}
	if len(items) > 0 {
		answer[kind] = items
	}
	if next != "" {
		answer["nextPageToken"] = next
	}
	return answer, nil
}

// apiError is an answer that refuses.
type apiError struct {
	code    int
	status  string
	message string
}

// Error implements error.
func (e *apiError) Error() string { return e.status + ": " + e.message }

func refusal(code int, status, format string, args ...any) error {
	return &apiError{code, status, fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return refusal(http.StatusBadRequest, "INVALID_ARGUMENT", format, args...)
}

func notFound(name string) error {
	return refusal(http.StatusNotFound, "NOT_FOUND", "Resource '%s' was not found", name)
}

// writeError answers with err in the shape of Google's APIs.
func writeError(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		e = &apiError{http.StatusInternalServerError, "INTERNAL", err.Error()}
	}
	googleapi.WriteJSON(w, e.code, map[string]any{"error": map[string]any{"code": e.code, "message": e.message, "status": e.status}})
}
