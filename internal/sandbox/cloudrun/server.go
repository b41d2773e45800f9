package cloudrun

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/googleapi"
)

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		e.settle()
		var answer any
		if answer, err = e.answer(r, body); err == nil {
			googleapi.WriteJSON(w, http.StatusOK, answer)
			return
		}
	}
	googleapi.WriteError(w, err)
}

// answer serves the method that the request names.
func (e *Emulator) answer(r *http.Request, body []byte) (any, error) {
	if parent, ok := strings.CutSuffix(r.URL.Path, "/services"); ok && r.Method == http.MethodGet {
		return e.list(strings.TrimPrefix(parent, "/v2/")), nil
	}
	name, collection, id := split(r.URL.Path)
	if name == "" {
		return nil, unserved(r)
	}
	known := []string{}
	switch {
	case r.Method == http.MethodPatch:
		known = []string{"updateMask", "validateOnly", "allowMissing", "forceNewRevision"}
	case collection == "revisions" && id == "":
		known = []string{"pageSize", "pageToken", "showDeleted"}
	}
	if err := googleapi.CheckQuery(r, known); err != nil {
		return nil, googleapi.Errorf(http.StatusBadRequest, "INVALID_ARGUMENT", "%v", err)
	}
	if collection == "operations" {
		return e.operation(name)
	}
	return e.service(r, body, name, collection, id)
}

// service serves a method of a service, or of one of its revisions.
func (e *Emulator) service(r *http.Request, body []byte, name, collection, id string) (any, error) {
	s := e.state.Services[name]
	switch {
	case s == nil:
		return nil, googleapi.Errorf(http.StatusNotFound, "NOT_FOUND", "Resource '%s' of kind 'SERVICE' in region '%s' in project '%s' does not exist.", last(name), part(name, 3), part(name, 1))
	case r.Method == http.MethodPatch && collection == "":
		return e.patch(s, r, body)
	case r.Method != http.MethodGet:
		return nil, unserved(r)
	case collection == "":
		return s.answer(), nil
	case collection == "revisions" && id != "":
		rev := s.revision(id)
		if rev == nil {
			return nil, googleapi.Errorf(http.StatusNotFound, "NOT_FOUND", "Revision '%s' not found in service '%s'", id, last(name))
		}
		return rev.answer(s), nil
	default:
		return s.list(r)
	}
}

func unserved(r *http.Request) error {
	return googleapi.Errorf(http.StatusNotFound, "NOT_FOUND", "the sandbox does not serve %s %s", r.Method, r.URL.Path)
}

// list are the services of a project's location, all on one page.
func (e *Emulator) list(parent string) any {
	items := []any{}
	for _, name := range slices.Sorted(maps.Keys(e.state.Services)) {
		if strings.HasPrefix(name, parent+"/") {
			items = append(items, e.state.Services[name].answer())
		}
	}
	return map[string]any{"services": items}
}

func part(name string, n int) string {
	parts := strings.Split(name, "/")
	if n < len(parts) {
		return parts[n]
	}
	return ""
}

// list is a page of a service's revisions.
//
// docs/platforms.md: "`GET …/services/S/revisions`, newest first, paged"
func (s *service) list(r *http.Request) (any, error) {
	size, from := 100, 0
	if n, err := strconv.Atoi(r.URL.Query().Get("pageSize")); err == nil && n > 0 {
		size = min(n, size)
	}
	if token := r.URL.Query().Get("pageToken"); token != "" {
		n, err := strconv.Atoi(token)
		if err != nil || n < 0 || n > len(s.Revisions) {
			return nil, googleapi.Errorf(http.StatusBadRequest, "INVALID_ARGUMENT", "The page token is invalid.")
		}
		from = n
	}
	page := map[string]any{}
	var items []any
	to := min(from+size, len(s.Revisions))
	for _, rev := range s.Revisions[from:to] {
		items = append(items, rev.answer(s))
	}
	if page["revisions"] = items; to < len(s.Revisions) {
		page["nextPageToken"] = strconv.Itoa(to)
	}
	return page, nil
}

