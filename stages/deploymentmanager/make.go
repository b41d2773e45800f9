package deploymentmanager

import (
	"context"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// Make is Unsupported: a release is what some deployment's manifest holds.
func (d *deploymentmanager) Make(context.Context, driver.Target, string) (driver.Release, error) {
	return driver.Release{}, &google.UnsupportedError{
		Text:   "a release of Deployment Manager is the configuration that a deployment has",
		Remedy: "deploy the first stage with `gcloud deployment-manager deployments update`, then promote from it",
	}
}
