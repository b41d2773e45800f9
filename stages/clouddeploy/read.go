package clouddeploy

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"sluice/stages/driver"
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
	fits   func(*rollout) bool
}

func deployed(at place) selection {
	return selection{at, filter(`(approvalState!="REJECTED" AND approvalState!="NEEDS_APPROVAL") AND state="SUCCEEDED"`, at),
		func(r *rollout) bool { return r.State == "SUCCEEDED" }}
}

func onTarget(at place) selection {
	return selection{at, filter("", at), func(*rollout) bool { return true }}
}

func unfinished(at place) selection {
	return selection{at, filter(`state!="SUCCEEDED" AND state!="FAILED" AND state!="CANCELLED" AND state!="APPROVAL_REJECTED"`, at),
		func(r *rollout) bool { return !isFinal(r.State) }}
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
func (s selection) check(page []*rollout) error {
	for _, r := range page {
		if s.at.Target != "" && r.TargetID != s.at.Target || !s.fits(r) {
			return google.NoAnswer("the list of rollouts", "rollout %s to target %q, %s, does not fit %s", r.Name, r.TargetID, r.State, s.filter)
		}
	}
	return nil
}

// reader reads what Cloud Deploy has.
type reader struct{ client *google.Client }

// page reads a page. One that is empty although more follow is asked for again:
// there are such pages, and what should have been on it would be passed over.
func (api reader) page(ctx context.Context, s selection, path string, query url.Values) (google.Page[*rollout], error) {
	page, err := google.ReadPage[*rollout](ctx, api.client, path, "rollouts", query)
	if err == nil && len(page.Elements) == 0 && page.Next != "" {
		page, err = google.ReadPage[*rollout](ctx, api.client, path, "rollouts", query)
	}
	if err != nil {
		return page, err
	}
	return page, s.check(page.Elements)
}

// rollouts lists rollouts of a release, "-" for all, until enough says so.
func (api reader) rollouts(ctx context.Context, release string, s selection, order string, size int, enough func([]*rollout) bool) ([]*rollout, error) {
	var all []*rollout
	var pages google.Pages
	query := url.Values{"filter": {s.filter}, "orderBy": {order}, "pageSize": {strconv.Itoa(size)}}
	for {
		page, err := api.page(ctx, s, root+s.at.release(release)+"/rollouts", query)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Elements...)
		if page.Next == "" || enough(all) {
			return all, nil
		}
		if err := pages.Turn(page.Next); err != nil {
			return nil, err
		}
		query.Set("pageToken", page.Next)
	}
}

func one(found []*rollout) bool { return len(found) > 0 }
func every([]*rollout) bool     { return false }

// first is the first rollout of a list, nil where it is empty.
func (api reader) first(ctx context.Context, s selection, order string) (*rollout, error) {
	found, err := api.rollouts(ctx, "-", s, order, 1, one)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// current is the newest SUCCEEDED rollout on the target, nil where there is none.
func (api reader) current(ctx context.Context, at place) (*rollout, error) {
	return api.first(ctx, deployed(at), newestDeployed)
}

// newest is the rollout on the target that was made last, whatever became of it.
func (api reader) newest(ctx context.Context, at place) (*rollout, error) {
	return api.first(ctx, onTarget(at), newestCreated)
}

// sinceBegun are the newest rollouts on the target, whatever became of them, as far
// back as one that began to deploy.
func (api reader) sinceBegun(ctx context.Context, at place) ([]*rollout, error) {
	return api.rollouts(ctx, "-", onTarget(at), newestCreated, 10, func(all []*rollout) bool { return firstBegun(all) != nil })
}

// firstBegun is the first rollout that began to deploy, nil where none did: one
// that was rejected, or cancelled while it waited, left the target alone.
func firstBegun(all []*rollout) *rollout {
	i := slices.IndexFunc(all, func(r *rollout) bool { return r.DeployStartTime != "" })
	if i < 0 {
		return nil
	}
	return all[i]
}

// release reads one of the pipeline's releases.
func (api reader) release(ctx context.Context, at place, id string) (*release, error) {
	if !validID().MatchString(id) {
		return nil, &google.NotFoundError{Text: fmt.Sprintf("%q cannot be the id of a release", id)}
	}
	return google.Decoded[release](api.client.Get(ctx, root+at.release(id)))
}

// pipeline reads the delivery pipeline, which must have the target.
func (api reader) pipeline(ctx context.Context, at place) (*deliveryPipeline, error) {
	p, err := google.Decoded[deliveryPipeline](api.client.Get(ctx, root+at.pipeline()))
	if err != nil {
		return nil, err
	}
	if stageOf(p, at.Target) == nil {
		return nil, &google.NotFoundError{Text: fmt.Sprintf("delivery pipeline %s has no target %s", at.DeliveryPipeline, at.Target)}
	}
	return p, nil
}

// targetExists tells a target where nothing runs from one that is not there.
func (api reader) targetExists(ctx context.Context, at place) error {
	_, err := api.pipeline(ctx, at)
	return err
}

// stageOf is a target's stage in a pipeline, nil where it has none.
func stageOf(p *deliveryPipeline, target string) *stage {
	if p == nil {
		return nil
	}
	i := slices.IndexFunc(p.Serial.Stages, func(s stage) bool { return s.TargetID == target })
	if i < 0 {
		return nil
	}
	return &p.Serial.Stages[i]
}

// had are the rollouts of a release to the target. That there are none is asked
// for twice: an id that is taken would have the new rollout pass for another's.
func (api reader) had(ctx context.Context, at place, release string) ([]*rollout, error) {
	had, err := api.rollouts(ctx, release, onTarget(at), "", mostRollouts, every)
	if err == nil && len(had) == 0 {
		return api.rollouts(ctx, release, onTarget(at), "", mostRollouts, every)
	}
	return had, err
}

// latest is the pipeline's newest release that is not abandoned and did not fail
// to render.
func (api reader) latest(ctx context.Context, at place) (driver.Release, error) {
	query := url.Values{"orderBy": {newestCreated}, "pageSize": {"50"}}
	for page, err := range google.EachPage[*release](ctx, api.client, root+at.pipeline()+"/releases", "releases", query) {
		if err != nil {
			return driver.Release{}, err
		}
		for _, r := range page {
			if !r.Abandoned && r.RenderState != "FAILED" {
				return released(r), nil
			}
		}
	}
	return driver.Release{}, &google.NotFoundError{Text: fmt.Sprintf("delivery pipeline %s has no release that is not abandoned", at.DeliveryPipeline)}
}

func released(r *release) driver.Release {
	return driver.Release{ID: google.Last(r.Name), CreateTime: google.Clock(r.CreateTime), Comment: r.Description}
}
