package clouddeploy

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/googleapi"
)

// patchPipeline changes the fields of the mask, and makes what is missing where the
// request allows it.
func (e *Emulator) patchPipeline(c *call, want *wire.DeliveryPipeline) (any, error) {
	have, err := e.pipeline(c.Name)
	switch {
	case err != nil && !c.Flag("allowMissing"):
		return nil, err
	case err != nil:
		return e.createPipeline(c, c.Name, want)
	case want.Etag != "" && want.Etag != have.Etag:
		return nil, staleEtag(c.Name)
	}
	next, err := masked(have, want, c.Param("updateMask"), "serialPipeline", "description", "suspended", "labels", "annotations")
	if err != nil {
		return nil, err
	}
	next.UpdateTime, next.Etag = stamp(e.Now()), ""
	next.Etag = etagOf(next)
	return e.create(c, creation{c.Name, "DeliveryPipeline", "update", next, func() { e.State.Pipelines[c.Name] = next }})
}

// patchTarget does the same to a target.
func (e *Emulator) patchTarget(c *call, want *wire.Target) (any, error) {
	have, err := googleapi.Find(e.State.Targets, c.Name)
	switch {
	case err != nil && !c.Flag("allowMissing"):
		return nil, err
	case err != nil:
		return e.createTarget(c, c.Name, want)
	case want.Etag != "" && want.Etag != have.Etag:
		return nil, staleEtag(c.Name)
	}
	next, err := masked(have, want, c.Param("updateMask"), "description", "labels", "annotations", "requireApproval", "deployParameters",
		"executionConfigs", "run", "gke", "anthosCluster", "customTarget", "multiTarget", "associatedEntities")
	if err != nil {
		return nil, err
	}
	next.UpdateTime, next.Etag = stamp(e.Now()), ""
	next.Etag = etagOf(next)
	return e.create(c, creation{c.Name, "Target", "update", next, func() { e.State.Targets[c.Name] = next }})
}

func staleEtag(name string) error {
	return googleapi.Errorf(http.StatusConflict, "ABORTED", "The etag does not match the current etag of %s", name)
}

// masked is have with the fields of a mask from want. "*" is every one that can be
// changed: gcloud sends "*,labels". Fields may be named in snake case.
func masked[T any](have, want *T, mask string, changeable ...string) (*T, error) {
	fields := strings.Split(mask, ",")
	if slices.Contains(fields, "*") {
		fields = changeable
	}
	old, err := rawFields(have)
	if err != nil {
		return nil, err
	}
	sent, err := rawFields(want)
	if err != nil {
		return nil, err
	}
	for _, field := range fields {
		name := camel(field)
		if !slices.Contains(changeable, name) {
			return nil, googleapi.Invalid("Invalid update mask: the sandbox changes %s, not %q", strings.Join(changeable, ", "), field)
		}
		delete(old, name)
		if value, ok := sent[name]; ok {
			old[name] = value
		}
	}
	text, err := json.Marshal(old)
	if err != nil {
		return nil, err
	}
	next := new(T)
	return next, json.Unmarshal(text, next)
}

func rawFields(v any) (map[string]json.RawMessage, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	return fields, json.Unmarshal(text, &fields)
}

// camel is a field's name as JSON has it: serial_pipeline is serialPipeline.
func camel(field string) string {
	words := strings.Split(field, "_")
	for i, w := range words[1:] {
		if w != "" {
			words[i+1] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "")
}
