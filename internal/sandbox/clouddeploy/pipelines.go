package clouddeploy

import (
	"maps"
	"slices"

	"sluice/internal/sandbox/clouddeploy/wire"
)

// fillPipeline gives a new delivery pipeline what the server gives.
func (m moment) fillPipeline(p *wire.DeliveryPipeline, name string) {
	p.Name, p.UID, p.CreateTime = name, uid(name), m.stamp()
	p.Condition = &wire.PipelineCondition{PipelineReadyCondition: &wire.PipelineReadyCondition{Status: true, UpdateTime: m.stamp()}}
	m.changedPipeline(p)
}

// pipelineFields are those that can be changed.
func pipelineFields() []string {
	return []string{"serialPipeline", "description", "suspended", "labels", "annotations"}
}

func (m moment) changedPipeline(p *wire.DeliveryPipeline) {
	p.UpdateTime = m.stamp()
	seal(p, &p.Etag)
}

func stagesOf(p *wire.DeliveryPipeline) []*wire.Stage {
	if p == nil || p.SerialPipeline == nil {
		return nil
	}
	return p.SerialPipeline.Stages
}

// targetsOf lists the targets of a pipeline's stages, with the children of
// multi-targets.
func (s *state) targetsOf(p *wire.DeliveryPipeline) []string {
	all := map[string]bool{}
	for _, stage := range stagesOf(p) {
		all[stage.TargetID] = true
		for _, child := range s.childrenOf(locationOf(p.Name), stage.TargetID) {
			all[child] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}
