package clouddeploy

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"sluice/internal/sandbox/clouddeploy/wire"
)

// resourceID is what Cloud Deploy accepts as the last part of a name.
var resourceID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`) })

// named is the full name of a resource that a request wants to make.
func named(c *call, collection, parameter string) (string, error) {
	id := c.query(parameter)
	if !resourceID().MatchString(id) {
		return "", invalid("Invalid %s %q: must match [a-z]([a-z0-9-]{0,61}[a-z0-9])?", parameter, id)
	}
	return c.name + "/" + collection + "/" + id, nil
}

// under lists the resources of a collection, by name. A "-" in the parent
// stands for all.
func under[T any](all map[string]T, parent, collection string) []T {
	var found []T
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if inCollection(name, parent, collection) {
			found = append(found, all[name])
		}
	}
	return found
}

func inCollection(name, parent, collection string) bool {
	parts, want := strings.Split(name, "/"), strings.Split(parent+"/"+collection, "/")
	if len(parts) != len(want)+1 {
		return false
	}
	for i := range want {
		if want[i] != "-" && want[i] != parts[i] {
			return false
		}
	}
	return true
}

func (e *Emulator) getPipeline(c *call) (any, error) { return e.pipeline(c.name) }

// pipeline finds a delivery pipeline.
func (e *Emulator) pipeline(name string) (*wire.DeliveryPipeline, error) {
	if p, ok := e.state.Pipelines[name]; ok {
		return p, nil
	}
	return nil, notFound(name)
}

func (e *Emulator) listPipelines(c *call) (any, error) {
	items, next, err := page(e, c, under(e.state.Pipelines, c.name, "deliveryPipelines"))
	return &wire.ListDeliveryPipelinesResponse{DeliveryPipelines: items, NextPageToken: next}, err
}

func (e *Emulator) createPipeline(c *call) (any, error) {
	name, err := named(c, "deliveryPipelines", "deliveryPipelineId")
	if err != nil {
		return nil, err
	}
	p := &wire.DeliveryPipeline{}
	if err := c.decode(p); err != nil {
		return nil, err
	}
	if _, ok := e.state.Pipelines[name]; ok {
		return nil, exists(name)
	}
	e.fillPipeline(p, name)
	return e.create(c, creation{name, "DeliveryPipeline", "create", p, func() { e.state.Pipelines[name] = p }})
}

func (e *Emulator) fillPipeline(p *wire.DeliveryPipeline, name string) {
	p.Name, p.UID, p.CreateTime, p.UpdateTime, p.Etag = name, uid(name), stamp(e.now()), stamp(e.now()), ""
	p.Condition = &wire.PipelineCondition{PipelineReadyCondition: &wire.PipelineReadyCondition{Status: true, UpdateTime: stamp(e.now())}}
	p.Etag = etagOf(p)
}

func (e *Emulator) getTarget(c *call) (any, error) {
	if t, ok := e.state.Targets[c.name]; ok {
		return t, nil
	}
	return nil, notFound(c.name)
}

func (e *Emulator) listTargets(c *call) (any, error) {
	items, next, err := page(e, c, under(e.state.Targets, c.name, "targets"))
	return &wire.ListTargetsResponse{Targets: items, NextPageToken: next}, err
}

func (e *Emulator) createTarget(c *call) (any, error) {
	name, err := named(c, "targets", "targetId")
	if err != nil {
		return nil, err
	}
	t := &wire.Target{}
	if err := c.decode(t); err != nil {
		return nil, err
	}
	if _, ok := e.state.Targets[name]; ok {
		return nil, exists(name)
	}
	e.fillTarget(t, name)
	return e.create(c, creation{name, "Target", "create", t, func() { e.state.Targets[name] = t }})
}

func (e *Emulator) fillTarget(t *wire.Target, name string) {
	t.Name, t.TargetID, t.UID, t.CreateTime, t.UpdateTime, t.Etag = name, id(name), uid(name), stamp(e.now()), stamp(e.now()), ""
	t.Etag = etagOf(t)
}

func (e *Emulator) getPolicy(c *call) (any, error) {
	if p, ok := e.state.Policies[c.name]; ok {
		return p, nil
	}
	return nil, notFound(c.name)
}

func (e *Emulator) listPolicies(c *call) (any, error) {
	items, next, err := page(e, c, under(e.state.Policies, c.name, "deployPolicies"))
	return &wire.ListDeployPoliciesResponse{DeployPolicies: items, NextPageToken: next}, err
}

func (e *Emulator) createPolicy(c *call) (any, error) {
	name, err := named(c, "deployPolicies", "deployPolicyId")
	if err != nil {
		return nil, err
	}
	p := &wire.DeployPolicy{}
	if err := c.decode(p); err != nil {
		return nil, err
	}
	if _, ok := e.state.Policies[name]; ok {
		return nil, exists(name)
	}
	if err := checkPolicy(p); err != nil {
		return nil, err
	}
	p.Name, p.UID, p.CreateTime, p.UpdateTime, p.Etag = name, uid(name), stamp(e.now()), stamp(e.now()), ""
	p.Etag = etagOf(p)
	return e.create(c, creation{name, "DeployPolicy", "create", p, func() { e.state.Policies[name] = p }})
}
