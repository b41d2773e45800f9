package ecs

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// Begin sends the one request of the call. The answer to a command names the
// deployment, and no more: one that does not show there is looked up.
func (d *services) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	change, at, f, err := d.thaw(c)
	if err != nil {
		return driver.Operation{}, err
	}
	op := opened(c)
	switch {
	case f.Definition != "":
		op.ID, err = d.update(ctx, at, f)
	case f.Hook != "":
		op.ID, err = d.goOn(ctx, at, f)
	default:
		op.ID, err = d.stop(ctx, at, f)
	}
	if err != nil {
		return driver.Operation{}, err
	}
	if !c.Kind.IsCommand() {
		return op, nil
	}
	seen, _, err := d.Poll(ctx, op)
	switch outcome := seen.Results[change.Target.Name].Outcome; {
	case err != nil:
		return op, nil //nolint:nilerr // it was answered all the same: the next look says it again
	case outcome == driver.Open:
		return driver.Operation{}, &amazon.UnexpectedError{Text: "it was answered, and deployment " + last(f.Deployment) + " does not show it"}
	case outcome == driver.Failed:
		return op, nil
	}
	return seen, nil
}

// opened is a call's operation, at work.
func opened(c driver.Call) driver.Operation {
	return driver.Operation{
		Call: c, Kind: string(c.Kind), Status: driver.Running,
		Results: map[string]driver.Result{c.Changes[0].Target.Name: {Outcome: driver.Open}},
	}
}

// update begins a deployment and returns its ARN, "" where the answer does not name
// it yet: it is found among the newer ones then.
func (d *services) update(ctx context.Context, at place, f frozen) (string, error) {
	out, err := d.client.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: &at.Cluster, Service: &at.Service, TaskDefinition: &f.Definition}, at.in)
	if err != nil {
		return "", err
	}
	s := out.Service
	if s == nil || aws.ToString(s.ServiceName) != at.Service {
		return "", amazon.Lacking("UpdateService", out.ResultMetadata, "the service that was updated")
	}
	if asked := last(aws.ToString(s.TaskDefinition)); asked != f.Definition {
		return "", amazon.Unexpected("UpdateService answered with task definition "+asked+", not "+f.Definition, out.ResultMetadata)
	}
	if arn := aws.ToString(s.CurrentServiceDeployment); arn != f.Newest {
		return arn, nil
	}
	return "", nil
}

func (d *services) goOn(ctx context.Context, at place, f frozen) (string, error) {
	out, err := d.client.ContinueServiceDeployment(ctx, &ecs.ContinueServiceDeploymentInput{
		ServiceDeploymentArn: &f.Deployment, HookId: &f.Hook, Action: types.DeploymentLifecycleHookActionContinue,
	}, at.in)
	if err != nil {
		return "", err
	}
	if aws.ToString(out.ServiceDeploymentArn) != f.Deployment {
		return "", amazon.Lacking("ContinueServiceDeployment", out.ResultMetadata, "the deployment that was meant")
	}
	return f.Deployment, nil
}

func (d *services) stop(ctx context.Context, at place, f frozen) (string, error) {
	out, err := d.client.StopServiceDeployment(ctx, &ecs.StopServiceDeploymentInput{
		ServiceDeploymentArn: &f.Deployment, StopType: types.StopServiceDeploymentStopTypeRollback,
	}, at.in)
	if err != nil {
		return "", err
	}
	if aws.ToString(out.ServiceDeploymentArn) != f.Deployment {
		return "", amazon.Lacking("StopServiceDeployment", out.ResultMetadata, "the deployment that was meant")
	}
	return f.Deployment, nil
}

// Poll reads the deployment.
func (d *services) Poll(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	_, at, f, err := d.thaw(op.Call)
	if err != nil {
		return op, 0, err
	}
	if op.ID == "" {
		next, err := d.find(ctx, op, at, f)
		return next, 0, err
	}
	one, err := d.deployment(ctx, at, op.ID)
	if d.isNotFound(err) {
		return failedWith(op, driver.Problem{Code: "NOT_FOUND", Message: err.Error()}), 0, nil
	}
	if err != nil {
		return op, 0, err
	}
	next, err := d.mirror(ctx, op, at, f, view{one, op.Call.Changes[0].Target.Name})
	return next, 0, err
}

// find looks for the deployment that an update began. Where none comes, the service
// tells: the same task definition begins none.
func (d *services) find(ctx context.Context, op driver.Operation, at place, f frozen) (driver.Operation, error) {
	mine, others, err := d.since(ctx, at, f)
	switch {
	case err != nil:
		return op, err
	case mine != nil:
		op.ID = aws.ToString(mine.ServiceDeploymentArn)
		next, _, err := d.Poll(ctx, op)
		return next, err
	case d.now().Before(op.Call.Intended.Add(settle)):
		return op, nil
	}
	o, err := d.observe(ctx, at)
	switch {
	case err != nil:
		return op, err
	case o.runs == f.Definition && o.current == nil:
		return o.succeed(op), nil
	case len(others) > 0:
		return o.foreign(op), nil
	}
	return failedWith(op, driver.Problem{Code: "NOT_STARTED", Message: "the update was answered, and no deployment was begun: the service runs " + o.runs}), nil
}
