package ecs

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// service reads the target's service.
func (d *services) service(ctx context.Context, at place) (*types.Service, error) {
	out, err := d.client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &at.Cluster, Services: []string{at.Service}}, at.in)
	if err != nil {
		return nil, err
	}
	for i := range out.Services {
		if s := &out.Services[i]; aws.ToString(s.ServiceName) == at.Service && last(aws.ToString(s.ClusterArn)) == at.Cluster {
			return s, amazon.Lacking("DescribeServices", out.ResultMetadata, lacksOf(s)...)
		}
	}
	if missing(out.Failures, at.Service) && len(out.Services) == 0 {
		return nil, amazon.Missing(fmt.Sprintf("cluster %s in %s has no service %s", at.Cluster, at.Region, at.Service),
			"check the target's cluster, service and region against `aws ecs list-services`", out.ResultMetadata)
	}
	return nil, amazon.Lacking("DescribeServices", out.ResultMetadata, "the service that was asked for, or that it is MISSING")
}

// lacksOf is what a service must carry to be believed.
func lacksOf(s *types.Service) []string {
	var lacks []string
	if aws.ToString(s.ServiceArn) == "" || aws.ToString(s.Status) == "" {
		lacks = append(lacks, "serviceArn and status")
	}
	if aws.ToString(s.TaskDefinition) == "" {
		lacks = append(lacks, "taskDefinition")
	}
	if controllerOf(s) == "ECS" && len(s.CurrentServiceRevisions) == 0 && aws.ToString(s.Status) == active {
		lacks = append(lacks, "currentServiceRevisions")
	}
	return lacks
}

const active = "ACTIVE"

// controllerOf says who deploys a service. ECS is what a service has without one.
func controllerOf(s *types.Service) string {
	if s.DeploymentController == nil || s.DeploymentController.Type == "" {
		return string(types.DeploymentControllerTypeEcs)
	}
	return string(s.DeploymentController.Type)
}

// missing reports whether the failures say that something is not there.
func missing(failures []types.Failure, name string) bool {
	return slices.ContainsFunc(failures, func(f types.Failure) bool {
		return aws.ToString(f.Reason) == "MISSING" && last(aws.ToString(f.Arn)) == last(name)
	})
}

// deployment reads a service deployment.
func (d *services) deployment(ctx context.Context, at place, arn string) (*types.ServiceDeployment, error) {
	out, err := d.client.DescribeServiceDeployments(ctx, &ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{arn}}, at.in)
	if err != nil {
		return nil, err
	}
	for i := range out.ServiceDeployments {
		if one := &out.ServiceDeployments[i]; aws.ToString(one.ServiceDeploymentArn) == arn {
			return one, amazon.Lacking("DescribeServiceDeployments", out.ResultMetadata, lacksOfDeployment(one)...)
		}
	}
	if missing(out.Failures, arn) && len(out.ServiceDeployments) == 0 {
		return nil, amazon.Missing("ECS does not know service deployment "+last(arn), "look at `aws ecs list-service-deployments`", out.ResultMetadata)
	}
	return nil, amazon.Lacking("DescribeServiceDeployments", out.ResultMetadata, "the deployment that was asked for, or that it is MISSING")
}

func lacksOfDeployment(one *types.ServiceDeployment) []string {
	var lacks []string
	if one.Status == "" || one.CreatedAt == nil {
		lacks = append(lacks, "status and createdAt")
	}
	if one.TargetServiceRevision == nil || aws.ToString(one.TargetServiceRevision.Arn) == "" {
		lacks = append(lacks, "targetServiceRevision")
	}
	for _, h := range one.LifecycleHookDetails {
		if aws.ToString(h.HookId) == "" || h.Status == "" {
			lacks = append(lacks, "the id and the status of a lifecycle hook")
			break
		}
	}
	return lacks
}

// definitions are the task definitions of service revisions, by the revisions' ARNs:
// "family:revision".
func (d *services) definitions(ctx context.Context, region string, arns ...string) (map[string]string, error) {
	found := map[string]string{}
	arns = slices.Compact(slices.Sorted(slices.Values(arns)))
	for part := range slices.Chunk(arns, mostDescribed) {
		out, err := d.client.DescribeServiceRevisions(ctx, &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: part}, place{Region: region}.in)
		if err != nil {
			return nil, err
		}
		for _, r := range out.ServiceRevisions {
			if arn, definition := aws.ToString(r.ServiceRevisionArn), last(aws.ToString(r.TaskDefinition)); arn != "" && isPinned(definition) {
				found[arn] = definition
			}
		}
		for _, arn := range part {
			if found[arn] == "" {
				return nil, amazon.Lacking("DescribeServiceRevisions", out.ResultMetadata, "service revision "+last(arn)+" with its task definition")
			}
		}
	}
	return found, nil
}

