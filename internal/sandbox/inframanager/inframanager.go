// Package inframanager is an emulator of Google Infrastructure Manager's REST API
// v1, as far as deployments, their revisions and locks, previews and operations go,
// that the unmodified gcloud CLI and Google's clients can drive.
//
// Its answers are held to Google's own Go types in its tests alone: the program does
// not carry them. Its rules stand on docs/platforms.md and each cites its line.
// Operations run by the clock: each takes [Emulator.Step]. No Terraform runs.
package inframanager

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"sluice/internal/sandbox"
)

// The fault kinds that the emulator adds. They apply to requests that begin an
// operation.
const (
	FaultFail   sandbox.FaultKind = "fail"   // it is done without an error, and what it made FAILED
	FaultAbort  sandbox.FaultKind = "abort"  // the operation itself ends with an error; nothing was made
	FaultHang   sandbox.FaultKind = "hang"   // it never ends
	FaultVanish sandbox.FaultKind = "vanish" // it ends well, and nobody knows it any more
)

// Emulator is the API. Its zero value is not usable; see [New].
type Emulator struct {
	// Step is how long an operation takes.
	Step time.Duration

	now     func() time.Time
	routes  map[string]route
	state   state
	targets map[string][]string // pipeline targets by their deployment's resource name
}

var (
	_ sandbox.Emulator = (*Emulator)(nil)
	_ sandbox.Intruder = (*Emulator)(nil)
	_ sandbox.Faulter  = (*Emulator)(nil)
)

// New is an empty Infrastructure Manager on the clock now. Operations take two
// seconds.
func New(now func() time.Time) *Emulator {
	e := &Emulator{Step: 2 * time.Second, now: now, state: newState(), targets: map[string][]string{}}
	e.routes = e.table()
	return e
}

// Platform implements sandbox.Emulator.
func (e *Emulator) Platform() string { return "inframanager" }

// Env implements sandbox.Emulator. gcloud wants the slash and is told to look
// for no credentials.
func (e *Emulator) Env(base string) map[string]string {
	return map[string]string{
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_CONFIG": base + "/",
		"CLOUDSDK_AUTH_DISABLE_CREDENTIALS":      "true",
	}
}

// FaultKinds implements sandbox.Faulter.
func (e *Emulator) FaultKinds() []string {
	return []string{string(FaultFail), string(FaultAbort), string(FaultHang), string(FaultVanish)}
}

// Save implements sandbox.Emulator.
func (e *Emulator) Save() ([]byte, error) { return json.MarshalIndent(e.state, "", " ") }

// Restore implements sandbox.Emulator.
func (e *Emulator) Restore(saved []byte) error { return sandbox.Restored(&e.state, saved, newState()) }

// Refuse implements sandbox.Emulator.
func (e *Emulator) Refuse(w http.ResponseWriter, r *http.Request, why sandbox.Refusal) {
	switch why {
	case sandbox.Throttle:
		w.Header().Set("Retry-After", "1")
		writeError(w, refusal(http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Requests' of service 'config.googleapis.com'"))
	case sandbox.Denied:
		writeError(w, refusal(http.StatusForbidden, "PERMISSION_DENIED", "Permission 'config.deployments.update' denied on resource '%s' (or it may not exist).", strings.TrimPrefix(r.URL.Path, "/v1/")))
	default:
		writeError(w, refusal(http.StatusInternalServerError, "INTERNAL", "Internal error encountered."))
	}
}

// Classify implements sandbox.Emulator.
func (e *Emulator) Classify(r *http.Request, body []byte) sandbox.Action {
	at, ok := addressOf(r)
	if !ok {
		return sandbox.Action{Kind: sandbox.Other}
	}
	var sent struct {
		Deployment string    `json:"deployment"`
		Blueprint  blueprint `json:"terraformBlueprint"`
	}
	json.Unmarshal(body, &sent) //nolint:errcheck // refused when it is served
	name := at.name
	switch p := e.state.Previews[name]; {
	case p != nil:
		name = p.Deployment
	case at.key == "POST previews":
		name = sent.Deployment
	}
	a := sandbox.Action{Kind: sandbox.Other, Targets: slices.Clone(e.targets[deploymentIn(name)])}
	switch {
	case strings.HasPrefix(at.key, "GET "):
		a.Kind = sandbox.Read
	case at.key == "POST previews":
		a.Kind = "deploy"
	case at.key == "DELETE previews/*":
		a.Kind = "reject"
	case at.key == "PATCH deployments/*":
		a.Kind = e.updateKind(name, sent.Blueprint)
	}
	return a
}

// updateKind tells the word on a preview, and a rollback, which brings what was
// applied before, from a deployment of something new.
func (e *Emulator) updateKind(name string, b blueprint) string {
	for _, p := range e.state.Previews {
		if p.Deployment == name && p.Blueprint.same(b) {
			return "approve"
		}
	}
	d := e.state.Deployments[name]
	if d == nil {
		return "deploy"
	}
	for i, r := range d.Revisions {
		if i < len(d.Revisions)-1 && r.State == applied && r.Blueprint.same(b) {
			return "rollback"
		}
	}
	return "deploy"
}
