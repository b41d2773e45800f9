package ecs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// mirror takes over the deployment as it is.
func (d *services) mirror(ctx context.Context, op driver.Operation, at place, f frozen, v view) (driver.Operation, error) {
	rollout, err := v.rollout()
	if err != nil {
		return op, err
	}
	op.Status, op.Progress, op.Warnings = driver.Running, v.progress(), v.warnings()
	op.Inserted, op.Started, op.Ended = aws.ToTime(v.CreatedAt), aws.ToTime(v.StartedAt), aws.ToTime(v.FinishedAt)
	result := driver.Result{Outcome: driver.Open, Rollout: rollout, Waiting: v.waiting()}
	if p := v.pause(); p != nil {
		result.Until = aws.ToTime(p.ExpiresAt).UTC()
	}
	switch {
	case op.Call.Kind.IsCommand():
		err = d.judgeCommand(ctx, &result, op.Call.Kind, at, f, v)
	case !ongoing(v.Status):
		err = d.judge(ctx, &result, at, f, v)
	}
	if err != nil {
		return op, err
	}
	if result.Outcome != driver.Open {
		op.Status = driver.Done
	}
	op.Results = map[string]driver.Result{v.target: result}
	return op, nil
}

// judge says what became of a deployment that is over. A service that was rolled
// back is stable, and its release failed.
func (d *services) judge(ctx context.Context, result *driver.Result, at place, f frozen, v view) error {
	if v.Status != types.ServiceDeploymentStatusSuccessful {
		result.Outcome, result.Errors = driver.Failed, v.problems()
		return d.judgeBack(ctx, result, at, f)
	}
	arn := aws.ToString(v.TargetServiceRevision.Arn)
	definitions, err := d.definitions(ctx, at.Region, arn)
	if err != nil {
		return err
	}
	if runs := definitions[arn]; runs != f.Definition {
		result.Outcome = driver.Failed
		result.Errors = []driver.Problem{{Code: "FOREIGN", Location: v.arn(), Message: "the deployment brought " + runs + ": somebody else made it"}}
		return nil
	}
	result.Outcome = driver.Succeeded
	result.Release, result.After = driver.Release{ID: f.Definition, Platform: v.arn()}, standing{Release: f.Definition}.json()
	return nil
}

// judgeBack says whether a service runs what it ran before a deployment that failed,
// and nothing else comes: whatever the deployment's status claims. A service of which
// nothing says which revision will stay runs neither.
func (d *services) judgeBack(ctx context.Context, result *driver.Result, at place, f frozen) error {
	o, err := d.observe(ctx, at)
	if _, unclear := errors.AsType[*busyError](err); unclear {
		return nil
	}
	if code := d.Explain(err).Code; err != nil && code != driver.Retryable && code != driver.Lost {
		return nil // it failed whatever cannot be read of it
	}
	if err != nil || o.current != nil || o.runs == "" || o.runs != f.Before {
		return err
	}
	result.Restored = true
	result.Release, result.After = driver.Release{ID: o.runs}, standing{Release: o.runs}.json()
	return nil
}

// judgeCommand says whether a command shows in the deployment.
func (d *services) judgeCommand(ctx context.Context, result *driver.Result, kind driver.Kind, at place, f frozen, v view) error {
	late := kind != driver.Approve && kind != driver.Advance && v.Status == types.ServiceDeploymentStatusSuccessful
	switch {
	case late:
		result.Outcome = driver.Failed
		result.Errors = []driver.Problem{{Code: string(v.Status), Location: v.arn(), Message: "the deployment was over before it could be rolled back"}}
		return nil
	case !v.shows(kind, f):
		return nil
	}
	result.Outcome = driver.Succeeded
	o, err := d.observe(ctx, at)
	if err != nil {
		return err
	}
	result.Release, result.After = driver.Release{ID: o.runs, Platform: v.arn()}, standing{Release: o.runs}.json()
	return nil
}

// shows reports whether a command is seen in the deployment: its pause is over, or
// it goes back.
func (v view) shows(kind driver.Kind, f frozen) bool {
	if kind != driver.Approve && kind != driver.Advance {
		return v.state() == "CANCELLING" || !ongoing(v.Status) && v.Status != types.ServiceDeploymentStatusSuccessful
	}
	for _, h := range v.LifecycleHookDetails {
		if aws.ToString(h.HookId) == f.Hook {
			return h.Status == types.DeploymentLifecycleHookStatusSucceeded || h.Status != types.DeploymentLifecycleHookStatusAwaitingAction && ongoing(v.Status) && v.state() != "CANCELLING"
		}
	}
	return v.Status == types.ServiceDeploymentStatusSuccessful || v.Status == types.ServiceDeploymentStatusInProgress
}

// since are the call's deployment among those that are newer than the watermark, nil
// where there is none, and the others.
func (d *services) since(ctx context.Context, at place, f frozen) (mine *types.ServiceDeploymentBrief, others []types.ServiceDeploymentBrief, err error) {
	all, err := d.newer(ctx, at, f.After)
	if err != nil {
		return nil, nil, err
	}
	var arns []string
	for _, one := range all {
		if aws.ToString(one.ServiceDeploymentArn) != f.Newest {
			others, arns = append(others, one), append(arns, aws.ToString(one.TargetServiceRevisionArn))
		}
	}
	definitions, err := d.definitions(ctx, at.Region, arns...)
	if err != nil {
		return nil, nil, err
	}
	for i, one := range others {
		if definitions[aws.ToString(one.TargetServiceRevisionArn)] == f.Definition {
			return &others[i], append(others[:i:i], others[i+1:]...), nil
		}
	}
	return nil, others, nil
}

