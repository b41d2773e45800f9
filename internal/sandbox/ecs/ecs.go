// Package ecs is an emulator of Amazon ECS, as far as services, their deployments
// and revisions, and task definitions go, that the unmodified aws CLI and SDKs can
// drive.
//
// Its rules stand on docs/platforms.md; each cites its line. Deployments run by the
// clock: each lifecycle stage takes [Emulator.Step], pauses aside. No task runs.
package ecs

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/awsapi"
	"sluice/internal/sandbox/kit"
)

// The fault kinds that the emulator adds. They apply to the update that begins a
// deployment.
const (
	FaultFail = kit.Fail // its tasks do not get healthy: the circuit breaker rolls it back
	FaultHang = kit.Hang // its tasks never get healthy, and nothing ends it
)

type core = kit.Core[state, string]

// Emulator is the API. Its zero value is not usable; see [New]. Its targets are kept by
// the key of their service.
type Emulator struct {
	core
	kit.Moves // time moves deployments on

	// Step is how long a lifecycle stage takes.
	Step time.Duration

	home awsapi.Home
}

var (
	_ sandbox.Emulator = (*Emulator)(nil)
	_ sandbox.Intruder = (*Emulator)(nil)
	_ sandbox.Mover    = (*Emulator)(nil)
)

// New has no services yet, on the clock now. A lifecycle stage takes a second.
func New(now func() time.Time) *Emulator {
	return &Emulator{core: kit.NewCore[string]("ecs", now, newState, FaultFail, FaultHang), Step: time.Second}
}

// Env implements sandbox.Emulator.
func (e *Emulator) Env(base string) map[string]string {
	return awsapi.Env("ECS", base, e.home.Region())
}

// Example implements sandbox.Exampler: each name of the form [REGION/]CLUSTER/SERVICE
// is a stage's, and a cluster alone has a service for each of two stages.
func (e *Emulator) Example(names []string) []sandbox.Example {
	region := regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)
	read := func(name string) (c config, service bool) {
		c.Region = awsapi.DefaultRegion
		if first, rest, several := strings.Cut(name, "/"); several && region.MatchString(first) {
			c.Region, name = first, rest
		}
		c.Cluster, c.Service, service = strings.Cut(name, "/")
		return c, service
	}
	return sandbox.PlacePerName(names, func(name string) any {
		if c, service := read(name); service {
			return c
		}
		return nil
	}, func(name string) []any {
		staging, _ := read(name)
		production := staging
		staging.Service, production.Service = "web-staging", "web"
		return []any{staging, production}
	})
}

// Refuse implements sandbox.Emulator.
//
// docs/platforms.md: "Errors are 400 with `__type`, throttling too (ThrottlingException)."
func (e *Emulator) Refuse(w http.ResponseWriter, r *http.Request, why sandbox.Refusal) {
	switch why {
	case sandbox.Throttle:
		writeError(w, kit.Errorf(http.StatusBadRequest, "ThrottlingException", "Rate exceeded"))
	case sandbox.Denied:
		denied := awsapi.Of(awsapi.Refused(why, "ecs:"+operationOf(r), "arn:aws:ecs:"+awsapi.RegionOf(r)+":"+awsapi.Account+":service/*"))
		denied.Status = http.StatusBadRequest
		writeError(w, denied)
	default:
		writeError(w, kit.Errorf(http.StatusInternalServerError, "ServerException", "Service Unavailable. Please try again later."))
	}
}

// Classify implements sandbox.Emulator.
func (e *Emulator) Classify(r *http.Request, body []byte) sandbox.Action {
	region, err := awsapi.Region(r)
	if err != nil {
		return sandbox.Action{Kind: sandbox.Other}
	}
	var in struct {
		Cluster    string `json:"cluster"`
		Service    string `json:"service"`
		Deployment string `json:"serviceDeploymentArn"`
		Definition string `json:"taskDefinition"`
		Action     string `json:"action"`
	}
	json.Unmarshal(body, &in) //nolint:errcheck // refused when it is served
	op := operationOf(r)
	a := sandbox.Action{Kind: sandbox.Other}
	key := keyOf(region, in.Cluster, in.Service)
	s, d := e.State.deployment(in.Deployment)
	if s != nil {
		key = s.Key
	}
	a.Targets = append(a.Targets, e.Targets[key]...)
	switch {
	case isRead(op):
		a.Kind = sandbox.Read
	case op == "UpdateService":
		a.Kind = e.State.updateKind(key, in.Definition)
	case op == "ContinueServiceDeployment" && d != nil && in.Action != actionRollback:
		a.Kind = d.continueKind()
	case op == "StopServiceDeployment" || op == "ContinueServiceDeployment":
		a.Kind = "cancel"
	}
	return a
}