func condition(ready bool, failed string) map[string]any {
	c := map[string]any{"type": "Ready", "state": "CONDITION_SUCCEEDED"}
	switch {
	case failed != "":
		c["state"], c["message"], c["revisionReason"] = "CONDITION_FAILED", failed, "CONTAINER_EXITED"
	case !ready:
		c["state"] = "CONDITION_RECONCILING"
	}
	return c
}

// answer is the service as on the wire.
//
// docs/platforms.md: "`generation` and its like are strings"
func (s *service) answer() map[string]any {
	done := s.Observed == s.Generation
	a := map[string]any{
		"name": s.Name, "uid": "00000000-0000-0000-0000-" + strings.Trim(etag(s.Name, 0), `"`)[:12], "generation": strconv.Itoa(s.Generation),
		"observedGeneration": strconv.Itoa(s.Observed), "etag": s.Etag, "createTime": clock(s.Created), "updateTime": clock(s.Updated),
		"template": s.Template, "terminalCondition": condition(done, s.Failed), "uri": "https://" + last(s.Name) + "-sandbox.a.run.app",
	}
	if len(s.Revisions) > 0 {
		a["latestCreatedRevision"] = s.Revisions[0].Name
	}
	if s.Ready != "" {
		a["latestReadyRevision"] = s.Ready
	}
	if !done {
		a["reconciling"] = true
	}
	if len(s.Traffic) > 0 {
		a["traffic"] = s.Traffic
	}
	if len(s.Served) > 0 {
		a["trafficStatuses"] = s.Served
	}
	return a
}

func (r *revision) answer(s *service) map[string]any {
	var template map[string]any
	json.Unmarshal(r.Template, &template) //nolint:errcheck // it was JSON
	failed := ""
	if r.Fails {
		failed = "The user-provided container failed to start and listen on the port defined provided by the PORT=8080 environment variable."
	}
	return map[string]any{
		"name": r.Name, "uid": "00000000-0000-0000-0001-" + strings.Trim(etag(r.Name, 0), `"`)[:12], "generation": "1", "observedGeneration": "1",
		"createTime": clock(r.Created), "updateTime": clock(r.Created), "service": last(s.Name), "containers": template["containers"],
		"conditions": []any{condition(r.Ready, failed)}, "etag": etag(r.Name, 1),
	}
}

// input is what a PATCH says.
type input struct {
	Name     string          `json:"name"`
	Etag     string          `json:"etag"`
	Template json.RawMessage `json:"template"`
	Traffic  []traffic       `json:"traffic"`
}

// template is what of a template matters here.
type template struct {
	Revision   string `json:"revision"`
	Containers []struct {
		Image string `json:"image"`
	} `json:"containers"`
}

// patch changes what the mask names.
func (e *Emulator) patch(s *service, r *http.Request, body []byte) (any, error) {
	var in input
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&in); err != nil {
		return nil, googleapi.Errorf(http.StatusBadRequest, "INVALID_ARGUMENT", "Invalid JSON payload received. %v", err)
	}
	// docs/platforms.md: "was specified but current version is"
	if in.Etag != "" && in.Etag != s.Etag {
		return nil, googleapi.Errorf(http.StatusConflict, "ABORTED", "Conflict for resource '%s': version '%s' was specified but current version is '%s'.", last(s.Name), in.Etag, s.Etag)
	}
	mask := strings.Split(r.URL.Query().Get("updateMask"), ",")
	for _, field := range mask {
		if !slices.Contains([]string{"template", "traffic"}, field) {
			return nil, googleapi.Errorf(http.StatusNotImplemented, "UNIMPLEMENTED", "the sandbox changes a service's template and traffic alone, not %q", field)
		}
	}
	var makes *revision
	if slices.Contains(mask, "template") {
		var err error
		if makes, err = s.template(in.Template); err != nil {
			return nil, err
		}
	}
	if slices.Contains(mask, "traffic") {
		if err := s.checkTraffic(in.Traffic, makes); err != nil {
			return nil, err
		}
	}
	if makes != nil {
		made := e.revise(s, makes.short(), makes.Image)
		made.Template, s.Template = in.Template, in.Template
		made.Fails = sandbox.FaultOf(r) == FaultFail
	}
	if slices.Contains(mask, "traffic") {
		// docs/platforms.md: "`traffic[]` is replaced as a whole"
		s.Traffic = in.Traffic
	}
	e.touch(s)
	op := &operation{Name: fmt.Sprintf("%s/operations/%08d", location(s.Name), e.state.Made), Service: s.Name}
	e.state.Operations[op.Name] = op
	return e.operation(op.Name)
}

