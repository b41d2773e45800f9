// Package apigateway is an emulator of Amazon API Gateway's REST API control
// plane, as far as stages, deployments and canaries go, that the unmodified aws
// CLI and SDKs can drive.
//
// Its rules stand on docs/platforms.md; each cites its line. What no record
// shows is refused rather than guessed at.
package apigateway

import (
	"net/http"
	"regexp"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/awsapi"
	"sluice/internal/sandbox/kit"
)

type core = kit.Core[state, address]

// Emulator is the API. Its zero value is not usable; see [New]. Its targets are kept by
// the stage that they name.
type Emulator struct {
	core

	api  http.Handler
	home awsapi.Home
	led  map[string][]string // by domain: the targets whose testers it leads
}

var (
	_ sandbox.Emulator = (*Emulator)(nil)
	_ sandbox.Intruder = (*Emulator)(nil)
	_ sandbox.Busier   = (*Emulator)(nil)
)

// New is an empty API Gateway on the clock now.
func New(now func() time.Time) *Emulator {
	e := &Emulator{core: kit.NewCore[address]("apigateway", now, newState), led: map[string][]string{}}
	e.api = e.routes()
	return e
}

// Env implements sandbox.Emulator.
func (e *Emulator) Env(base string) map[string]string {
	env := awsapi.Env("API_GATEWAY", base, e.home.Region())
	env["AWS_ENDPOINT_URL_APIGATEWAYV2"] = base // version 2 of the API has the domains' rules
	return env
}

// Example implements sandbox.Exampler: a REST API of an id or a name, with two stages.
func (e *Emulator) Example(names []string) []sandbox.Example {
	if len(names) != 1 {
		return nil
	}
	region, name := awsapi.CutRegion(names[0])
	id := name
	if !regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`).MatchString(id) {
		id = newID(10, "example", name)
	}
	return sandbox.TwoPlaces(config{id, "staging", region}, config{id, "prod", region})
}

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if d := e.State.invoked(r); d != nil {
		e.State.invoke(w, r, d)
		return
	}
	e.api.ServeHTTP(w, r)
}

// Intrude implements sandbox.Intruder: by hand, somebody deploys something else
// to the target's stage.
func (e *Emulator) Intrude(target string) error {
	at, err := e.Targets.Of(target)
	if err != nil {
		return err
	}
	api, err := e.State.findAPI(at.region, at.api)
	if err != nil {
		return err
	}
	s, err := api.stage(at.stage)
	if err != nil {
		return err
	}
	s.DeploymentID = api.deploy(e.Now(), "by hand, past the pipeline").ID
	s.touch(e.Now())
	return nil
}
