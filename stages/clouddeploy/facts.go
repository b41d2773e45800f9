// Package clouddeploy moves releases through the targets of a delivery pipeline
// on Google Cloud Deploy.
//
// Cloud Deploy owns its rollouts: phases, jobs, approval and automation are its
// own, and Sluice mirrors them verbatim. A deployment makes a rollout under an
// id that was chosen and saved before, so that a lost answer is found again by
// name; every command (approve, advance, retryJob, …) is an effect of its own,
// decided by reading that rollout.
package clouddeploy

import (
	"time"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// Facts are what Cloud Deploy can do.
func Facts() driver.Facts {
	return driver.Facts{
		Platform: "clouddeploy",
		Title:    "Google Cloud Deploy",
		Console:  "https://console.cloud.google.com/deploy/delivery-pipelines/{location}/{deliveryPipeline}?project={project}",
		Keys: []driver.Key{
			{
				Name: "project", Type: driver.String, Required: true, Identity: true, Reach: true, Bound: true,
				Pattern: `(?:[a-z0-9.-]+:)?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?`, Hint: "the id or number of a Google Cloud project, such as shop-prod-1234",
				Doc: "The Google Cloud project of the delivery pipeline.",
			},
			{
				Name: "location", Type: driver.String, Required: true, Identity: true, Reach: true, Bound: true,
				Pattern: `[a-z0-9]+(?:-[a-z0-9]+)*`, Hint: "a Google Cloud region, such as europe-west1",
				Doc: "The region of the delivery pipeline.",
			},
			{
				Name: "deliveryPipeline", Type: driver.String, Required: true, Identity: true, Reach: true, Bound: true,
				Pattern: idPattern, Hint: "lower-case letters, digits and -, such as shop",
				Doc: "The id of the delivery pipeline; releases belong to one.",
			},
			{
				Name: "target", Type: driver.String, Required: true, Identity: true,
				Pattern: idPattern, Hint: "lower-case letters, digits and -, such as production",
				Doc: "The id of the target in the delivery pipeline; a multi-target too.",
			},
		},
		Kinds: []driver.Kind{
			driver.Deploy, driver.Rollback, driver.Approve, driver.Reject, driver.Advance,
			driver.RetryJob, driver.IgnoreJob, driver.Cancel, driver.Terminate,
		},
		Batch:    1,
		Remote:   true,
		Settle:   settle,
		Backoff:  driver.Backoff{Initial: 5 * time.Second, Max: time.Minute, Factor: 2},
		Approves: true,
		Works:    "a rollout (its id, RELEASE/ROLLOUT or its resource name), or an operation",
		Finds:    driver.Finds{What: "PROJECT/LOCATION/PIPELINE", About: "a delivery pipeline", Example: "shop-1234/europe-west1/shop"},
		Login:    google.Login(),
		Secrets:  google.Secrets(),
		Identity: google.Identity(),
		Needs: []driver.Permission{
			{Name: "roles/clouddeploy.viewer"},
			{Name: "roles/clouddeploy.operator", Changes: true},
			{Name: "roles/clouddeploy.approver", Changes: true},
			{Name: "roles/iam.serviceAccountUser", Changes: true},
		},
	}
}

// settle is how late an effect may show. No bound is documented: a new rollout is
// not there before its operation is done (docs/platforms.md), and is made again
// under the same request id without harm; a command shows as soon as it is
// answered, as far as is known, and a lost cancel must not wait for long.
const settle = 3 * time.Second

// idPattern is what Cloud Deploy takes as an id.
const idPattern = `[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?`
