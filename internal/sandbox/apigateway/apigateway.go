// Package apigateway is an emulator of Amazon API Gateway's REST API control
// plane, as far as stages, deployments and canaries go, that the unmodified aws
// CLI and SDKs can drive.
//
// Its rules stand on docs/platforms.md; each cites its line. What no record
// shows is refused rather than guessed at.
package apigateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"sluice/internal/sandbox"
)

// The credentials that Env gives to clients. Any access key id but
// RejectedKeyID is accepted; signatures are not verified.
const (
	dummyKeyID  = "SANDBOXDUMMYKEY"
	dummySecret = "sandbox-dummy-not-a-secret"

	// RejectedKeyID is an access key id that the emulator does not know, so
	// that wrong credentials can be tried.
	RejectedKeyID = "INVALID"
)

// defaultRegion is the region of clients where no pipeline names one.
const defaultRegion = "us-east-1"

// Emulator is the API. Its zero value is not usable; see [New].
type Emulator struct {
	now     func() time.Time
	routes  http.Handler
	state   state
	targets map[address][]string // pipeline targets by the stage that they name
	region  string               // of the first target seeded
}

var (
	_ sandbox.Emulator = (*Emulator)(nil)
	_ sandbox.Intruder = (*Emulator)(nil)
)

// New is an empty API Gateway on the clock now.
func New(now func() time.Time) *Emulator {
	e := &Emulator{now: now, state: newState(), targets: map[address][]string{}, region: defaultRegion}
	e.routes = e.mux()
	return e
}

// Platform implements sandbox.Emulator.
func (e *Emulator) Platform() string { return "apigateway" }

// Env implements sandbox.Emulator.
func (e *Emulator) Env(base string) map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL_API_GATEWAY": base,
		"AWS_ACCESS_KEY_ID":            dummyKeyID,
		"AWS_SECRET_ACCESS_KEY":        dummySecret,
		"AWS_SESSION_TOKEN":            "", // a real one must not be sent along
		"AWS_REGION":                   e.region,
		"AWS_DEFAULT_REGION":           e.region,
		"AWS_EC2_METADATA_DISABLED":    "true",
	}
}

// Save implements sandbox.Emulator.
func (e *Emulator) Save() ([]byte, error) { return json.MarshalIndent(e.state, "", "  ") }

// Restore implements sandbox.Emulator.
func (e *Emulator) Restore(saved []byte) error { return sandbox.Restored(&e.state, saved, newState()) }

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.routes.ServeHTTP(w, r) }

// Refuse implements sandbox.Emulator.
func (e *Emulator) Refuse(w http.ResponseWriter, r *http.Request, why sandbox.Refusal) {
	switch why {
	case sandbox.Throttle:
		// docs/platforms.md: "throttling is 429 TooManyRequestsException"
		writeError(w, &apiError{http.StatusTooManyRequests, "TooManyRequestsException", "Too Many Requests"})
	case sandbox.Denied:
		writeError(w, denied(r))
	default:
		writeError(w, &apiError{http.StatusInternalServerError, "InternalFailure", "Internal failure"})
	}
}

// Intrude implements sandbox.Intruder: by hand, somebody deploys something else
// to the target's stage.
func (e *Emulator) Intrude(target string) error {
	for at, names := range e.targets {
		for _, name := range names {
			if name != target {
				continue
			}
			api, err := e.state.api(at.region, at.api)
			if err != nil {
				return err
			}
			s, err := api.stage(at.stage)
			if err != nil {
				return err
			}
			s.DeploymentID = api.deploy(e.now(), "by hand, past the pipeline").ID
			s.touch(e.now())
			return nil
		}
	}
	return fmt.Errorf("no stage is known for target %q", target)
}