// Lookup finds the deployment that an update began, or a command in the deployment
// that it was for. What does not show may still come to, until it has had time.
func (d *services) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	_, at, f, err := d.thaw(c)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	find := d.lookupUpdate
	if f.Definition == "" {
		find = d.lookupCommand
	}
	verdict, op, err := find(ctx, opened(c), at, f)
	if err == nil && verdict == driver.Absent && d.now().Before(c.Intended.Add(settle)) {
		verdict = driver.Undecided
	}
	return verdict, op, err
}

func (d *services) lookupUpdate(ctx context.Context, op driver.Operation, at place, f frozen) (driver.Verdict, driver.Operation, error) {
	mine, others, err := d.since(ctx, at, f)
	if err != nil {
		return driver.Undecided, op, err
	}
	if mine != nil {
		op.ID = aws.ToString(mine.ServiceDeploymentArn)
		one, err := d.deployment(ctx, at, op.ID)
		if err != nil {
			return driver.Undecided, op, err
		}
		op, err = d.mirror(ctx, op, at, f, view{one, op.Call.Changes[0].Target.Name})
		return driver.Found, op, err
	}
	o, err := d.observe(ctx, at)
	switch {
	case err != nil:
		return driver.Undecided, op, err
	case o.runs == f.Definition:
		return driver.Found, o.succeed(op), nil
	case o.comes == f.Definition:
		return driver.Undecided, op, nil // it goes on, and is not in the list yet
	case len(others) > 0 || o.current != nil:
		return driver.ForeignChange, o.foreign(op), nil
	}
	return driver.Absent, op, nil
}

func (d *services) lookupCommand(ctx context.Context, op driver.Operation, at place, f frozen) (driver.Verdict, driver.Operation, error) {
	one, err := d.deployment(ctx, at, f.Deployment)
	if err != nil {
		return driver.Undecided, op, err
	}
	v := view{one, op.Call.Changes[0].Target.Name}
	if !v.shows(op.Call.Kind, f) && ongoing(v.Status) {
		return driver.Absent, op, nil
	}
	op.ID = f.Deployment
	op, err = d.mirror(ctx, op, at, f, v)
	return driver.Found, op, err
}

// succeed ends an operation with what was read back.
func (o observed) succeed(op driver.Operation) driver.Operation {
	name := op.Call.Changes[0].Target.Name
	op.Status, op.Progress = driver.Done, 100
	op.Results = map[string]driver.Result{name: {Outcome: driver.Succeeded, Release: driver.Release{ID: o.runs}, After: standing{Release: o.runs}.json()}}
	return op
}

// foreign is what somebody else made of the service.
func (o observed) foreign(op driver.Operation) driver.Operation {
	stands := o.runs
	if o.comes != "" {
		stands = o.comes
	}
	op = failedWith(op, driver.Problem{Code: "FOREIGN", Message: "somebody else gave the service " + stands})
	name := op.Call.Changes[0].Target.Name
	result := op.Results[name]
	result.Release, result.After = driver.Release{ID: stands}, standing{Release: stands}.json()
	op.Results[name] = result
	return op
}

// failedWith ends an operation for the reasons given.
func failedWith(op driver.Operation, why ...driver.Problem) driver.Operation {
	op.Status = driver.Done
	op.Results = map[string]driver.Result{op.Call.Changes[0].Target.Name: {Outcome: driver.Failed, Errors: why}}
	return op
}

// Operation reads a service deployment of the target's service, whoever began it.
func (d *services) Operation(ctx context.Context, t driver.Target, name string) (driver.Operation, time.Duration, error) {
	at, err := d.place(t)
	if err != nil {
		return driver.Operation{}, 0, err
	}
	arn := name
	if !strings.HasPrefix(arn, "arn:") {
		s, err := d.service(ctx, at)
		if err != nil {
			return driver.Operation{}, 0, err
		}
		if name == "" || strings.ContainsAny(name, "/: \t\n") {
			return driver.Operation{}, 0, &amazon.NotFoundError{Text: fmt.Sprintf("%q cannot be the id of a service deployment", name), Remedy: "look at `aws ecs list-service-deployments`"}
		}
		arn = strings.Replace(aws.ToString(s.ServiceArn), ":service/", ":service-deployment/", 1) + "/" + name
	}
	if last(parent(arn)) != at.Service {
		return driver.Operation{}, 0, &amazon.NotFoundError{Text: arn + " is no deployment of service " + at.Service, Remedy: "look at `aws ecs list-service-deployments`"}
	}
	one, err := d.deployment(ctx, at, arn)
	if err != nil {
		return driver.Operation{}, 0, err
	}
	v := view{one, t.Name}
	op := opened(driver.Call{Changes: []driver.Change{{Target: t}}})
	op.ID, op.Kind, op.Progress, op.Warnings = arn, string(v.strategy()), v.progress(), v.warnings()
	switch {
	case v.Status == types.ServiceDeploymentStatusSuccessful:
		op.Status, op.Results[t.Name] = driver.Done, driver.Result{Outcome: driver.Succeeded}
	case !ongoing(v.Status):
		op = failedWith(op, v.problems()...)
	default:
		op.Results[t.Name] = driver.Result{Outcome: driver.Open, Waiting: v.waiting()}
	}
	op.Call = driver.Call{}
	return op, 0, nil
}
