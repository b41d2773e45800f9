package clouddeploy

import (
	"regexp"
	"sync"

	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// resourceID is what Cloud Deploy accepts as the last part of a name.
var resourceID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`) })

// pipeline finds a delivery pipeline.
func (e *Emulator) pipeline(name string) (*wire.DeliveryPipeline, error) {
	return googleapi.Find(e.State.Pipelines, name)
}

func (e *Emulator) createPipeline(c *call, name string, p *wire.DeliveryPipeline) (any, error) {
	e.fillPipeline(p, name)
	return e.create(c, creation{name, "DeliveryPipeline", "create", p, func() { e.State.Pipelines[name] = p }})
}

func (e *Emulator) fillPipeline(p *wire.DeliveryPipeline, name string) {
	p.Name, p.UID, p.CreateTime, p.UpdateTime, p.Etag = name, uid(name), stamp(e.Now()), stamp(e.Now()), ""
	p.Condition = &wire.PipelineCondition{PipelineReadyCondition: &wire.PipelineReadyCondition{Status: true, UpdateTime: stamp(e.Now())}}
	p.Etag = etagOf(p)
}

func (e *Emulator) createTarget(c *call, name string, t *wire.Target) (any, error) {
	e.fillTarget(t, name)
	return e.create(c, creation{name, "Target", "create", t, func() { e.State.Targets[name] = t }})
}

func (e *Emulator) fillTarget(t *wire.Target, name string) {
	t.Name, t.TargetID, t.UID, t.CreateTime, t.UpdateTime, t.Etag = name, kit.Last(name), uid(name), stamp(e.Now()), stamp(e.Now()), ""
	t.Etag = etagOf(t)
}

func (e *Emulator) createPolicy(c *call, name string, p *wire.DeployPolicy) (any, error) {
	if err := checkPolicy(p); err != nil {
		return nil, err
	}
	p.Name, p.UID, p.CreateTime, p.UpdateTime, p.Etag = name, uid(name), stamp(e.Now()), stamp(e.Now()), ""
	p.Etag = etagOf(p)
	return e.create(c, creation{name, "DeployPolicy", "create", p, func() { e.State.Policies[name] = p }})
}
