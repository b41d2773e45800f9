package inframanager

import (
	"context"

	"sluice/stages/driver"
	"sluice/stages/google"
)

var _ driver.Finder = (*inframanager)(nil)

// Find is a deployment, or all those of a location.
func (d *inframanager) Find(ctx context.Context, what string) (driver.Existing, error) {
	parts, err := google.Parts(Facts().Finds, what)
	if err != nil {
		return driver.Existing{}, err
	}
	at := place{Project: parts[0], Location: parts[1]}
	names, err := d.client.Names(ctx, at.location()+"/deployments", parts[2], "pageSize")
	if err != nil {
		return driver.Existing{}, err
	}
	found := driver.Existing{Name: parts[2]}
	for _, at.Deployment = range names {
		found.Places = append(found.Places, google.Place(at.Deployment, at))
	}
	return found, nil
}
