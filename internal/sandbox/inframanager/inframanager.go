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
	"fmt"
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
	FaultFail                     = kit.Fail   // it is done without an error, and what it made FAILED
	FaultAbort  sandbox.FaultKind = "abort"    // the operation itself ends with an error; nothing was made
	FaultHang                     = kit.Hang   // it never ends
	FaultVanish                   = kit.Vanish // it ends well, and nobody knows it any more
)

type google = googleapi.Service[state, string]

// Emulator is the API. Its zero value is not usable; see [New]. Its targets are kept by
// their deployment's resource name.
type Emulator struct{ google }

var (
	_ sandbox.Emulator = (*Emulator)(nil)
	_ sandbox.Intruder = (*Emulator)(nil)
)

// New is an empty Infrastructure Manager on the clock now. Operations take two
// seconds.
func New(now func() time.Time) *Emulator {
	e := &Emulator{google: google{Core: kit.NewCore[string]("inframanager", now, newState, FaultFail, FaultAbort, FaultHang, FaultVanish), Step: 2 * time.Second}}
	e.API = googleapi.API{Endpoint: "CONFIG", Prefix: "/v1/", Scope: "projects/*/locations/*", Methods: e.methods(), Admit: e.admit}
	return e
}

// Example implements sandbox.Exampler: each name of the form PROJECT/LOCATION/DEPLOYMENT is
// a stage's, and PROJECT/LOCATION alone has a deployment for each of two stages.
func (e *Emulator) Example(names []string) []sandbox.Example {
	return googleapi.Example(names, []string{"project", "location", "deployment"}, "network")
}

// Refuse implements sandbox.Emulator.
func (e *Emulator) Refuse(w http.ResponseWriter, r *http.Request, why sandbox.Refusal) {
	e.API.Refuse(w, why, googleapi.Words{
		Quota:  "Quota exceeded for quota metric 'Requests' of service 'config.googleapis.com'",
		Denied: fmt.Sprintf("Permission 'config.deployments.update' denied on resource '%s' (or it may not exist).", strings.TrimPrefix(r.URL.Path, "/v1/")),
	})
}

// Classify implements sandbox.Emulator.
func (e *Emulator) Classify(r *http.Request, body []byte) sandbox.Action {
	key, name, ok := e.Address(r)
	if !ok {
		return sandbox.Action{Kind: sandbox.Other}
	}
	var sent struct {
		Deployment string    `json:"deployment"`
		Blueprint  blueprint `json:"terraformBlueprint"`
	}
	json.Unmarshal(body, &sent) //nolint:errcheck // refused when it is served
	switch p := e.State.Previews[name]; {
	case p != nil:
		name = p.Deployment
	case key == "POST previews":
		name = sent.Deployment
	}
	a := sandbox.Action{Kind: sandbox.Other, Targets: slices.Clone(e.Targets[resourceIn(name)])}
	switch {
	case strings.HasPrefix(key, "GET "):
		a.Kind = sandbox.Read
	case key == "POST previews":
		a.Kind = "deploy"
	case key == "DELETE previews/*":
		a.Kind = "reject"
	case key == "PATCH deployments/*":
		a.Kind = e.updateKind(name, sent.Blueprint)
	}
	return a
}

// updateKind tells the word on a preview, and a rollback, which brings what was
// applied before, from a deployment of something new.
func (e *Emulator) updateKind(name string, b blueprint) string {
	for _, p := range e.State.Previews {
		if p.Deployment == name && p.Blueprint.same(b) {
			return "approve"
		}
	}
	d := e.State.Deployments[name]
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
