package clouddeploy

import (
	"maps"
	"slices"

	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// release finds a release.
func (e *Emulator) release(name string) (*wire.Release, error) {
	return googleapi.Find(e.State.Releases, name)
}

// parentExists refuses a list under something that is not there.
func (e *Emulator) parentExists(name string) error {
	if kit.Last(name) == "-" {
		name = parent(name)
	}
	if name == locationOf(name) || e.State.Pipelines[name] != nil || e.State.Releases[name] != nil || e.State.Rollouts[name] != nil {
		return nil
	}
	return googleapi.NotFound(name)
}

// createRelease makes a release that is rendered at once, unless the fault
// "fail" has its rendering fail.
func (e *Emulator) createRelease(c *call, name string, r *wire.Release) (any, error) {
	p, err := e.pipeline(c.Name)
	if err != nil {
		return nil, err
	}
	// Discovery document: "When suspended, no new releases or rollouts can be created"
	if p.Suspended {
		return nil, googleapi.Precondition("DeliveryPipeline %s is suspended", p.Name)
	}
	e.fillRelease(r, name, p)
	if c.Fault() == FaultFail {
		r.RenderState = "FAILED"
		for target, render := range r.TargetRenders {
			render.RenderingState, render.FailureCause, render.FailureMessage = "FAILED", "EXECUTION_FAILED", "skaffold render failed for "+target
			r.TargetRenders[target] = render
		}
	}
	if c.Fault() == FaultHang {
		r.RenderState, r.RenderEndTime = "IN_PROGRESS", ""
	}
	return e.create(c, creation{name, "Release", "create", r, func() { e.State.Releases[name] = r }})
}

// fillRelease gives r what the server gives: a snapshot of the pipeline and of
// its targets, and its rendering.
func (e *Emulator) fillRelease(r *wire.Release, name string, p *wire.DeliveryPipeline) {
	now := stamp(e.Now())
	r.Name, r.UID, r.CreateTime, r.RenderStartTime, r.RenderEndTime, r.RenderState = name, uid(name), now, now, now, "SUCCEEDED"
	r.DeliveryPipelineSnapshot = p
	r.TargetRenders = map[string]wire.TargetRender{}
	r.TargetSnapshots = nil
	for _, target := range e.targetsOf(p) {
		r.TargetRenders[target] = wire.TargetRender{RenderingState: "SUCCEEDED", RenderingBuild: build(name, target)}
		if t := e.State.Targets[locationOf(name)+"/targets/"+target]; t != nil {
			r.TargetSnapshots = append(r.TargetSnapshots, t)
		}
	}
	r.Condition = &wire.ReleaseCondition{ReleaseReadyCondition: &wire.ReleaseReadyCondition{Status: true}}
	r.Etag = ""
	r.Etag = etagOf(r)
}

// targetsOf lists the targets of a pipeline's stages, with the children of
// multi-targets.
func (e *Emulator) targetsOf(p *wire.DeliveryPipeline) []string {
	all := map[string]bool{}
	for _, s := range stagesOf(p) {
		all[s.TargetID] = true
		for _, child := range e.childrenOf(locationOf(p.Name), s.TargetID) {
			all[child] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func stagesOf(p *wire.DeliveryPipeline) []*wire.Stage {
	if p == nil || p.SerialPipeline == nil {
		return nil
	}
	return p.SerialPipeline.Stages
}

// childrenOf are the targets of a multi-target, none of another target.
func (e *Emulator) childrenOf(location, target string) []string {
	t := e.State.Targets[location+"/targets/"+target]
	if t == nil || t.MultiTarget == nil {
		return nil
	}
	return t.MultiTarget.TargetIDs
}

func (e *Emulator) abandonRelease(c *call, _ *struct{}) (any, error) {
	r, err := e.release(c.Name)
	if err != nil {
		return nil, err
	}
	r.Abandoned, r.Etag = true, ""
	r.Etag = etagOf(r)
	return struct{}{}, nil
}

// build is the name of a Cloud Build build, the same for the same work.
func build(name, what string) string {
	return locationOf(name) + "/builds/" + uid(name+" "+what)
}
