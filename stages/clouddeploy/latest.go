package clouddeploy

import (
	"context"
	"fmt"
	"net/url"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// latest is the pipeline's newest release that is not abandoned and did not fail
// to render.
func (d *clouddeploy) latest(ctx context.Context, at place) (driver.Release, error) {
	query := url.Values{"orderBy": {newestCreated}, "pageSize": {"50"}}
	for page, err := range google.EachPage[*release](ctx, d.client, root+at.pipeline()+"/releases", "releases", query) {
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

// Make is Unsupported: releases are made of artifacts, which only a build has.
func (d *clouddeploy) Make(context.Context, driver.Target, string) (driver.Release, error) {
	return driver.Release{}, &google.UnsupportedError{Text: "a release of Cloud Deploy is made of a build's artifacts", Remedy: "make it with `gcloud deploy releases create`, then say --release latest"}
}
