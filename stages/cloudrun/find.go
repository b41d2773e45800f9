package cloudrun

import (
	"context"

	"sluice/stages/driver"
	"sluice/stages/google"
)

var _ driver.Finder = (*services)(nil)

// Find is a service, or all those of a location.
func (d *services) Find(ctx context.Context, what string) (driver.Existing, error) {
	parts, err := google.Parts(Facts().Finds, what)
	if err != nil {
		return driver.Existing{}, err
	}
	at := place{Project: parts[0], Location: parts[1]}
	names, err := d.client.Names(ctx, root+"projects/"+at.Project+"/locations/"+at.Location+"/services", parts[2], "pageSize")
	if err != nil {
		return driver.Existing{}, err
	}
	found := driver.Existing{Name: parts[2]}
	for _, at.Service = range names {
		found.Places = append(found.Places, google.Place(at.Service, at))
	}
	return found, nil
}