// template is the revision that a template makes, nil where it makes none.
func (s *service) template(text json.RawMessage) (*revision, error) {
	var t template
	if err := json.Unmarshal(text, &t); err != nil || len(t.Containers) == 0 {
		return nil, googleapi.Errorf(http.StatusBadRequest, "INVALID_ARGUMENT", "spec.template.spec.containers: must have at least one container")
	}
	have := s.revision(t.Revision)
	switch {
	case t.Revision == "" || !strings.HasPrefix(t.Revision, last(s.Name)+"-"):
		return nil, googleapi.Errorf(http.StatusBadRequest, "INVALID_ARGUMENT", "Revision name '%s' must be prefixed by the service name", t.Revision)
	case have != nil && have.Image != t.Containers[0].Image:
		// docs/platforms.md: "409 "Revision named 'x' with different configuration already exists""
		return nil, googleapi.Errorf(http.StatusConflict, "ALREADY_EXISTS", "Revision named '%s' with different configuration already exists.", t.Revision)
	case have != nil:
		return nil, nil
	}
	return &revision{Name: s.Name + "/revisions/" + t.Revision, Image: t.Containers[0].Image}, nil
}

// checkTraffic refuses traffic that cannot be.
func (s *service) checkTraffic(all []traffic, makes *revision) error {
	sum := 0
	for _, t := range all {
		sum += t.Percent
		switch {
		case t.Type == byLatest && t.Revision == "":
		case t.Type != byRevision || t.Revision == "":
			return googleapi.Errorf(http.StatusBadRequest, "INVALID_ARGUMENT", "traffic target must have a type and, by revision, a revision")
		case s.revision(t.Revision) == nil && (makes == nil || makes.short() != t.Revision):
			return googleapi.Errorf(http.StatusNotFound, "NOT_FOUND", "Revision '%s' not found", t.Revision)
		}
	}
	if sum != 100 && len(all) > 0 {
		// docs/platforms.md: ""Traffic targets sum to 90, want 100""
		return googleapi.Errorf(http.StatusBadRequest, "INVALID_ARGUMENT", "Traffic targets sum to %d, want 100", sum)
	}
	return nil
}

// operation is a change as on the wire.
func (e *Emulator) operation(name string) (any, error) {
	op := e.state.Operations[name]
	if op == nil {
		return nil, googleapi.Errorf(http.StatusNotFound, "NOT_FOUND", "Operation %s not found", name)
	}
	a := map[string]any{"name": op.Name, "metadata": map[string]any{"@type": "type.googleapis.com/google.cloud.run.v2.Service", "name": op.Service}}
	switch {
	case !op.Over:
	case op.Failed != "":
		a["done"], a["error"] = true, map[string]any{"code": 9, "message": op.Failed}
	default:
		service := e.state.Services[op.Service].answer()
		service["@type"] = "type.googleapis.com/google.cloud.run.v2.Service"
		a["done"], a["response"] = true, service
	}
	return a, nil
}
