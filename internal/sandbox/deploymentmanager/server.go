package deploymentmanager

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/googleapi"
)

// call is one request to a method of the API.
type call struct {
	*http.Request
	project, name string // name is the deployment's or the operation's, "" for a collection
	sub           string // what is named below the deployment
	body          []byte
	fault         sandbox.FaultKind
}

func (c *call) query(name string) string { return c.URL.Query().Get(name) }
func (c *call) key() string              { return c.project + "/" + c.name }

// preview reports whether the request asks for a preview. gcloud writes True.
func (c *call) preview() bool {
	asked, err := strconv.ParseBool(c.query("preview"))
	return err == nil && asked
}

// link is the URL of something in the call's project.
func (c *call) link(path string) string {
	return "https://www.googleapis.com/deploymentmanager/v2/projects/" + c.project + "/global/" + path
}

// route is a method of the API: the query parameters it has and what it does.
type route struct {
	query []string
	serve func(*call) (any, error)
}

func list() []string { return []string{"filter", "maxResults", "orderBy", "pageToken"} }

// table has the methods by HTTP method and path below projects/P/global.
func (e *Emulator) table() map[string]route {
	change := []string{"preview", "createPolicy", "deletePolicy", "header.bypassBillingFilter"}
	read := []string{"header.bypassBillingFilter"}
	return map[string]route{
		"GET deployments":                  {list(), e.listDeployments},
		"POST deployments":                 {change, e.insert},
		"GET deployments/*":                {read, e.getDeployment},
		"PUT deployments/*":                {change, e.update},
		"POST deployments/*/cancelPreview": {nil, e.cancelPreview},
		"GET deployments/*/manifests":      {list(), e.listManifests},
		"GET deployments/*/manifests/*":    {read, e.getManifest},
		"GET deployments/*/resources":      {list(), e.listResources},
		"GET operations":                   {list(), e.listOperations},
		"GET operations/*":                 {read, e.getOperation},
	}
}

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		writeError(w, invalid("%v", err))
		return
	}
	answer, err := e.answer(&call{Request: r, body: body, fault: sandbox.FaultOf(r)})
	if err != nil {
		writeError(w, err)
		return
	}
	googleapi.WriteJSON(w, http.StatusOK, answer)
}

// answer lets time pass and serves the method that the request names.
func (e *Emulator) answer(c *call) (any, error) {
	key, name, ok := address(c.Request)
	method, served := e.routes[key]
	if !ok || !served {
		return nil, &apiError{http.StatusNotFound, "notFound", "the sandbox does not serve " + c.Method + " " + c.URL.Path}
	}
	if err := googleapi.CheckQuery(c.Request, method.query); err != nil {
		return nil, invalid("%v", err)
	}
	c.project, c.name = split(name)
	_, c.sub, _ = strings.Cut(c.name, "/")
	c.name, _, _ = strings.Cut(c.name, "/")
	if !slices.Contains(e.state.Projects, c.project) {
		return nil, &apiError{http.StatusNotFound, "notFound", "The resource 'projects/" + c.project + "' was not found"}
	}
	e.settle()
	return method.serve(c)
}

// resourceName is what Deployment Manager accepts as a name.
var resourceName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`) })

// address reads /deploymentmanager/v2/projects/P/global/… as a key of the
// table and "P/NAME[/SUB]".
func address(r *http.Request) (key, name string, ok bool) {
	path, ok := strings.CutPrefix(r.URL.Path, "/deploymentmanager/v2/projects/")
	parts := strings.Split(path, "/")
	if !ok || len(parts) < 3 || parts[1] != "global" {
		return "", "", false
	}
	project, rest := parts[0], parts[2:]
	pattern := slices.Clone(rest)
	var names []string
	for i := 1; i < len(rest); i += 2 {
		names = append(names, rest[i])
		pattern[i] = "*"
	}
	return r.Method + " " + strings.Join(pattern, "/"), strings.Join(append([]string{project}, names...), "/"), true
}

// split takes a project and what is named in it apart.
func split(name string) (project, rest string) {
	project, rest, _ = strings.Cut(name, "/")
	return project, rest
}

// decode reads the body into one of the API's types.
func (c *call) decode(into any) error {
	if err := googleapi.Decode(c.body, into); err != nil {
		return invalid("%v", err)
	}
	return nil
}

// apiError is an answer that refuses.
type apiError struct {
	code    int
	reason  string
	message string
}

// Error implements error.
func (e *apiError) Error() string { return e.reason + ": " + e.message }

func invalid(format string, args ...any) error {
	return &apiError{http.StatusBadRequest, "invalid", fmt.Sprintf(format, args...)}
}

func notFound(kind, name string) error {
	return &apiError{http.StatusNotFound, "notFound", fmt.Sprintf("The object '%s' of kind %s is not found.", name, kind)}
}

// writeError answers with err in the shape of Google's older APIs.
func writeError(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		e = &apiError{http.StatusInternalServerError, "backendError", err.Error()}
	}
	googleapi.WriteJSON(w, e.code, map[string]any{"error": map[string]any{
		"code": e.code, "message": e.message,
		"errors": []any{map[string]string{"message": e.message, "domain": "global", "reason": e.reason}},
	}})
}
