package clouddeploy

import (
	"context"
	"maps"
	"net/http"
	"net/url"

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
	query := url.Values{"rolloutId": {google.Last(f.Rollout)}, "requestId": {f.Request}, "overrideDeployPolicy": f.Policies}
	path := root + at.release(releaseOf(f.Rollout)) + "/rollouts"
	op, err := google.Decoded[operation](d.client.Send(ctx, http.MethodPost, path, query, wanted(change, at, f)))
	if err != nil {
		return "", err
	}
	return op.Name, nil
}

// wanted is a rollout as the change describes it, marked as the call's.
func wanted(change driver.Change, at place, f frozen) newRollout {
	annotations := map[string]string{}
	maps.Copy(annotations, change.Options.Annotations)
	annotations[callAnnotation] = f.Request
	return newRollout{
		Name: f.Rollout, TargetID: at.Target, Annotations: annotations,
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
	request := rollbackTarget{
		TargetID: at.Target, ReleaseID: releaseOf(f.Rollout), RolloutID: google.Last(f.Rollout), RolloutToRollBack: f.Newest,
		Config: rollbackConfig{wanted(change, at, f)}, Policies: f.Policies,
	}
	_, err = d.client.Send(ctx, http.MethodPost, root+at.pipeline()+":rollbackTarget", nil, request)
	return err
}

// command sends a command to the frozen rollout.
func (d *clouddeploy) command(ctx context.Context, kind driver.Kind, f frozen) error {
	body := command{Policies: f.Policies}
	verb := string(kind)
	switch kind {
	case driver.Approve, driver.Reject:
		approved := kind == driver.Approve
		verb, body.Approved = "approve", &approved
	case driver.Advance:
		body.PhaseID = f.Phase
	case driver.RetryJob, driver.IgnoreJob:
		body.PhaseID, body.JobID = f.Phase, f.Job
	}
	_, err := d.client.Send(ctx, http.MethodPost, root+f.resource(kind)+":"+verb, nil, body)
	return err
}
