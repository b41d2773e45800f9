// Package deploymentmanager is an emulator of Google Deployment Manager's REST
// API v2, as far as deployments, their manifests and operations go, that the
// unmodified gcloud CLI and Google's clients can drive.
//
// Its resources are Google's own Go types, its rules stand on docs/platforms.md
// and each cites its line. Operations run by the clock alone: each takes
// [Emulator.Step], and is PENDING for the first half of it. No resource is ever made
// anywhere, and no template expanded beyond its environment's names.
package deploymentmanager

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// The fault kinds that the emulator adds. They apply to requests that begin an
// operation.
const (
	FaultFail                       = kit.Fail    // the operation ends with one error, its message an object in a string
	FaultFailMany sandbox.FaultKind = "fail-many" // it ends with several errors, of every recorded shape
	FaultWarn     sandbox.FaultKind = "warn"      // it ends well, with warnings
	FaultHang                       = kit.Hang    // it never ends
	FaultVanish                     = kit.Vanish  // it ends well, and nobody knows it any more
)

type google = googleapi.Service[state, string]

// Emulator is the API. Its zero value is not usable; see [New]. Its targets are kept by
// their deployment's resource name.
type Emulator struct{ google }

var (
	_ sandbox.Emulator = (*Emulator)(nil)
	_ sandbox.Intruder = (*Emulator)(nil)
	_ sandbox.Busier   = (*Emulator)(nil)
)

// New is an empty Deployment Manager on the clock now. Operations take four
// seconds.
func New(now func() time.Time) *Emulator {
	e := &Emulator{google: google{Core: kit.NewCore[string]("deploymentmanager", now, newState, FaultFail, FaultFailMany, FaultWarn, FaultHang, FaultVanish), Step: 4 * time.Second}}
	e.API = googleapi.API{Endpoint: "DEPLOYMENTMANAGER", Prefix: "/deploymentmanager/v2/", Scope: "projects/*/global", Methods: e.methods(), Admit: e.admit, Reasons: true}
	return e
}

// Example implements sandbox.Exampler: each name of the form PROJECT/DEPLOYMENT is a
// stage's, and PROJECT alone has a deployment for each of two stages.
func (e *Emulator) Example(names []string) []sandbox.Example {
	return googleapi.Example(names, []string{"project", "deployment"}, "network")
}

// Refuse implements sandbox.Emulator.
func (e *Emulator) Refuse(w http.ResponseWriter, r *http.Request, why sandbox.Refusal) {
	e.API.Refuse(w, why, googleapi.Words{
		Quota:  "Quota exceeded for quota metric 'Write queries' of service 'deploymentmanager.googleapis.com'",
		Denied: "Required 'deploymentmanager.deployments.update' permission for '" + e.about(r) + "'",
	})
}

// Busy implements sandbox.Busier.
func (e *Emulator) Busy(w http.ResponseWriter, r *http.Request) {
	// docs/platforms.md: "*Busy*: 409 `resourceInUse`"
	e.WriteError(w, kit.Errorf(http.StatusConflict, "resourceInUse", "Resource '%s' has an ongoing conflicting operation: 'operation-of-somebody-else'.", e.about(r)))
}

// about is what a request is about, as PROJECT/NAME.
func (e *Emulator) about(r *http.Request) string {
	_, name, _ := e.Address(r)
	return strings.NewReplacer("projects/", "", "/global", "", "/deployments", "", "/operations", "", "/manifests", "").Replace(name)
}

// Classify implements sandbox.Emulator.
func (e *Emulator) Classify(r *http.Request, body []byte) sandbox.Action {
	key, name, ok := e.Address(r)
	if !ok {
		return sandbox.Action{Kind: sandbox.Other}
	}
	var sent struct {
		Name   string  `json:"name"`
		Target *target `json:"target"`
	}
	json.Unmarshal(body, &sent) //nolint:errcheck // refused when it is served
	if deployment := deploymentIn(name); deployment != "" {
		name = deployment
	} else {
		name += "/deployments/" + sent.Name
	}
	a := sandbox.Action{Kind: sandbox.Other, Targets: slices.Clone(e.Targets[name])}
	switch {
	case strings.HasPrefix(key, "GET "):
		a.Kind = sandbox.Read
	case key == "POST deployments":
		a.Kind = "deploy"
	case key == "POST deployments/*/cancelPreview":
		a.Kind = "reject"
	case key == "POST deployments/*/stop":
		a.Kind = "terminate"
	case key == "PUT deployments/*" && sent.Target == nil:
		a.Kind = "approve"
	case key == "PUT deployments/*":
		a.Kind = e.updateKind(name, *sent.Target)
	}
	return a
}

// updateKind tells a rollback, which brings a manifest that the deployment had
// before, from a deployment of something new.
func (e *Emulator) updateKind(key string, t target) string {
	d := e.State.Deployments[key]
	if d == nil || d.current().same(t) {
		return "deploy"
	}
	if slices.ContainsFunc(d.Manifests, func(m *manifest) bool { return m.same(t) }) {
		return "rollback"
	}
	return "deploy"
}
