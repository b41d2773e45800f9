package ecs

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// prepareCommand prepares a word on a deployment of the service: to go on past its
// pause, or to go back.
func (d *services) prepareCommand(ctx context.Context, p *draft) (driver.Prepared, error) {
	arn, err := p.meant()
	if err != nil || arn == "" {
		return p.stopped(), err
	}
	one, err := d.deployment(ctx, p.at, arn)
	if err != nil {
		return driver.Prepared{}, err
	}
	v := view{one, p.change.Target.Name}
	f := frozen{Deployment: arn}
	switch p.call.Kind {
	case driver.Approve, driver.Advance:
		return p.prepareContinue(v, f)
	default:
		return p.prepareStop(v, f)
	}
}

// meant is the deployment that a command is for: the one that was seen last, else
// the one that goes on.
func (p *draft) meant() (string, error) {
	var seen struct {
		Name string `json:"name"`
	}
	if len(p.change.Remote) > 0 {
		if err := json.Unmarshal(p.change.Remote, &seen); err != nil {
			return "", &amazon.InvalidError{Text: fmt.Sprintf("the deployment as last seen: %v", err)}
		}
	}
	if last(parent(seen.Name)) == p.at.Service && strings.Contains(seen.Name, ":service-deployment/") {
		return seen.Name, nil
	}
	if p.seen.current == nil {
		p.refuse("no deployment of the service goes on", "")
		return "", nil
	}
	return aws.ToString(p.seen.current.ServiceDeploymentArn), nil
}

// prepareContinue goes on past a pause. What is done there is always said: without
// it, going on is what ECS does.
func (p *draft) prepareContinue(v view, f frozen) (driver.Prepared, error) {
	pause := v.pause()
	wanted := map[driver.Kind]string{driver.Approve: waitApproval, driver.Advance: waitAdvance}[p.call.Kind]
	if pause == nil || v.waiting() != wanted {
		p.refuse(fmt.Sprintf("service deployment %s is %s %s and waits for nobody's %s", last(v.arn()), v.Status, v.LifecycleStage, p.call.Kind), "")
		return p.stopped(), nil
	}
	f.Hook = aws.ToString(pause.HookId)
	action := string(types.DeploymentLifecycleHookActionContinue)
	return p.freeze(f, fmt.Sprintf("ContinueServiceDeployment {serviceDeploymentArn: %s, hookId: %s, action: %s}", v.arn(), f.Hook, action), driver.Shell(
		"aws", "ecs", "continue-service-deployment", "--service-deployment-arn", v.arn(), "--hook-id", f.Hook, "--action", action, "--region", p.at.Region))
}

// prepareStop rolls a deployment back.
func (p *draft) prepareStop(v view, f frozen) (driver.Prepared, error) {
	if v.Status != types.ServiceDeploymentStatusPending && v.Status != types.ServiceDeploymentStatusInProgress {
		p.refuse(fmt.Sprintf("service deployment %s is %s: only one that goes on can be rolled back", last(v.arn()), v.Status), "")
		return p.stopped(), nil
	}
	how := string(types.StopServiceDeploymentStopTypeRollback)
	return p.freeze(f, fmt.Sprintf("StopServiceDeployment {serviceDeploymentArn: %s, stopType: %s}", v.arn(), how), driver.Shell(
		"aws", "ecs", "stop-service-deployment", "--service-deployment-arn", v.arn(), "--stop-type", how, "--region", p.at.Region))
}