// mostDescribed is how many revisions or deployments one request asks for.
const mostDescribed = 20

// newer lists a service's deployments that were made after a time, oldest first. A
// page that came before would never end.
func (d *services) newer(ctx context.Context, at place, after time.Time) ([]types.ServiceDeploymentBrief, error) {
	in := &ecs.ListServiceDeploymentsInput{Cluster: &at.Cluster, Service: &at.Service, CreatedAt: &types.CreatedAt{After: &after}, MaxResults: aws.Int32(100)}
	var all []types.ServiceDeploymentBrief
	tokens := map[string]bool{}
	for {
		out, err := d.client.ListServiceDeployments(ctx, in, at.in)
		if err != nil {
			return nil, err
		}
		if out.ServiceDeployments == nil {
			return nil, amazon.Lacking("ListServiceDeployments", out.ResultMetadata, "serviceDeployments")
		}
		for _, one := range out.ServiceDeployments {
			if aws.ToString(one.ServiceDeploymentArn) == "" || one.CreatedAt == nil || aws.ToString(one.TargetServiceRevisionArn) == "" || one.Status == "" || last(parent(aws.ToString(one.ServiceDeploymentArn))) != at.Service {
				return nil, amazon.Lacking("ListServiceDeployments", out.ResultMetadata, "the ARN, time, status, target or service of a deployment")
			}
		}
		all = append(all, out.ServiceDeployments...)
		token := aws.ToString(out.NextToken)
		if token == "" {
			break
		}
		if tokens[token] {
			return nil, amazon.Lacking("ListServiceDeployments", out.ResultMetadata, "an end: its pages go round in a circle")
		}
		tokens[token], in.NextToken = true, &token
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].CreatedAt.Before(*all[j].CreatedAt) })
	return all, nil
}

// ongoing are the statuses of deployments that are not over. One that this version
// does not know is not over either.
func ongoing(status types.ServiceDeploymentStatus) bool {
	switch status {
	case types.ServiceDeploymentStatusSuccessful, types.ServiceDeploymentStatusStopped,
		types.ServiceDeploymentStatusRollbackSuccessful, types.ServiceDeploymentStatusRollbackFailed:
		return false
	default:
		return true
	}
}

// taskDefinition reads a task definition by "family:revision", or the newest of a
// family.
func (d *services) taskDefinition(ctx context.Context, region, name string) (*types.TaskDefinition, error) {
	out, err := d.client.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &name}, place{Region: region}.in)
	if err != nil {
		return nil, err
	}
	t := out.TaskDefinition
	family, _, pinned := strings.Cut(name, ":")
	switch {
	case t == nil || !isPinned(last(aws.ToString(t.TaskDefinitionArn))) || aws.ToString(t.Family) != family || pinned && last(aws.ToString(t.TaskDefinitionArn)) != name:
		return nil, amazon.Lacking("DescribeTaskDefinition", out.ResultMetadata, "the task definition that was asked for")
	case t.Status == "" || t.RegisteredAt == nil:
		return nil, amazon.Lacking("DescribeTaskDefinition", out.ResultMetadata, "status and registeredAt")
	}
	return t, nil
}

// released is a task definition as a release; its images tell people what it is.
func released(t *types.TaskDefinition) driver.Release {
	var images []string
	for _, c := range t.ContainerDefinitions {
		if image := aws.ToString(c.Image); image != "" {
			images = append(images, image)
		}
	}
	return driver.Release{
		ID: last(aws.ToString(t.TaskDefinitionArn)), Platform: aws.ToString(t.TaskDefinitionArn),
		CreateTime: aws.ToTime(t.RegisteredAt), Comment: strings.Join(images, ", "),
	}
}

// isPinned reports whether a name is a task definition with its revision.
func isPinned(name string) bool {
	family, revision, ok := strings.Cut(name, ":")
	return ok && family != "" && revision != "" && strings.Trim(revision, "0123456789") == ""
}

// last is the last part of an ARN.
func last(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// parent is an ARN without its last part.
func parent(arn string) string { return arn[:max(strings.LastIndex(arn, "/"), 0)] }
