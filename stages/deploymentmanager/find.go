package deploymentmanager

import (
	"context"

	"sluice/stages/driver"
	"sluice/stages/google"
)

var _ driver.Finder = (*deploymentmanager)(nil)

// Find is a deployment, or all those of a project.
func (d *deploymentmanager) Find(ctx context.Context, what string) (driver.Existing, error) {
	parts, err := google.Parts(Facts().Finds, what)
	if err != nil {
		return driver.Existing{}, err
	}
	at := place{Project: parts[0]}
	names, err := d.client.Names(ctx, at.global()+"deployments", parts[1], "maxResults")
	if err != nil {
		return driver.Existing{}, err
	}
	found := driver.Existing{Name: parts[1]}
	for _, at.Deployment = range names {
		found.Places = append(found.Places, google.Place(at.Deployment, at))
	}
	return found, nil
}
