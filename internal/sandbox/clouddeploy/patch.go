package clouddeploy

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/sandbox/clouddeploy/wire"
)

// patchPipeline changes the fields of the mask, and makes what is missing where the
// request allows it.
func (e *Emulator) patchPipeline(c *call) (any, error) {
	have, err := e.pipeline(c.name)
	if err != nil && !c.allowsMissing() {
		return nil, err
	}
	var want wire.DeliveryPipeline
	if err := c.decode(&want); err != nil {
		return nil, err
	}
	if have == nil {
		e.fillPipeline(&want, c.name)
		return e.create(c, creation{c.name, "DeliveryPipeline", "create", &want, func() { e.state.Pipelines[c.name] = &want }})
	}
	if want.Etag != "" && want.Etag != have.Etag {
		return nil, staleEtag(c.name)
	}
	next, err := masked(have, &want, c.query("updateMask"), "serialPipeline", "description", "suspended", "labels", "annotations")
	if err != nil {
		return nil, err
	}
	next.UpdateTime, next.Etag = stamp(e.now()), ""
	next.Etag = etagOf(next)
	return e.create(c, creation{c.name, "DeliveryPipeline", "update", next, func() { e.state.Pipelines[c.name] = next }})
}

// patchTarget does the same to a target.
func (e *Emulator) patchTarget(c *call) (any, error) {
	have, ok := e.state.Targets[c.name]
	if !ok && !c.allowsMissing() {
		return nil, notFound(c.name)
	}
	var want wire.Target
	if err := c.decode(&want); err != nil {
		return nil, err
	}
	if !ok {
		e.fillTarget(&want, c.name)
		return e.create(c, creation{c.name, "Target", "create", &want, func() { e.state.Targets[c.name] = &want }})
	}
	if want.Etag != "" && want.Etag != have.Etag {
		return nil, staleEtag(c.name)
	}
	next, err := masked(have, &want, c.query("updateMask"), "description", "labels", "annotations", "requireApproval", "deployParameters",
		"executionConfigs", "run", "gke", "anthosCluster", "customTarget", "multiTarget", "associatedEntities")
	if err != nil {
		return nil, err
	}
	next.UpdateTime, next.Etag = stamp(e.now()), ""
	next.Etag = etagOf(next)
	return e.create(c, creation{c.name, "Target", "update", next, func() { e.state.Targets[c.name] = next }})
}

// allowsMissing reports whether what is missing is made. gcloud writes True.
func (c *call) allowsMissing() bool {
	allowed, err := strconv.ParseBool(c.query("allowMissing"))
	return err == nil && allowed
}

func staleEtag(name string) error {
	return &apiError{409, "ABORTED", "The etag does not match the current etag of " + name}
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
			return nil, invalid("Invalid update mask: the sandbox changes %s, not %q", strings.Join(changeable, ", "), field)
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
