// Package entrecode is the driver for entrecode's App Manager: apps whose
// builds are deployed from platforms to targets.
//
// It is a hypermedia client. It knows one address, the entry point, and reaches
// everything else through relations, whatever their addresses look like; URI
// templates and the query parameters they name are the documented interface.
// It reads tolerantly what is decoration (lists of one, ids as strings, loose
// times, unknown events) and strictly what decides: only "success" is success.
//
// A release is a build, its id the buildID. A deployment is never modified:
// deploying and rolling back both create one.
package entrecode

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"time"

	"sluice/internal/transport"
	"sluice/stages/driver"
)

// The environment variables that reach the platform.
const (
	tokenVariable    = "ENTRECODE_ACCESS_TOKEN" //nolint:gosec // the variable's name
	endpointVariable = "ENTRECODE_APPSERVER_URL"
)

// entryPoint is the documented one; everything else is found from it.
const entryPoint = "https://appserver.entrecode.de/"

const tokenRemedy = "set " + tokenVariable + " to an access token of the Accounts API that may deploy the app"

// Facts are what the platform can do.
func Facts() driver.Facts {
	const id, hint = `[A-Za-z0-9._~-]{1,128}`, "an id such as 229b4384-fcfa-437b-833e-fc779a3f8f4c"
	return driver.Facts{
		Platform: "entrecode",
		Title:    "entrecode App Manager",
		Keys: []driver.Key{
			{
				Name: "appID", Type: driver.String, Required: true, Reach: true, Bound: true, Pattern: id, Hint: hint,
				Doc: "The app that the platform belongs to.",
			},
			{
				Name: "platformID", Type: driver.String, Required: true, Identity: true, Reach: true, Pattern: id, Hint: hint,
				Doc: "The platform that builds are deployed from.",
			},
			{
				Name: "targetIDs", Type: driver.StringList, Required: true, Identity: true, Pattern: id, Hint: hint,
				Doc: "The platform's targets that one deployment goes to.",
			},
		},
		Kinds:    []driver.Kind{driver.Deploy, driver.Rollback},
		Batch:    1,
		Settle:   10 * time.Second,
		Backoff:  driver.Backoff{Initial: 500 * time.Millisecond, Max: 20 * time.Second, Factor: 1.6},
		Works:    "a deployment, by its deploymentID",
		Finds:    driver.Finds{What: "APP_ID[/PLATFORM_ID]", About: "an app, whose platforms become targets", Example: "229b4384-fcfa-437b-833e-fc779a3f8f4c"},
		Login:    driver.Login{Secrets: []string{tokenVariable}},
		Secrets:  []string{tokenVariable},
		Identity: driver.TokenIdentity("entrecode"),
	}
}

// Open makes the driver from its environment: ENTRECODE_ACCESS_TOKEN, and
// ENTRECODE_APPSERVER_URL where the entry point is another than entrecode's
// own. It sends nothing.
func Open(_ context.Context, env driver.Env) (driver.Driver, error) {
	raw := cmp.Or(env.Getenv(endpointVariable), entryPoint)
	if err := driver.CheckEndpoint(endpointVariable, raw); err != nil {
		return nil, err
	}
	entry, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	token, err := env.Token(tokenVariable, tokenRemedy)
	if err != nil {
		return nil, err
	}
	return &platform{env: env, client: &client{
		entry: entry,
		token: token,
		now:   env.Time,
		http:  &http.Client{Transport: env.Transport, CheckRedirect: transport.CheckRedirect},
	}}, nil
}

// platform implements [driver.Driver].
type platform struct {
	env    driver.Env
	client *client
}

var _ driver.Driver = (*platform)(nil)
