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
func (f frozenCall) send(ctx context.Context) (string, error) {
	switch f.Kind {
	case driver.Deploy:
		return f.create(ctx)
	case driver.Rollback:
		return "", f.rollBack(ctx)
	default:
		return "", f.command(ctx)
	}
}

// create asks for a rollout under the frozen id.
func (f frozenCall) create(ctx context.Context) (string, error) {
	at, err := placeOf(f.change().Target)
	if err != nil {
		return "", err
	}
	query := url.Values{"rolloutId": {google.Last(f.Rollout)}, "requestId": {f.Request}, "overrideDeployPolicy": f.Policies}
	path := root + at.release(releaseOf(f.Rollout)) + "/rollouts"
	op, err := google.Decoded[operation](f.api.client.Send(ctx, http.MethodPost, path, query, f.wanted(at)))
	if err != nil {
		return "", err
	}
	return op.Name, nil
}

// wanted is a rollout as the change describes it, marked as the call's.
func (f frozenCall) wanted(at place) newRollout {
	options := f.change().Options
	annotations := map[string]string{}
	maps.Copy(annotations, options.Annotations)
	annotations[callAnnotation] = f.Request
	return newRollout{
		Name: f.Rollout, TargetID: at.Target, Annotations: annotations,
		Description: options.Description, Labels: options.Labels,
	}
}

// rollBack asks for the target to go back to the release of the frozen rollout.
// It must still be the newest rollout there that is undone.
func (f frozenCall) rollBack(ctx context.Context) error {
	at, err := placeOf(f.change().Target)
	if err != nil {
		return err
	}
	request := rollbackTarget{
		TargetID: at.Target, ReleaseID: releaseOf(f.Rollout), RolloutID: google.Last(f.Rollout), RolloutToRollBack: f.Newest,
		Config: rollbackConfig{f.wanted(at)}, Policies: f.Policies,
	}
	_, err = f.api.client.Send(ctx, http.MethodPost, root+at.pipeline()+":rollbackTarget", nil, request)
	return err
}

// command sends a command to the frozen rollout.
func (f frozenCall) command(ctx context.Context) error {
	body := command{Policies: f.Policies}
	verb := string(f.Kind)
	switch f.Kind {
	case driver.Approve, driver.Reject:
		approved := f.Kind == driver.Approve
		verb, body.Approved = "approve", &approved
	case driver.Advance:
		body.PhaseID = f.Phase
	case driver.RetryJob, driver.IgnoreJob:
		body.PhaseID, body.JobID = f.Phase, f.Job
	}
	_, err := f.api.client.Send(ctx, http.MethodPost, root+f.resource(f.Kind)+":"+verb, nil, body)
	return err
}

func method(k driver.Kind) string {
	if k == driver.Reject {
		return "approve {approved: false}"
	}
	return string(k)
}
