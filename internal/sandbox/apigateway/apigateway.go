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
	"sluice/internal/sandbox/awsapi"
)

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
	e := &Emulator{now: now, state: newState(), targets: map[address][]string{}, region: awsapi.DefaultRegion}
	e.routes = e.mux()
	return e
}

// Platform implements sandbox.Emulator.
func (e *Emulator) Platform() string { return "apigateway" }

// Env implements sandbox.Emulator.
func (e *Emulator) Env(base string) map[string]string {
	return awsapi.Env("API_GATEWAY", base, e.region)
}

// Save implements sandbox.Emulator.
func (e *Emulator) Save() ([]byte, error) { return json.MarshalIndent(e.state, "", "  ") }

// Restore implements sandbox.Emulator.
func (e *Emulator) Restore(saved []byte) error { return sandbox.Restored(&e.state, saved, newState()) }

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.routes.ServeHTTP(w, r) }

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
