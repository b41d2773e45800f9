// Package deploymentmanager is an emulator of Google Deployment Manager's REST
// API v2, as far as deployments, their manifests and operations go, that the
// unmodified gcloud CLI and Google's clients can drive.
//
// Its resources are Google's own Go types, its rules stand on docs/platforms.md
// and each cites its line. Operations run by the clock alone: each takes
// [Emulator.Step]. No resource is ever made anywhere, and no template expanded
// beyond its environment's names.
package deploymentmanager

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
	FaultFail     sandbox.FaultKind = "fail"      // the operation ends with one error, its message an object in a string
	FaultFailMany sandbox.FaultKind = "fail-many" // it ends with several errors, of every recorded shape
	FaultWarn     sandbox.FaultKind = "warn"      // it ends well, with warnings
	FaultHang     sandbox.FaultKind = "hang"      // it never ends
	FaultVanish   sandbox.FaultKind = "vanish"    // it ends well, and nobody knows it any more
)

// Emulator is the API. Its zero value is not usable; see [New].
type Emulator struct {
	// Step is how long an operation takes; for the first half of it the
	// operation is PENDING.
	Step time.Duration

	now     func() time.Time
	routes  map[string]route
	state   state
	targets map[string][]string // pipeline targets by "project/deployment"
}

var (
	_ sandbox.Emulator = (*Emulator)(nil)
	_ sandbox.Intruder = (*Emulator)(nil)
	_ sandbox.Faulter  = (*Emulator)(nil)
)

// New is an empty Deployment Manager on the clock now. Operations take four
// seconds.
func New(now func() time.Time) *Emulator {
	e := &Emulator{Step: 4 * time.Second, now: now, state: newState(), targets: map[string][]string{}}
	e.routes = e.table()
	return e
}

// Platform implements sandbox.Emulator.
func (e *Emulator) Platform() string { return "deploymentmanager" }

// Env implements sandbox.Emulator. gcloud wants the slash and is told to look
// for no credentials.
func (e *Emulator) Env(base string) map[string]string {
	return map[string]string{
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_DEPLOYMENTMANAGER": base + "/",
		"CLOUDSDK_AUTH_DISABLE_CREDENTIALS":                 "true",
	}
}

// FaultKinds implements sandbox.Faulter.
func (e *Emulator) FaultKinds() []string {
	return []string{string(FaultFail), string(FaultFailMany), string(FaultWarn), string(FaultHang), string(FaultVanish)}
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
		writeError(w, &apiError{http.StatusTooManyRequests, "rateLimitExceeded", "Quota exceeded for quota metric 'Write queries' of service 'deploymentmanager.googleapis.com'"})
	case sandbox.Denied:
		_, name, _ := address(r)
		writeError(w, &apiError{http.StatusForbidden, "forbidden", "Required 'deploymentmanager.deployments.update' permission for '" + name + "'"})
	default:
		writeError(w, &apiError{http.StatusInternalServerError, "backendError", "Internal error encountered."})
	}
}

// Busy implements sandbox.Busier.
func (*Emulator) Busy(w http.ResponseWriter, r *http.Request) {
	// docs/platforms.md: "*Busy*: 409 `resourceInUse`"
	_, name, _ := address(r)
	writeError(w, &apiError{http.StatusConflict, "resourceInUse", "Resource '" + name + "' has an ongoing conflicting operation: 'operation-of-somebody-else'."})
}

// Classify implements sandbox.Emulator.
func (e *Emulator) Classify(r *http.Request, body []byte) sandbox.Action {
	key, name, ok := address(r)
	if !ok {
		return sandbox.Action{Kind: sandbox.Other}
	}
	var sent struct {
		Name   string  `json:"name"`
		Target *target `json:"target"`
	}
	json.Unmarshal(body, &sent) //nolint:errcheck // refused when it is served
	project, deployment := split(name)
	if deployment == "" {
		deployment = sent.Name
	}
	a := sandbox.Action{Kind: sandbox.Other, Targets: slices.Clone(e.targets[project+"/"+deployment])}
	switch {
	case strings.HasPrefix(key, "GET "):
		a.Kind = sandbox.Read
	case key == "POST deployments":
		a.Kind = "deploy"
	case key == "POST deployments/*/cancelPreview":
		a.Kind = "reject"
	case key == "PUT deployments/*" && sent.Target == nil:
		a.Kind = "approve"
	case key == "PUT deployments/*":
		a.Kind = e.updateKind(project+"/"+deployment, *sent.Target)
	}
	return a
}

// updateKind tells a rollback, which brings a manifest that the deployment had
// before, from a deployment of something new.
func (e *Emulator) updateKind(key string, t target) string {
	d := e.state.Deployments[key]
	if d == nil || d.current().same(t) {
		return "deploy"
	}
	if slices.ContainsFunc(d.Manifests, func(m *manifest) bool { return m.same(t) }) {
		return "rollback"
	}
	return "deploy"
}
