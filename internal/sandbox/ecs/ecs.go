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
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/awsapi"
)

// The fault kinds that the emulator adds. They apply to the update that begins a
// deployment.
const (
	FaultFail sandbox.FaultKind = "fail" // its tasks do not get healthy: the circuit breaker rolls it back
	FaultHang sandbox.FaultKind = "hang" // its tasks never get healthy, and nothing ends it
)

// Emulator is the API. Its zero value is not usable; see [New].
type Emulator struct {
	// Step is how long a lifecycle stage takes.
	Step time.Duration

	now     func() time.Time
	state   state
	moved   bool
	targets map[string][]string // pipeline targets by the key of the service that they name
	region  string              // of the first target seeded
}

var (
	_ sandbox.Emulator = (*Emulator)(nil)
	_ sandbox.Intruder = (*Emulator)(nil)
	_ sandbox.Faulter  = (*Emulator)(nil)
	_ sandbox.Mover    = (*Emulator)(nil)
)

// New has no services yet, on the clock now. A lifecycle stage takes a second.
func New(now func() time.Time) *Emulator {
	return &Emulator{Step: time.Second, now: now, state: newState(), targets: map[string][]string{}, region: awsapi.DefaultRegion}
}

// Platform implements sandbox.Emulator.
func (e *Emulator) Platform() string { return "ecs" }

// Env implements sandbox.Emulator.
func (e *Emulator) Env(base string) map[string]string { return awsapi.Env("ECS", base, e.region) }

// Save implements sandbox.Emulator.
func (e *Emulator) Save() ([]byte, error) { return json.MarshalIndent(e.state, "", "  ") }

// Restore implements sandbox.Emulator.
func (e *Emulator) Restore(saved []byte) error { return sandbox.Restored(&e.state, saved, newState()) }

// Moved implements sandbox.Mover: time moves deployments on.
func (e *Emulator) Moved() bool {
	moved := e.moved
	e.moved = false
	return moved
}

// FaultKinds implements sandbox.Faulter.
func (e *Emulator) FaultKinds() []string { return []string{string(FaultFail), string(FaultHang)} }

// Refuse implements sandbox.Emulator.
//
// docs/platforms.md: "Errors are 400 with `__type`, throttling too (ThrottlingException)."
func (e *Emulator) Refuse(w http.ResponseWriter, r *http.Request, why sandbox.Refusal) {
	switch why {
	case sandbox.Throttle:
		writeError(w, awsapi.Errorf(http.StatusBadRequest, "ThrottlingException", "Rate exceeded"))
	case sandbox.Denied:
		region, err := awsapi.Region(r)
		if err != nil {
			region = awsapi.DefaultRegion
		}
		denied := awsapi.Of(awsapi.Refused(why, "ecs:"+operationOf(r), "arn:aws:ecs:"+region+":"+awsapi.Account+":service/*"))
		denied.Status = http.StatusBadRequest
		writeError(w, denied)
	default:
		writeError(w, awsapi.Errorf(http.StatusInternalServerError, "ServerException", "Service Unavailable. Please try again later."))
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
	s, d := e.state.deployment(in.Deployment)
	if s != nil {
		key = s.Key
	}
	a.Targets = append(a.Targets, e.targets[key]...)
	switch {
	case isRead(op):
		a.Kind = sandbox.Read
	case op == "UpdateService":
		a.Kind = e.state.updateKind(key, in.Definition)
	case op == "ContinueServiceDeployment" && d != nil && in.Action != actionRollback:
		a.Kind = d.continueKind()
	case op == "StopServiceDeployment" || op == "ContinueServiceDeployment":
		a.Kind = "cancel"
	}
	return a
}
