// Package lambda is an emulator of AWS Lambda's control plane, as far as
// functions' versions and aliases go, that the unmodified aws CLI and SDKs can
// drive.
//
// Its rules stand on docs/platforms.md; each cites its line. What no record shows
// is refused rather than guessed at.
package lambda

import (
	"fmt"
	"net/http"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/awsapi"
	"sluice/internal/sandbox/kit"
)

type core = kit.Core[state, address]

// Emulator is the API. Its zero value is not usable; see [New]. Its targets are kept by
// the alias that they name.
type Emulator struct {
	core
	kit.Moves // time warms provisioned concurrency

	http.Handler // its routes

	home awsapi.Home
}

var (
	_ sandbox.Emulator = (*Emulator)(nil)
	_ sandbox.Intruder = (*Emulator)(nil)
	_ sandbox.Busier   = (*Emulator)(nil)
	_ sandbox.Mover    = (*Emulator)(nil)
)

// faultCold has the new version of an alias with provisioned concurrency never get warm.
const faultCold sandbox.FaultKind = "cold"

// New has no functions yet, on the clock now.
func New(now func() time.Time) *Emulator {
	e := &Emulator{core: kit.NewCore[address]("lambda", now, newState, faultCold)}
	e.Handler = e.routes()
	return e
}

// Env implements sandbox.Emulator.
func (e *Emulator) Env(base string) map[string]string {
	return awsapi.Env("LAMBDA", base, e.home.Region())
}

// Example implements sandbox.Exampler: a function with an alias for each of two
// stages.
func (e *Emulator) Example(names []string) []sandbox.Example {
	if len(names) != 1 {
		return nil
	}
	region, function := awsapi.CutRegion(names[0])
	return sandbox.TwoPlaces(config{function, "staging", region}, config{function, "live", region})
}

// Refuse implements sandbox.Emulator.
func (e *Emulator) Refuse(w http.ResponseWriter, r *http.Request, why sandbox.Refusal) {
	fn, rest := splitPath(r.URL.Path)
	awsapi.WriteError(w, awsapi.Refused(why, "lambda:"+action(r.Method, rest), arn(awsapi.RegionOf(r), fn)))
}

// Busy implements sandbox.Busier.
func (*Emulator) Busy(w http.ResponseWriter, _ *http.Request) {
	// docs/platforms.md: "*Busy*: 409 `ResourceConflictException` while another change of the function is under way"
	awsapi.WriteError(w, kit.Errorf(http.StatusConflict, "ResourceConflictException", "An update is in progress for resource."))
}

// Intrude implements sandbox.Intruder: by hand, somebody publishes something else
// and has the target's alias run it.
func (e *Emulator) Intrude(target string) error {
	at, err := e.Targets.Of(target)
	if err != nil {
		return err
	}
	f, err := e.State.function(at.region, at.function)
	if err != nil {
		return err
	}
	a, err := f.alias(at)
	if err != nil {
		return err
	}
	f.upload(fmt.Sprintf("by hand %d", f.Made), e.Now())
	a.FunctionVersion, a.RoutingConfig = f.publish("by hand, past the pipeline", e.Now()).Version, nil
	a.touch()
	return nil
}
