// Package cloudrun moves revisions of Google Cloud Run services to traffic, all at
// once or by whole percents.
//
// A release is a revision with its image, named "service/revision@digest". What
// travels between two services is the image by its digest: the target gets a revision
// of its own template with that image ([services.Resolve] names it before it is
// made). Every effect is one PATCH of the service under its etag, which is a
// compare-and-swap. One that makes a revision names it in the traffic, too: Cloud Run
// gives it none before it is ready. Making it by a request of its own would be a second
// effect, and a crash between the two a state that nobody asked for.
package cloudrun

import (
	"time"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// settle is how late an update without an answer may still become visible.
const settle = 5 * time.Second

// Facts are what Cloud Run's services can do.
func Facts() driver.Facts {
	name := func(key, hint, doc string) driver.Key {
		return driver.Key{
			Name: key, Type: driver.String, Required: true, Identity: true, Reach: true,
			Pattern: `[a-z0-9][a-z0-9.:-]*`, Hint: hint, Doc: doc,
		}
	}
	return driver.Facts{
		Platform: "cloudrun",
		Title:    "Google Cloud Run",
		Console:  "https://console.cloud.google.com/run/detail/{location}/{service}/revisions?project={project}",
		Digests:  true,
		Keys: []driver.Key{
			name("project", "a project's id, such as shop-1234", "The Google Cloud project."),
			name("location", "a region, such as europe-west1", "The service's region."),
			{
				Name: "service", Type: driver.String, Required: true, Identity: true, Reach: true,
				Pattern: `[a-z]([a-z0-9-]{0,47}[a-z0-9])?`, Hint: "a service's name, such as web",
				Doc: "The name of the service.",
			},
		},
		Kinds:    []driver.Kind{driver.Deploy, driver.Weight, driver.Stable, driver.Rollback},
		Split:    driver.Split{Whole: true},
		Settle:   settle,
		Backoff:  driver.Backoff{Initial: 2 * time.Second, Max: 20 * time.Second, Factor: 1.5},
		Finds:    driver.Finds{What: "PROJECT/LOCATION[/SERVICE]", About: "a service, or all those of a location", Example: "shop-1234/europe-west1/web"},
		Login:    google.Login(),
		Secrets:  google.Secrets(),
		Identity: google.Identity(),
		Needs: []driver.Permission{
			{Name: "roles/run.viewer"},
			{Name: "roles/run.developer", Changes: true},
			{Name: "roles/iam.serviceAccountUser", Changes: true},
		},
	}
}
