package clouddeploy

import (
	"slices"

	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/googleapi"
)

// rollbackTarget makes a rollout that goes back to an earlier release.
//
// docs/platforms.md: "rollback: a new rollout that starts at `stable`, to the
// last SUCCEEDED rollout of a release not abandoned; sets rollbackOfRollout;
// refused where the target has had fewer than two rollouts."
func rollbackTarget(m moment, c *call, in *wire.RollbackTargetRequest) (any, error) {
	p, err := googleapi.Find(m.Pipelines, c.Name)
	if err != nil {
		return nil, err
	}
	if !googleapi.IsID(in.RolloutID) {
		return nil, googleapi.Invalid("Invalid rollout ID %q", in.RolloutID)
	}
	had := m.onTarget(p.Name, in.TargetID)
	if len(had) < 2 {
		return nil, googleapi.Precondition("Unable to roll back target %s: the target has fewer than 2 rollouts", in.TargetID)
	}
	newest := had[len(had)-1]
	if in.RolloutToRollBack != "" && in.RolloutToRollBack != newest.Name {
		return nil, googleapi.Precondition("Rollout %s is not the latest rollout on target %s; that is %s", in.RolloutToRollBack, in.TargetID, newest.Name)
	}
	release, err := m.rollbackRelease(p, in.TargetID, in.ReleaseID)
	if err != nil {
		return nil, err
	}
	return rollBack(m, c, in, wanted{release: release, pipeline: p}, newest)
}

// rollbackRelease is the release to go back to: the one asked for, else the
// previous one that succeeded and is not abandoned.
func (m moment) rollbackRelease(p *wire.DeliveryPipeline, target, asked string) (*wire.Release, error) {
	if asked != "" {
		return googleapi.Find(m.Releases, p.Name+"/releases/"+asked)
	}
	current := m.current(p.Name, target)
	for _, r := range slices.Backward(m.onTarget(p.Name, target)) {
		if r.State != "SUCCEEDED" || r == current {
			continue
		}
		if release := m.Releases[parent(r.Name)]; release != nil && !release.Abandoned {
			return release, nil
		}
	}
	return nil, googleapi.Precondition("Unable to roll back target %s: there is no previous successful rollout of a release that is not abandoned", target)
}

func rollBack(m moment, c *call, in *wire.RollbackTargetRequest, w wanted, undone *wire.Rollout) (any, error) {
	w.rollout, w.start = &wire.Rollout{}, "stable"
	if in.RollbackConfig != nil && in.RollbackConfig.Rollout != nil {
		w.rollout = in.RollbackConfig.Rollout
	}
	if in.RollbackConfig != nil && in.RollbackConfig.StartingPhaseID != "" {
		w.start = in.RollbackConfig.StartingPhaseID
	}
	w.rollout.TargetID = in.TargetID
	name := w.release.Name + "/rollouts/" + in.RolloutID
	if err := m.mayCreate(w, name, "ROLLBACK", in.OverrideDeployPolicy); err != nil {
		return nil, err
	}
	w.rollout.RollbackOfRollout = undone.Name
	touch(w.rollout)
	if !in.ValidateOnly {
		m.Rollouts[name] = w.rollout
		m.plan(w.rollout).apply(c.Fault())
	}
	return &wire.RollbackTargetResponse{RollbackConfig: &wire.RollbackTargetConfig{Rollout: w.rollout, StartingPhaseID: w.start}}, nil
}
