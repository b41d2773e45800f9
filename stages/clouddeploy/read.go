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

// selection is what a list of rollouts to a target, to any where the place names
// none, is asked for, and whether one of them is what was asked for: what is not
// makes the list no answer.
type selection struct {
	at     place
	filter string
	fits   func(*api.Rollout) bool
}

func deployed(at place) selection {
	return selection{at, filter(`(approvalState!="REJECTED" AND approvalState!="NEEDS_APPROVAL") AND state="SUCCEEDED"`, at),
		func(r *api.Rollout) bool { return r.State == "SUCCEEDED" }}
}

func onTarget(at place) selection {
	return selection{at, filter("", at), func(*api.Rollout) bool { return true }}
}

func unfinished(at place) selection {
	return selection{at, filter(`state!="SUCCEEDED" AND state!="FAILED" AND state!="CANCELLED" AND state!="APPROVAL_REJECTED"`, at),
		func(r *api.Rollout) bool { return !isFinal(r.State) }}
}

// filter is a filter's text with the place's target.
func filter(text string, at place) string {
	if at.Target == "" {
		return text
	}
	if text != "" {
		text += " AND "
	}
	return text + fmt.Sprintf(`targetId="%s"`, at.Target)
}

// check refuses a page with a rollout that was not asked for.
func (s selection) check(page []*api.Rollout) error {
	for _, r := range page {
		if s.at.Target != "" && r.TargetId != s.at.Target || !s.fits(r) {
			return google.NoAnswer("the list of rollouts", "rollout %s to target %q, %s, does not fit %s", r.Name, r.TargetId, r.State, s.filter)
		}
	}
	return nil
}

// page reads a page. One that is empty although more follow is asked for again:
// there are such pages, and what should have been on it would be passed over.
func (s selection) page(list *api.ProjectsLocationsDeliveryPipelinesReleasesRolloutsListCall) (*api.ListRolloutsResponse, error) {
	page, err := list.Do()
	if err == nil && len(page.Rollouts) == 0 && page.NextPageToken != "" {
		page, err = list.Do()
	}
	if err != nil {
		return nil, err
	}
	return page, s.check(page.Rollouts)
}

// rollouts lists rollouts of a release, "-" for all, until enough says so.
func (d *clouddeploy) rollouts(ctx context.Context, release string, s selection, order string, size int64, enough func([]*api.Rollout) bool) ([]*api.Rollout, error) {
	var all []*api.Rollout
	var pages google.Pages
	list := d.service.Projects.Locations.DeliveryPipelines.Releases.Rollouts.List(s.at.release(release)).Filter(s.filter).OrderBy(order).PageSize(size)
	for {
		page, err := s.page(list.Context(ctx))
		if err != nil {
			return nil, err
		}
		all = append(all, page.Rollouts...)
		if page.NextPageToken == "" || enough(all) {
			return all, nil
		}
		if err := pages.Turn(page.NextPageToken); err != nil {
			return nil, err
		}
		list = list.PageToken(page.NextPageToken)
	}
}

func one(found []*api.Rollout) bool { return len(found) > 0 }
func every([]*api.Rollout) bool     { return false }

// first is the first rollout of a list, nil where it is empty.
func (d *clouddeploy) first(ctx context.Context, s selection, order string) (*api.Rollout, error) {
	found, err := d.rollouts(ctx, "-", s, order, 1, one)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// current is the newest SUCCEEDED rollout on the target, nil where there is none.
func (d *clouddeploy) current(ctx context.Context, at place) (*api.Rollout, error) {
	return d.first(ctx, deployed(at), newestDeployed)
}

// newest is the rollout on the target that was made last, whatever became of it.
func (d *clouddeploy) newest(ctx context.Context, at place) (*api.Rollout, error) {
	return d.first(ctx, onTarget(at), newestCreated)
}

// release reads one of the pipeline's releases.
func (d *clouddeploy) release(ctx context.Context, at place, id string) (*api.Release, error) {
	if !validID().MatchString(id) {
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
