// Package clouddeploy is an emulator of Google Cloud Deploy's REST API v1, as
// far as delivery pipelines, targets, deploy policies, releases, rollouts and
// their job runs go, that the unmodified gcloud CLI and Google's clients can
// drive.
//
// Its resources are Google's own Go types, its rules stand on docs/platforms.md
// and each cites its line. Rollouts run by the clock alone: every job takes
// [Emulator.Step]. What no record shows is refused rather than guessed at.
package clouddeploy

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"sluice/internal/sandbox"
)

// The fault kinds that the emulator adds. They apply to requests that make a
// rollout or retry a job.
const (
	FaultFail       sandbox.FaultKind = "fail"        // the deploy job fails
	FaultFailVerify sandbox.FaultKind = "fail-verify" // the verify job fails
	FaultHang       sandbox.FaultKind = "hang"        // the job that comes next never ends
)

// Emulator is the API. Its zero value is not usable; see [New].
type Emulator struct {
	// Step is how long each job of a rollout takes.
	Step time.Duration
	// Page bounds the pages of every list below what the API's own limit is,
	// as the API may do at any time.
	Page int

	now     func() time.Time
	routes  map[string]route
	state   state
	targets map[place][]string // pipeline targets by the place that they name
}

var (
	_ sandbox.Emulator = (*Emulator)(nil)
	_ sandbox.Intruder = (*Emulator)(nil)
	_ sandbox.Faulter  = (*Emulator)(nil)
)

// New is an empty Cloud Deploy on the clock now. Each job takes two seconds.
func New(now func() time.Time) *Emulator {
	e := &Emulator{Step: 2 * time.Second, Page: mostPage, now: now, state: newState(), targets: map[place][]string{}}
	e.routes = e.table()
	return e
}

// Platform implements sandbox.Emulator.
func (e *Emulator) Platform() string { return "clouddeploy" }

// Env implements sandbox.Emulator. gcloud wants the slash and is told to look
// for no credentials.
func (e *Emulator) Env(base string) map[string]string {
	return map[string]string{
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDDEPLOY": base + "/",
		"CLOUDSDK_AUTH_DISABLE_CREDENTIALS":           "true",
	}
}

// FaultKinds implements sandbox.Faulter.
func (e *Emulator) FaultKinds() []string {
	return []string{string(FaultFail), string(FaultFailVerify), string(FaultHang)}
}

// Save implements sandbox.Emulator.
func (e *Emulator) Save() ([]byte, error) { return json.MarshalIndent(e.state, "", " ") }

// Restore implements sandbox.Emulator.
func (e *Emulator) Restore(saved []byte) error { return sandbox.Restored(&e.state, saved, newState()) }

// Refuse implements sandbox.Emulator.
func (e *Emulator) Refuse(w http.ResponseWriter, _ *http.Request, why sandbox.Refusal) {
	switch why {
	case sandbox.Throttle:
		w.Header().Set("Retry-After", "1")
		writeError(w, &apiError{http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Mutate requests' of service 'clouddeploy.googleapis.com'."})
	case sandbox.Denied:
		writeError(w, &apiError{http.StatusForbidden, "PERMISSION_DENIED", "The caller does not have permission"})
	default:
		writeError(w, &apiError{http.StatusInternalServerError, "INTERNAL", "Internal error encountered."})
	}
}

// Busy implements sandbox.Busier.
func (*Emulator) Busy(w http.ResponseWriter, _ *http.Request) {
	// docs/platforms.md: "*Busy*: ABORTED (409) is"
	writeError(w, &apiError{http.StatusConflict, "ABORTED", "The operation was aborted."})
}

// place is a target of a delivery pipeline.
type place struct{ project, location, pipeline, target string }

// targetsAt lists the pipeline targets at a place; fields of it that are ""
// match all.
func (e *Emulator) targetsAt(p place) []string {
	matches := func(want, have string) bool { return want == "" || want == have }
	var names []string
	for at, targets := range e.targets {
		if matches(p.project, at.project) && matches(p.location, at.location) && matches(p.pipeline, at.pipeline) && matches(p.target, at.target) {
			names = append(names, targets...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
