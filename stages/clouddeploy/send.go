package clouddeploy

import (
	"context"
	"maps"

	api "google.golang.org/api/clouddeploy/v1"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// send makes the one request of a call. It returns the name of the platform's
// operation, "" where the request has none.
func (d *clouddeploy) send(ctx context.Context, c driver.Call, f frozen) (string, error) {
	switch c.Kind {
	case driver.Deploy:
		return d.create(ctx, c.Changes[0], f)
	case driver.Rollback:
		return "", d.rollBack(ctx, c.Changes[0], f)
	default:
		return "", d.command(ctx, c.Kind, f)
	}
}

// create asks for a rollout under the frozen id.
func (d *clouddeploy) create(ctx context.Context, change driver.Change, f frozen) (string, error) {
	at, err := placeOf(change.Target)
	if err != nil {
		return "", err
	}
	rollouts := d.service.Projects.Locations.DeliveryPipelines.Releases.Rollouts
	create := rollouts.Create(at.release(releaseOf(f.Rollout)), wanted(change, at, f)).
		RolloutId(google.Last(f.Rollout)).RequestId(f.Request)
	if len(f.Policies) > 0 {
		create = create.OverrideDeployPolicy(f.Policies...)
	}
	op, err := create.Context(ctx).Do()
	if err != nil {
		return "", err
	}
	return op.Name, nil
}

// wanted is a rollout as the change describes it, marked as the call's.
func wanted(change driver.Change, at place, f frozen) *api.Rollout {
	annotations := map[string]string{}
	maps.Copy(annotations, change.Options.Annotations)
	annotations[callAnnotation] = f.Request
	return &api.Rollout{
		Name: f.Rollout, TargetId: at.Target, Annotations: annotations,
		Description: change.Options.Description, Labels: change.Options.Labels,
	}
}

// rollBack asks for the target to go back to the release of the frozen rollout.
// It must still be the newest rollout there that is undone.
func (d *clouddeploy) rollBack(ctx context.Context, change driver.Change, f frozen) error {
	at, err := placeOf(change.Target)
	if err != nil {
		return err
	}
	request := &api.RollbackTargetRequest{
		TargetId: at.Target, ReleaseId: releaseOf(f.Rollout), RolloutId: google.Last(f.Rollout), RolloutToRollBack: f.Newest,
		RollbackConfig: &api.RollbackTargetConfig{Rollout: wanted(change, at, f)}, OverrideDeployPolicy: f.Policies,
	}
	_, err = d.service.Projects.Locations.DeliveryPipelines.RollbackTarget(at.pipeline(), request).Context(ctx).Do()
	return err
}

// command sends a command to the frozen rollout.
func (d *clouddeploy) command(ctx context.Context, kind driver.Kind, f frozen) error {
	rollouts := d.service.Projects.Locations.DeliveryPipelines.Releases.Rollouts
	var err error
	switch kind {
	case driver.Approve, driver.Reject:
		body := &api.ApproveRolloutRequest{Approved: kind == driver.Approve, OverrideDeployPolicy: f.Policies, ForceSendFields: []string{"Approved"}}
		_, err = rollouts.Approve(f.Rollout, body).Context(ctx).Do()
	case driver.Advance:
		_, err = rollouts.Advance(f.Rollout, &api.AdvanceRolloutRequest{PhaseId: f.Phase, OverrideDeployPolicy: f.Policies}).Context(ctx).Do()
	case driver.RetryJob:
		_, err = rollouts.RetryJob(f.Rollout, &api.RetryJobRequest{PhaseId: f.Phase, JobId: f.Job, OverrideDeployPolicy: f.Policies}).Context(ctx).Do()
	case driver.IgnoreJob:
		_, err = rollouts.IgnoreJob(f.Rollout, &api.IgnoreJobRequest{PhaseId: f.Phase, JobId: f.Job, OverrideDeployPolicy: f.Policies}).Context(ctx).Do()
	case driver.Cancel:
		_, err = rollouts.Cancel(f.Rollout, &api.CancelRolloutRequest{OverrideDeployPolicy: f.Policies}).Context(ctx).Do()
	}
	return err
}
