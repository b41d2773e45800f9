// Package lambda is an emulator of AWS Lambda's control plane, as far as
// functions' versions and aliases go, that the unmodified aws CLI and SDKs can
// drive.
//
// Its rules stand on docs/platforms.md; each cites its line. What no record shows
// is refused rather than guessed at.
package lambda

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
	moved   bool
	targets map[address][]string // pipeline targets by the alias that they name
	region  string               // of the first target seeded
}

var (
	_ sandbox.Emulator = (*Emulator)(nil)
	_ sandbox.Intruder = (*Emulator)(nil)
	_ sandbox.Faulter  = (*Emulator)(nil)
	_ sandbox.Mover    = (*Emulator)(nil)
)

// New has no functions yet, on the clock now.
func New(now func() time.Time) *Emulator {
	e := &Emulator{now: now, state: newState(), targets: map[address][]string{}, region: awsapi.DefaultRegion}
	e.routes = e.mux()
	return e
}

// Platform implements sandbox.Emulator.
func (e *Emulator) Platform() string { return "lambda" }

// Env implements sandbox.Emulator.
func (e *Emulator) Env(base string) map[string]string { return awsapi.Env("LAMBDA", base, e.region) }

// Save implements sandbox.Emulator.
func (e *Emulator) Save() ([]byte, error) { return json.MarshalIndent(e.state, "", "  ") }

// Restore implements sandbox.Emulator.
func (e *Emulator) Restore(saved []byte) error { return sandbox.Restored(&e.state, saved, newState()) }

// Moved implements sandbox.Mover: time warms provisioned concurrency.
func (e *Emulator) Moved() bool {
	moved := e.moved
	e.moved = false
	return moved
}

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.routes.ServeHTTP(w, r) }

// FaultKinds implements sandbox.Faulter: with "cold" the new version of an alias
// with provisioned concurrency never gets warm.
func (e *Emulator) FaultKinds() []string { return []string{"cold"} }

// Refuse implements sandbox.Emulator.
func (e *Emulator) Refuse(w http.ResponseWriter, r *http.Request, why sandbox.Refusal) {
	region, err := awsapi.Region(r)
	if err != nil {
		region = awsapi.DefaultRegion
	}
	fn, rest := splitPath(r.URL.Path)
	awsapi.WriteError(w, awsapi.Refused(why, "lambda:"+action(r.Method, rest), arn(region, fn)))
}

// Busy implements sandbox.Busier.
func (*Emulator) Busy(w http.ResponseWriter, _ *http.Request) {
	// docs/platforms.md: "*Busy*: 409 `ResourceConflictException` while another change of the function is under way"
	awsapi.WriteError(w, awsapi.Errorf(http.StatusConflict, "ResourceConflictException", "An update is in progress for resource."))
}

// Intrude implements sandbox.Intruder: by hand, somebody publishes something else
// and has the target's alias run it.
func (e *Emulator) Intrude(target string) error {
	for at, names := range e.targets {
		for _, name := range names {
			if name != target {
				continue
			}
			f, err := e.state.function(at.region, at.function)
			if err != nil {
				return err
			}
			a, err := f.alias(at)
			if err != nil {
				return err
			}
			f.upload(fmt.Sprintf("by hand %d", f.Made), e.now())
			a.FunctionVersion, a.RoutingConfig = f.publish("by hand, past the pipeline", e.now()).Version, nil
			a.touch()
			return nil
		}
	}
	return fmt.Errorf("no alias is known for target %q", target)
}
