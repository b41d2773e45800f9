package heroku

import (
	"context"

	"sluice/stages/driver"
)

// unsupportedError says that Heroku cannot do this at all.
type unsupportedError struct{ text, remedy string }

func (e *unsupportedError) Error() string { return e.text }

// Make is Unsupported: Heroku makes slugs of source code, in its builds.
func (h *heroku) Make(context.Context, driver.Target, string) (driver.Release, error) {
	return driver.Release{}, &unsupportedError{"a slug is made by a build of Heroku's", "push to the first stage's app (`git push heroku`), then promote from it"}
}
