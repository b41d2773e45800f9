// Package deploymentmanager moves configurations between deployments on Google
// Deployment Manager.
//
// A release is what a deployment's manifest was made from, its configuration
// and imports, known by their digest ([releaseOf] defines it). A promotion sends
// those of the source's manifest to the target, unexpanded, so that templates
// see the target's own environment: that is how gcloud reuses a manifest, and
// what Deployment Manager keeps byte by byte, so that success can be read back.
// Sending the expanded configuration was rejected: it names the source's
// resources, which the target would acquire.
//
// The deployment's fingerprint makes every update a compare-and-swap. Nothing
// here deletes. Type providers and composite types are not moved: they must be
// in the target's project already.
package deploymentmanager

import (
	"time"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// Facts are what Deployment Manager can do.
func Facts() driver.Facts {
	return driver.Facts{
		Platform: "deploymentmanager",
		Title:    "Google Deployment Manager (legacy)",
		Console:  "https://console.cloud.google.com/dm/deployments/details/{deployment}?project={project}",
		Keys: []driver.Key{
			{
				Name: "project", Type: driver.String, Required: true, Identity: true,
				Pattern: `(?:[a-z0-9.-]+:)?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?`, Hint: "the id or number of a Google Cloud project, such as shop-prod-1234",
				Doc: "The Google Cloud project of the deployment.",
			},
			{
				Name: "deployment", Type: driver.String, Required: true, Identity: true,
				Pattern: `[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?`, Hint: "lower-case letters, digits and -, such as shop",
				Doc: "The name of the deployment; one that does not exist yet is made by the first promotion.",
			},
			{
				Name: "preview", Type: driver.Bool,
				Doc: "Update as a preview first, and apply it when it is approved.",
			},
		},
		Kinds:    []driver.Kind{driver.Deploy, driver.Rollback, driver.Approve, driver.Reject, driver.Terminate},
		Batch:    1,
		Backoff:  driver.Backoff{Initial: 5 * time.Second, Max: 2 * time.Minute, Factor: 2},
		Works:    "an operation of any kind (insert, update, delete, type providers)",
		Finds:    driver.Finds{What: "PROJECT[/DEPLOYMENT]", About: "a deployment, or all those of a project", Example: "shop-1234/network"},
		Login:    google.Login(),
		Secrets:  google.Secrets(),
		Identity: google.Identity(),
		Needs: []driver.Permission{
			{Name: "roles/deploymentmanager.viewer"},
			{Name: "roles/deploymentmanager.editor", Changes: true},
		},
		Notice: "Google Deployment Manager is a legacy service: Google ended its support on 2026-03-31, and its successor is Infrastructure Manager",
	}
}
