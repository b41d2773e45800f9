package deploymentmanager

import (
	"context"
	"maps"
	"slices"

	api "google.golang.org/api/deploymentmanager/v2"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// send makes the one request of a call.
func (d *deploymentmanager) send(ctx context.Context, kind driver.Kind, at place, f frozen) (*api.Operation, error) {
	switch kind {
	case driver.Approve:
		// Without a target, an update deploys what was previewed.
		return d.service.Deployments.Update(at.Project, at.Deployment, f.wanted(at, nil)).Context(ctx).Do()
	case driver.Reject:
		request := &api.DeploymentsCancelPreviewRequest{Fingerprint: f.Fingerprint}
		return d.service.Deployments.CancelPreview(at.Project, at.Deployment, request).Context(ctx).Do()
	}
	target, err := d.content(ctx, f)
	if err != nil {
		return nil, err
	}
	if f.Insert {
		return d.service.Deployments.Insert(at.Project, f.wanted(at, target)).Preview(f.Preview).Context(ctx).Do()
	}
	return d.service.Deployments.Update(at.Project, at.Deployment, f.wanted(at, target)).Preview(f.Preview).Context(ctx).Do()
}

// content reads the frozen manifest's configuration and imports. They must be
// what was approved: a manifest never changes, so one that holds something else
// is no answer, and nothing is sent.
func (d *deploymentmanager) content(ctx context.Context, f frozen) (*api.TargetConfiguration, error) {
	from, err := d.manifest(ctx, place{Project: f.Project, Deployment: f.Deployment}, f.Manifest)
	if err != nil {
		return nil, err
	}
	if id := from.release(); id != f.Release {
		return nil, google.NoAnswer("the release to send", "manifest %s holds %s, and a manifest that held %s never changes", from.name(), id, f.Release)
	}
	return &api.TargetConfiguration{Config: from.manifest.Config, Imports: from.manifest.Imports}, nil
}

// wanted is the deployment as it is to become.
func (f frozen) wanted(at place, target *api.TargetConfiguration) *api.Deployment {
	wanted := &api.Deployment{Name: at.Deployment, Fingerprint: f.Fingerprint, Description: f.Description, Target: target}
	for _, key := range slices.Sorted(maps.Keys(f.Labels)) {
		wanted.Labels = append(wanted.Labels, &api.DeploymentLabelEntry{Key: key, Value: f.Labels[key]})
	}
	return wanted
}
