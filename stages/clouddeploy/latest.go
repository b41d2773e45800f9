package clouddeploy

import (
	"context"
	"fmt"

	api "google.golang.org/api/clouddeploy/v1"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// latest is the pipeline's newest release that is not abandoned and did not fail
// to render.
func (d *clouddeploy) latest(ctx context.Context, at place) (driver.Release, error) {
	list := d.service.Projects.Locations.DeliveryPipelines.Releases.List(at.pipeline()).OrderBy(newestCreated).PageSize(50)
	var pages google.Pages
	for {
		page, err := list.Context(ctx).Do()
		if err != nil {
			return driver.Release{}, err
		}
		for _, r := range page.Releases {
			if !r.Abandoned && r.RenderState != "FAILED" {
				return released(r), nil
			}
		}
		if page.NextPageToken == "" {
			return driver.Release{}, &google.NotFoundError{Text: fmt.Sprintf("delivery pipeline %s has no release that is not abandoned", at.DeliveryPipeline)}
		}
		if err := pages.Turn(page.NextPageToken); err != nil {
			return driver.Release{}, err
		}
		list = list.PageToken(page.NextPageToken)
	}
}

func released(r *api.Release) driver.Release {
	return driver.Release{ID: google.Last(r.Name), CreateTime: google.Clock(r.CreateTime), Comment: r.Description}
}

// Make is Unsupported: releases are made of artifacts, which only a build has.
func (d *clouddeploy) Make(context.Context, driver.Target, string) (driver.Release, error) {
	return driver.Release{}, &google.UnsupportedError{Text: "a release of Cloud Deploy is made of a build's artifacts", Remedy: "make it with `gcloud deploy releases create`, then say --release latest"}
}
