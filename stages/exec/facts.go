// Package exec moves releases on any platform by a program of the user's own.
//
// The program is started once for each question, reads one JSON document and writes
// one: docs/exec.md has the protocol and docs/exec.schema.json its schema. It says what
// runs on a target and begins effects; what all platforms need alike is done here. How
// traffic may be split, whether a target was changed by somebody else, whether an effect
// without an answer took place and whether its success shows is decided by what the
// program says of the target before and after.
//
// Where SLUICE_EXEC_URL is set, as by the sandbox, no program is started: the same
// documents go there.
package exec

import (
	"time"

	"sluice/stages/driver"
)

// settle is how late an effect may become visible unless the program says otherwise.
const settle = 2 * time.Second

// Facts are what a program can do that has all of the protocol. What one cannot do it
// says itself, and that is refused before any effect.
func Facts() driver.Facts {
	const variable, hint = `[A-Za-z_][A-Za-z0-9_]*`, "the name of an environment variable, such as FLY_API_TOKEN"
	return driver.Facts{
		Platform: "exec",
		Title:    "a program of your own",
		Keys: []driver.Key{
			{
				Name: "command", Type: driver.Command, Required: true,
				Doc: "The program and its arguments; with a slash its path from the working directory, else it is looked up in PATH.",
			},
			{
				Name: "resource", Type: driver.String, Required: true, Identity: true,
				Doc: "What the program calls the place, such as the name of an app; no two targets have the same.",
			},
			{
				Name: "environment", Type: driver.StringList, Pattern: variable, Hint: hint,
				Doc: "The environment variables that the program is given beside PATH, HOME, TMPDIR and LANG.",
			},
			{
				Name: "secrets", Type: driver.StringList, Pattern: variable, Hint: hint,
				Doc: "The environment variables that the program is given and whose values are never shown.",
			},
			{
				Name: "timeout", Type: driver.String, Pattern: `[1-9][0-9]{0,3}[sm]`, Hint: "seconds or minutes, such as 30s or 5m",
				Doc: "How long one call of the program may take; a minute unless given.",
			},
		},
		Kinds:   []driver.Kind{driver.Deploy, driver.Weight, driver.Stable, driver.Disable, driver.Rollback},
		Settle:  settle,
		Backoff: driver.Backoff{Initial: time.Second, Max: 30 * time.Second, Factor: 2},
	}
}
