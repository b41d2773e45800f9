package clouddeploy

import (
	"maps"
	"slices"

	"sluice/internal/sandbox/clouddeploy/wire"
)

func (e *Emulator) getRelease(c *call) (any, error) { return e.release(c.name) }

// release finds a release.
func (e *Emulator) release(name string) (*wire.Release, error) {
	if r, ok := e.state.Releases[name]; ok {
		return r, nil
	}
	return nil, notFound(name)
}

func (e *Emulator) listReleases(c *call) (any, error) {
	if err := e.parentExists(c.name); err != nil {
		return nil, err
	}
	items, next, err := page(e, c, under(e.state.Releases, c.name, "releases"))
	return &wire.ListReleasesResponse{Releases: items, NextPageToken: next}, err
}

// parentExists refuses a list under something that is not there.
func (e *Emulator) parentExists(name string) error {
	if id(name) == "-" {
		name = parent(name)
	}
	_, isPipeline := e.state.Pipelines[name]
	_, isRelease := e.state.Releases[name]
	_, isRollout := e.state.Rollouts[name]
	if !isPipeline && !isRelease && !isRollout {
		return notFound(name)
	}
	return nil
}

// createRelease makes a release that is rendered at once, unless the fault
// "fail" has its rendering fail.
func (e *Emulator) createRelease(c *call) (any, error) {
	p, err := e.pipeline(c.name)
	if err != nil {
		return nil, err
	}
	// Discovery document: "When suspended, no new releases or rollouts can be created"
	if p.Suspended {
		return nil, precondition("DeliveryPipeline %s is suspended", p.Name)
	}
	name, err := named(c, "releases", "releaseId")
	if err != nil {
		return nil, err
	}
	r := &wire.Release{}
	if err := c.decode(r); err != nil {
		return nil, err
	}
	if _, ok := e.state.Releases[name]; ok {
		return nil, exists(name)
	}
	e.fillRelease(r, name, p)
	if c.fault == FaultFail {
		r.RenderState = "FAILED"
		for target, render := range r.TargetRenders {
			render.RenderingState, render.FailureCause, render.FailureMessage = "FAILED", "EXECUTION_FAILED", "skaffold render failed for "+target
			r.TargetRenders[target] = render
		}
	}
	if c.fault == FaultHang {
		r.RenderState, r.RenderEndTime = "IN_PROGRESS", ""
	}
	return e.create(c, creation{name, "Release", "create", r, func() { e.state.Releases[name] = r }})
}

// fillRelease gives r what the server gives: a snapshot of the pipeline and of
// its targets, and its rendering.
func (e *Emulator) fillRelease(r *wire.Release, name string, p *wire.DeliveryPipeline) {
	now := stamp(e.now())
	r.Name, r.UID, r.CreateTime, r.RenderStartTime, r.RenderEndTime, r.RenderState = name, uid(name), now, now, now, "SUCCEEDED"
	r.DeliveryPipelineSnapshot = p
	r.TargetRenders = map[string]wire.TargetRender{}
	r.TargetSnapshots = nil
	for _, target := range e.targetsOf(p) {
		r.TargetRenders[target] = wire.TargetRender{RenderingState: "SUCCEEDED", RenderingBuild: build(name, target)}
		if t := e.state.Targets[locationOf(name)+"/targets/"+target]; t != nil {
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
	t := e.state.Targets[location+"/targets/"+target]
	if t == nil || t.MultiTarget == nil {
		return nil
	}
	return t.MultiTarget.TargetIDs
}

func (e *Emulator) abandonRelease(c *call) (any, error) {
	if err := c.decode(&wire.AbandonReleaseRequest{}); err != nil {
		return nil, err
	}
	r, err := e.release(c.name)
	if err != nil {
		return nil, err
	}
	r.Abandoned, r.Etag = true, ""
	r.Etag = etagOf(r)
	return &wire.AbandonReleaseResponse{}, nil
}

// build is the name of a Cloud Build build, the same for the same work.
func build(name, what string) string {
	return locationOf(name) + "/builds/" + uid(name+" "+what)
}
