package clouddeploy

import (
	"context"
	"fmt"
	"slices"

	api "google.golang.org/api/clouddeploy/v1"

	"sluice/stages/google"
)

// The orders and filters are those of gcloud, which is how they are known to
// be accepted.
const (
	newestDeployed = "DeployEndTime desc"
	newestCreated  = "CreateTime desc"
)

func deployed(target string) string {
	return fmt.Sprintf(`(approvalState!="REJECTED" AND approvalState!="NEEDS_APPROVAL") AND state="SUCCEEDED" AND targetId="%s"`, target)
}

func onTarget(target string) string { return fmt.Sprintf(`targetId="%s"`, target) }

func unfinished(target string) string {
	return onTarget(target) + ` AND state!="SUCCEEDED" AND state!="FAILED" AND state!="CANCELLED" AND state!="APPROVAL_REJECTED"`
}

// rollouts lists rollouts of a release, "-" for all, until enough says so.
func (d *clouddeploy) rollouts(ctx context.Context, release, filter, order string, size int64, enough func([]*api.Rollout) bool) ([]*api.Rollout, error) {
	var all []*api.Rollout
	list := d.service.Projects.Locations.DeliveryPipelines.Releases.Rollouts.List(release).Filter(filter).OrderBy(order).PageSize(size)
	for {
		page, err := list.Context(ctx).Do()
		if err != nil {
			return nil, err
		}
		all = append(all, page.Rollouts...)
		if page.NextPageToken == "" || enough(all) {
			return all, nil
		}
		list = list.PageToken(page.NextPageToken)
	}
}

func one(found []*api.Rollout) bool { return len(found) > 0 }
func every([]*api.Rollout) bool     { return false }

// first is the first rollout of a list, nil where it is empty.
func (d *clouddeploy) first(ctx context.Context, at place, filter, order string) (*api.Rollout, error) {
	found, err := d.rollouts(ctx, at.release("-"), filter, order, 1, one)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// current is the newest SUCCEEDED rollout on the target, nil where there is none.
func (d *clouddeploy) current(ctx context.Context, at place) (*api.Rollout, error) {
	return d.first(ctx, at, deployed(at.Target), newestDeployed)
}

// newest is the rollout on the target that was made last, whatever became of it.
func (d *clouddeploy) newest(ctx context.Context, at place) (*api.Rollout, error) {
	return d.first(ctx, at, onTarget(at.Target), newestCreated)
}

// release reads one of the pipeline's releases.
func (d *clouddeploy) release(ctx context.Context, at place, id string) (*api.Release, error) {
	if !validID.MatchString(id) {
		return nil, &google.NotFoundError{Text: fmt.Sprintf("%q cannot be the id of a release", id)}
	}
	return d.service.Projects.Locations.DeliveryPipelines.Releases.Get(at.release(id)).Context(ctx).Do()
}

// pipeline reads the delivery pipeline, which must have the target.
func (d *clouddeploy) pipeline(ctx context.Context, at place) (*api.DeliveryPipeline, error) {
	p, err := d.service.Projects.Locations.DeliveryPipelines.Get(at.pipeline()).Context(ctx).Do()
	if err != nil {
		return nil, err
	}
	if stageOf(p, at.Target) == nil {
		return nil, &google.NotFoundError{Text: fmt.Sprintf("delivery pipeline %s has no target %s", at.DeliveryPipeline, at.Target)}
	}
	return p, nil
}

// targetExists tells a target where nothing runs from one that is not there.
func (d *clouddeploy) targetExists(ctx context.Context, at place) error {
	_, err := d.pipeline(ctx, at)
	return err
}

// stageOf is a target's stage in a pipeline, nil where it has none.
func stageOf(p *api.DeliveryPipeline, target string) *api.Stage {
	if p == nil || p.SerialPipeline == nil {
		return nil
	}
	i := slices.IndexFunc(p.SerialPipeline.Stages, func(s *api.Stage) bool { return s.TargetId == target })
	if i < 0 {
		return nil
	}
	return p.SerialPipeline.Stages[i]
}
