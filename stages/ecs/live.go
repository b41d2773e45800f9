package ecs

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"sluice/internal/guard"
	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// observed is a service as it stands.
type observed struct {
	at      place
	service *types.Service
	current *types.ServiceDeployment // the one that is not over; nil for none
	runs    string                   // the task definition that has the ordinary traffic; "" where nothing ran yet
	comes   string                   // the one that is being deployed; "" for none
	share   float64                  // its part of the traffic, in percent
	split   bool                     // ECS says how the traffic is divided
}

// observe reads a service, what it runs, and the deployment that goes on. During
// one the service names the new task definition already: what runs is told by the
// revisions.
func (d *services) observe(ctx context.Context, at place) (observed, error) {
	o := observed{at: at}
	var err error
	if o.service, err = d.service(ctx, at); err != nil {
		return o, err
	}
	if controllerOf(o.service) != string(types.DeploymentControllerTypeEcs) {
		o.runs = last(aws.ToString(o.service.TaskDefinition))
		return o, nil
	}
	if arn := aws.ToString(o.service.CurrentServiceDeployment); arn != "" {
		current, err := d.deployment(ctx, at, arn)
		if err != nil {
			return o, err
		}
		if ongoing(current.Status) {
			o.current = current
			return o, d.between(ctx, &o)
		}
	}
	return o, d.steady(ctx, &o)
}

// steady reads what a service runs with which nothing happens.
func (d *services) steady(ctx context.Context, o *observed) error {
	var arns []string
	for _, r := range o.service.CurrentServiceRevisions {
		arns = append(arns, aws.ToString(r.Arn))
	}
	if len(arns) == 0 { // an inactive service
		o.runs = last(aws.ToString(o.service.TaskDefinition))
		return nil
	}
	definitions, err := d.definitions(ctx, o.at.Region, arns...)
	if err != nil {
		return err
	}
	asked := last(aws.ToString(o.service.TaskDefinition))
	for _, arn := range arns {
		if definitions[arn] == asked || len(arns) == 1 {
			o.runs = definitions[arn]
			return nil
		}
	}
	return &busyError{text: fmt.Sprintf("service %s has %d revisions and no deployment that says which will stay", o.at.Service, len(arns))}
}

// between reads what a deployment goes from and to.
func (d *services) between(ctx context.Context, o *observed) error {
	target := o.current.TargetServiceRevision
	arns := []string{aws.ToString(target.Arn)}
	for _, r := range o.current.SourceServiceRevisions {
		arns = append(arns, aws.ToString(r.Arn))
	}
	definitions, err := d.definitions(ctx, o.at.Region, arns...)
	if err != nil {
		return err
	}
	o.comes = definitions[arns[0]]
	most := -1.0
	for _, r := range o.current.SourceServiceRevisions {
		if weight := aws.ToFloat64(r.RequestedProductionTrafficWeight); weight > most {
			most, o.runs = weight, definitions[aws.ToString(r.Arn)]
		}
	}
	o.split = target.RequestedProductionTrafficWeight != nil && o.runs != ""
	o.share = aws.ToFloat64(target.RequestedProductionTrafficWeight)
	return nil
}

func (o observed) live() driver.Live {
	live := driver.Whole(driver.Release{ID: o.runs})
	if o.comes == "" {
		return live
	}
	live.Pending = &driver.Release{ID: o.comes, Platform: aws.ToString(o.current.ServiceDeploymentArn)}
	if o.split && o.share > 0 && o.comes != o.runs {
		live.Shares = []driver.Share{
			{Release: live.Release, Percent: percent(100 - o.share)}, {Release: driver.Release{ID: o.comes}, Percent: percent(o.share)},
		}
	}
	return live
}

func percent(share float64) string { return strconv.FormatFloat(share, 'f', -1, 64) }

// Live is what the services run, each read by itself: what one request tells of
// several services does not say who has which traffic.
func (d *services) Live(ctx context.Context, targets []driver.Target) ([]driver.Live, []error) {
	live := make([]driver.Live, len(targets))
	return live, guard.Each("reading a service", d.atOnce, len(targets), func(i int) error {
		at, err := d.place(targets[i])
		if err != nil {
			return err
		}
		o, err := d.observe(ctx, at)
		if err != nil {
			return err
		}
		live[i] = o.live()
		return nil
	})
}

// Resolve reads a task definition: "family:revision", or the newest of the family
// that the target runs.
func (d *services) Resolve(ctx context.Context, t driver.Target, id string) (driver.Release, error) {
	at, err := d.place(t)
	if err != nil {
		return driver.Release{}, err
	}
	name := id
	switch {
	case id == driver.Latest:
		s, err := d.service(ctx, at)
		if err != nil {
			return driver.Release{}, err
		}
		name = familyOf(last(aws.ToString(s.TaskDefinition)))
	case !isPinned(id):
		return driver.Release{}, &amazon.NotFoundError{
			Text:   fmt.Sprintf("%q is no release: ECS's are family:revision of a task definition; a family alone is whatever is newest", id),
			Remedy: "name one, such as web:42, or the newest (--release latest)",
		}
	}
	definition, err := d.taskDefinition(ctx, at.Region, name)
	if err != nil {
		return driver.Release{}, err
	}
	return released(definition), nil
}
