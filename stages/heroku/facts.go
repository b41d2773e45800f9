// Package heroku promotes slugs through the apps of Heroku pipelines.
//
// A release is a slug id. One POST /pipeline-promotions moves the slug that a
// source app runs to any number of apps; where there is no source, and to roll
// back, a release of one app is made directly. Nothing Heroku says of a
// promotion counts as success: every app is read back.
//
// The client is ours. heroku-go (v5.5.0) has the calls, but it sends a POST
// again after a 429 with a body that the first attempt has used up, drops
// Next-Range so that lists end after their first page, and hides Request-Id and
// RateLimit-Remaining. The dozen calls that are needed are less code than what
// would work round that.
package heroku

import (
	"time"

	"sluice/stages/driver"
)

const (
	// settle is how late a promotion without an answer may still become visible.
	// Heroku makes the releases at once and runs their release phases afterwards;
	// a lost answer is rare, and waiting costs less than a second promotion.
	settle = 30 * time.Second

	// batch is the most apps of one promotion. The API names no limit; 1000 is
	// the largest page of its lists.
	batch = 1000
)

// idPattern is what Heroku takes as an id. Its names match `^[a-z][a-z0-9-]{1,28}[a-z0-9]$`
// (apps) and `^[a-z][a-z0-9-]{2,29}$` (pipelines), says the published schema.
const idPattern = `[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`

// Facts are what Heroku can do.
func Facts() driver.Facts {
	return driver.Facts{
		Platform: "heroku",
		Title:    "Heroku",
		Console:  "https://dashboard.heroku.com/apps/{app}/activity",
		Keys: []driver.Key{
			{
				Name: "app", Type: driver.String, Required: true, Identity: true,
				Pattern: `[a-z][a-z0-9-]{1,28}[a-z0-9]|` + idPattern, Hint: "an app's name or id: 3 to 30 lower-case letters, digits and -, such as storefront-staging",
				Doc: "The app's name or id. Its pipeline and stage are found.",
			},
			{
				Name: "pipeline", Type: driver.String, Reach: true,
				Pattern: `[a-z][a-z0-9-]{2,29}|` + idPattern, Hint: "a Heroku pipeline's name or id: 3 to 30 lower-case letters, digits and -, such as storefront",
				Doc: "The Heroku pipeline that the app belongs to; where given, an app that is elsewhere is refused.",
			},
			{
				Name: "stage", Type: driver.String,
				Pattern: `test|review|development|staging|production`, Hint: "test, review, development, staging or production",
				Doc: "The Heroku stage of the app; the Sluice stage's name where Heroku knows it.",
			},
			{
				Name: "couple", Type: driver.Bool, Needs: "pipeline",
				Doc: "Creates the pipeline and couples the app to its stage where that is missing; needs pipeline.",
			},
		},
		Kinds:  []driver.Kind{driver.Deploy, driver.Rollback},
		Batch:  batch,
		Settle: settle,
		// A promotion takes seconds. With pauses twice as long each time its end would be seen
		// later than by Heroku's own CLI, which looks every second.
		Backoff:  driver.Backoff{Initial: 500 * time.Millisecond, Max: 10 * time.Second, Factor: 1.5},
		Works:    "a release (v42 or its id), or a promotion by its id",
		Finds:    driver.Finds{What: "PIPELINE", About: "a pipeline, by its name or id", Example: "storefront"},
		Login:    driver.Login{Secrets: []string{keyVar}},
		Secrets:  []string{keyVar},
		Identity: driver.TokenIdentity("heroku"),
		Needs:    []driver.Permission{{Name: "an authorization of the scope global", Changes: true}, {Name: "an authorization of the scope read"}},
	}
}

const (
	keyVar  = "HEROKU_API_KEY"
	hostVar = "HEROKU_HOST"

	defaultHost = "heroku.com"
)
