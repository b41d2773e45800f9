// Package inframanager moves Terraform blueprints between deployments on Google
// Infrastructure Manager.
//
// A release is a blueprint's source as a revision applied it: an object of Cloud
// Storage with its generation, or a Git repository at a ref ([source] says how they
// are written). A promotion gives the target's deployment the source's; the values
// that the target's blueprint is given stay the target's. A rollback applies an
// earlier revision's blueprint again, values included.
//
// Infrastructure Manager compares and swaps nothing: the newest revision is compared
// right before an update is sent and read after it, and the request's id keeps a
// repeat from being a second one. Nothing here makes or deletes a deployment.
package inframanager

import (
	"time"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// settle is how late an update may show in the deployment. A request that came late
// all the same would be known by its id.
const settle = 10 * time.Second

// Facts are what Infrastructure Manager can do.
func Facts() driver.Facts {
	return driver.Facts{
		Platform: "inframanager",
		Title:    "Google Infrastructure Manager",
		Console:  "https://console.cloud.google.com/infra-manager/deployments?project={project}",
		Keys: []driver.Key{
			{
				Name: "project", Type: driver.String, Required: true, Identity: true,
				Pattern: `(?:[a-z0-9.-]+:)?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?`, Hint: "the id or number of a Google Cloud project, such as shop-prod-1234",
				Doc: "The Google Cloud project of the deployment.",
			},
			{
				Name: "location", Type: driver.String, Required: true, Identity: true,
				Pattern: `[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?`, Hint: "a location of Infrastructure Manager, such as europe-west1",
				Doc: "The location in which Infrastructure Manager keeps the deployment.",
			},
			{
				Name: "deployment", Type: driver.String, Required: true, Identity: true,
				Pattern: `[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?`, Hint: "lower-case letters, digits and -, such as shop",
				Doc: "The id of the deployment, which exists already: it says who Terraform runs as.",
			},
			{
				Name: "preview", Type: driver.Bool,
				Doc: "Make a preview first, and apply its blueprint when that is approved.",
			},
		},
		Kinds:    []driver.Kind{driver.Deploy, driver.Rollback, driver.Approve, driver.Reject},
		Batch:    1,
		Settle:   settle,
		Backoff:  driver.Backoff{Initial: 5 * time.Second, Max: 30 * time.Second, Factor: 2},
		Works:    "an operation of any kind (create, update, delete, lock, previews)",
		Finds:    driver.Finds{What: "PROJECT/LOCATION[/DEPLOYMENT]", About: "a deployment, or all those of a location", Example: "shop-1234/europe-west1/network"},
		Login:    google.Login(),
		Secrets:  google.Secrets(),
		Identity: google.Identity(),
		Needs: []driver.Permission{
			{Name: "roles/config.viewer"},
			{Name: "roles/config.admin", Changes: true},
			{Name: "roles/iam.serviceAccountUser", Changes: true},
		},
	}
}
