package clouddeploy

import (
	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/kit"
)

// fillTarget gives a new target what the server gives.
func (m moment) fillTarget(t *wire.Target, name string) {
	t.Name, t.TargetID, t.UID, t.CreateTime = name, kit.Last(name), uid(name), m.stamp()
	m.changedTarget(t)
}

// targetFields are those that can be changed.
func targetFields() []string {
	return []string{
		"description", "labels", "annotations", "requireApproval", "deployParameters", "executionConfigs", "run", "gke",
		"anthosCluster", "customTarget", "multiTarget", "associatedEntities",
	}
}

func (m moment) changedTarget(t *wire.Target) {
	t.UpdateTime = m.stamp()
	seal(t, &t.Etag)
}

// target is that of an id at a place, nil for none.
func (s *state) target(location, id string) *wire.Target {
	return s.Targets[location+"/targets/"+id]
}

// childrenOf are the targets of a multi-target, none of another target.
func (s *state) childrenOf(location, target string) []string {
	t := s.target(location, target)
	if t == nil || t.MultiTarget == nil {
		return nil
	}
	return t.MultiTarget.TargetIDs
}
