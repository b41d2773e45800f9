package cloudrun

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// methods are the methods of the API.
func (e *Emulator) methods() googleapi.Methods {
	list := []string{"pageSize", "pageToken", "showDeleted"}
	services, sizes := &e.State.Services, &googleapi.Sizes{Usual: 100, Most: 100}
	return googleapi.Methods{
		"GET services":   {Query: list, Serve: googleapi.List(services, "services", sizes, func(s *service) any { return s.answer() })},
		"GET services/*": {Serve: kit.On(e.service, func(_ *googleapi.Call, s *service) (any, error) { return s.answer(), nil })},
		"PATCH services/*": {
			Query: []string{"updateMask", "validateOnly", "allowMissing", "forceNewRevision"},
			Serve: func(c *googleapi.Call) (any, error) { return e.patch(c) },
		},
		// docs/platforms.md: "`GET …/services/S/revisions`, newest first, paged"
		"GET services/*/revisions": {Query: list, Serve: kit.On(e.service, func(c *googleapi.Call, s *service) (any, error) {
			return googleapi.Listed(c, "revisions", sizes, kit.Shown(s.Revisions, func(r *revision) any { return r.answer(s) }))
		})},
		"GET services/*/revisions/*": {Serve: kit.On(e.service, func(c *googleapi.Call, s *service) (any, error) {
			if r := s.revision(kit.Last(c.Name)); r != nil {
				return r.answer(s), nil
			}
			return nil, kit.Errorf(http.StatusNotFound, "NOT_FOUND", "Revision '%s' not found in service '%s'", kit.Last(c.Name), kit.Last(s.Name))
		})},
		"GET operations/*": {Serve: func(c *googleapi.Call) (any, error) { return e.operation(c.Name) }},
	}
}

// service is the one that a call is about, or about a part of.
func (e *Emulator) service(c *googleapi.Call) (*service, error) {
	name := serviceIn(c.Name)
	if s := e.State.Services[name]; s != nil {
		return s, nil
	}
	of := kit.Parts(name)
	return nil, kit.Errorf(http.StatusNotFound, "NOT_FOUND", "Resource '%s' of kind 'SERVICE' in region '%s' in project '%s' does not exist.", of["services"], of["locations"], of["projects"])
}

// serviceIn is the service that a name is, or lies in.
func serviceIn(name string) string {
	service, _, _ := strings.Cut(name, "/revisions/")
	return service
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
		"template": s.Template, "terminalCondition": condition(done, s.Failed), "uri": "https://" + kit.Last(s.Name) + "-sandbox.a.run.app",
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
		"createTime": clock(r.Created), "updateTime": clock(r.Created), "service": kit.Last(s.Name), "containers": template["containers"],
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
func (e *Emulator) patch(c *googleapi.Call) (any, error) {
	s, err := e.service(c)
	if err != nil {
		return nil, err
	}
	var in input
	if err := json.Unmarshal(c.Body, &in); err != nil {
		return nil, googleapi.Invalid("Invalid JSON payload received. %v", err)
	}
	// docs/platforms.md: "was specified but current version is"
	if in.Etag != "" && in.Etag != s.Etag {
		return nil, kit.Errorf(http.StatusConflict, "ABORTED", "Conflict for resource '%s': version '%s' was specified but current version is '%s'.", kit.Last(s.Name), in.Etag, s.Etag)
	}
	mask := strings.Split(c.Param("updateMask"), ",")
	for _, field := range mask {
		if !slices.Contains([]string{"template", "traffic"}, field) {
			return nil, kit.Errorf(http.StatusNotImplemented, "UNIMPLEMENTED", "the sandbox changes a service's template and traffic alone, not %q", field)
		}
	}
	var makes *revision
	if slices.Contains(mask, "template") {
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
		made.Fails = c.Fault() == FaultFail
	}
	if slices.Contains(mask, "traffic") {
		// docs/platforms.md: "`traffic[]` is replaced as a whole"
		s.Traffic = in.Traffic
	}
	e.touch(s)
	op := &operation{Name: fmt.Sprintf("%s/operations/%08d", kit.First(s.Name, 4), e.State.Made), Service: s.Name}
	e.State.Operations[op.Name] = op
	return e.operation(op.Name)
}

// template is the revision that a template makes, nil where it makes none.
func (s *service) template(text json.RawMessage) (*revision, error) {
	var t template
	if err := json.Unmarshal(text, &t); err != nil || len(t.Containers) == 0 {
		return nil, googleapi.Invalid("spec.template.spec.containers: must have at least one container")
	}
	have := s.revision(t.Revision)
	switch {
	case t.Revision == "" || !strings.HasPrefix(t.Revision, kit.Last(s.Name)+"-"):
		return nil, googleapi.Invalid("Revision name '%s' must be prefixed by the service name", t.Revision)
	case have != nil && have.Image != t.Containers[0].Image:
		// docs/platforms.md: "409 "Revision named 'x' with different configuration already exists""
		return nil, kit.Errorf(http.StatusConflict, "ALREADY_EXISTS", "Revision named '%s' with different configuration already exists.", t.Revision)
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
			return googleapi.Invalid("traffic target must have a type and, by revision, a revision")
		case s.revision(t.Revision) == nil && (makes == nil || makes.short() != t.Revision):
			return kit.Errorf(http.StatusNotFound, "NOT_FOUND", "Revision '%s' not found", t.Revision)
		}
	}
	if sum != 100 && len(all) > 0 {
		// docs/platforms.md: ""Traffic targets sum to 90, want 100""
		return googleapi.Invalid("Traffic targets sum to %d, want 100", sum)
	}
	return nil
}

// operation is a change as on the wire.
func (e *Emulator) operation(name string) (any, error) {
	op := e.State.Operations[name]
	if op == nil {
		return nil, kit.Errorf(http.StatusNotFound, "NOT_FOUND", "Operation %s not found", name)
	}
	a := map[string]any{"name": op.Name, "metadata": map[string]any{"@type": "type.googleapis.com/google.cloud.run.v2.Service", "name": op.Service}}
	switch {
	case !op.Over:
	case op.Failed != "":
		a["done"], a["error"] = true, map[string]any{"code": 9, "message": op.Failed}
	default:
		service := e.State.Services[op.Service].answer()
		service["@type"] = "type.googleapis.com/google.cloud.run.v2.Service"
		a["done"], a["response"] = true, service
	}
	return a, nil
}
