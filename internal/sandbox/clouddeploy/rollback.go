package clouddeploy

import (
	"slices"

	api "google.golang.org/api/clouddeploy/v1"
)

// rollbackTarget makes a rollout that goes back to an earlier release.
//
// docs/platforms.md: "rollback: a new rollout that starts at `stable`, to the
// last SUCCEEDED rollout of a release not abandoned; sets rollbackOfRollout;
// refused where the target has had fewer than two rollouts."
func (e *Emulator) rollbackTarget(c *call) (any, error) {
	var in api.RollbackTargetRequest
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	p, err := e.pipeline(c.name)
	if err != nil {
		return nil, err
	}
	if !resourceID().MatchString(in.RolloutId) {
		return nil, invalid("Invalid rollout ID %q", in.RolloutId)
	}
	had := e.state.onTarget(p.Name, in.TargetId)
	if len(had) < 2 {
		return nil, precondition("Unable to roll back target %s: the target has fewer than 2 rollouts", in.TargetId)
	}
	newest := had[len(had)-1]
	if in.RolloutToRollBack != "" && in.RolloutToRollBack != newest.Name {
		return nil, precondition("Rollout %s is not the latest rollout on target %s; that is %s", in.RolloutToRollBack, in.TargetId, newest.Name)
	}
	release, err := e.rollbackRelease(p, in.TargetId, in.ReleaseId)
	if err != nil {
		return nil, err
	}
	return e.rollBack(c, in, wanted{release: release, pipeline: p}, newest)
}

// rollbackRelease is the release to go back to: the one asked for, else the
// previous one that succeeded and is not abandoned.
func (e *Emulator) rollbackRelease(p *api.DeliveryPipeline, target, asked string) (*api.Release, error) {
	if asked != "" {
		return e.release(p.Name + "/releases/" + asked)
	}
	current := e.state.current(p.Name, target)
	for _, r := range slices.Backward(e.state.onTarget(p.Name, target)) {
		if r.State != "SUCCEEDED" || r == current {
			continue
		}
		if release := e.state.Releases[parent(r.Name)]; release != nil && !release.Abandoned {
			return release, nil
		}
	}
	return nil, precondition("Unable to roll back target %s: there is no previous successful rollout of a release that is not abandoned", target)
}

func (e *Emulator) rollBack(c *call, in api.RollbackTargetRequest, w wanted, undone *api.Rollout) (any, error) {
	w.rollout, w.start = &api.Rollout{}, "stable"
	if in.RollbackConfig != nil && in.RollbackConfig.Rollout != nil {
		w.rollout = in.RollbackConfig.Rollout
	}
	if in.RollbackConfig != nil && in.RollbackConfig.StartingPhaseId != "" {
		w.start = in.RollbackConfig.StartingPhaseId
	}
	w.rollout.TargetId = in.TargetId
	name := w.release.Name + "/rollouts/" + in.RolloutId
	if err := e.mayCreate(w, name, "ROLLBACK", in.OverrideDeployPolicy); err != nil {
		return nil, err
	}
	w.rollout.RollbackOfRollout = undone.Name
	touch(w.rollout)
	if !in.ValidateOnly {
		e.planned(w.rollout, c.fault)
	}
	return &api.RollbackTargetResponse{RollbackConfig: &api.RollbackTargetConfig{Rollout: w.rollout, StartingPhaseId: w.start}}, nil
}
