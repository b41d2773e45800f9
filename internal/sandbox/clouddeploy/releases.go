package clouddeploy

import (
	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/googleapi"
)

// newRelease makes a release that is rendered at once, unless the fault
// "fail" has its rendering fail.
func newRelease(m moment, c *call, name string, r *wire.Release) error {
	p, err := googleapi.Find(m.Pipelines, c.Name)
	if err != nil {
		return err
	}
	// Discovery document: "When suspended, no new releases or rollouts can be created"
	if p.Suspended {
		return googleapi.Precondition("DeliveryPipeline %s is suspended", p.Name)
	}
	m.fillRelease(r, name, p)
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
	return nil
}

// fillRelease gives r what the server gives: a snapshot of the pipeline and of
// its targets, and its rendering.
func (m moment) fillRelease(r *wire.Release, name string, p *wire.DeliveryPipeline) {
	now := m.stamp()
	r.Name, r.UID, r.CreateTime, r.RenderStartTime, r.RenderEndTime, r.RenderState = name, uid(name), now, now, now, "SUCCEEDED"
	r.DeliveryPipelineSnapshot = p
	r.TargetRenders = map[string]wire.TargetRender{}
	r.TargetSnapshots = nil
	for _, target := range m.targetsOf(p) {
		r.TargetRenders[target] = wire.TargetRender{RenderingState: "SUCCEEDED", RenderingBuild: buildOf(name, target)}
		if t := m.target(locationOf(name), target); t != nil {
			r.TargetSnapshots = append(r.TargetSnapshots, t)
		}
	}
	r.Condition = &wire.ReleaseCondition{ReleaseReadyCondition: &wire.ReleaseReadyCondition{Status: true}}
	seal(r, &r.Etag)
}

// abandonRelease has no more rollouts made of a release.
func abandonRelease(m moment, c *call, _ *struct{}) (any, error) {
	r, err := googleapi.Find(m.Releases, c.Name)
	if err != nil {
		return nil, err
	}
	r.Abandoned = true
	seal(r, &r.Etag)
	return struct{}{}, nil
}

// buildOf is the name of a Cloud Build build, the same for the same work.
func buildOf(name, what string) string {
	return locationOf(name) + "/builds/" + uid(name+" "+what)
}
