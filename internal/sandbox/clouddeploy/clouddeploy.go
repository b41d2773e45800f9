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
	"net/http"
	"strings"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// The fault kinds that the emulator adds. They apply to requests that make a
// rollout or retry a job.
const (
	FaultFail                         = kit.Fail      // the deploy job fails
	FaultFailVerify sandbox.FaultKind = "fail-verify" // the verify job fails
	FaultHang                         = kit.Hang      // the job that comes next never ends
)

type google = googleapi.Service[state, place]

// Emulator is the API. Its zero value is not usable; see [New].
type Emulator struct {
	google

	// Pages bound those of every list. The API may do so at any time, below its own
	// limit.
	Pages googleapi.Sizes
}

var (
	_ sandbox.Emulator = (*Emulator)(nil)
	_ sandbox.Intruder = (*Emulator)(nil)
	_ sandbox.Busier   = (*Emulator)(nil)
)

// New is an empty Cloud Deploy on the clock now. Each job takes two seconds.
func New(now func() time.Time) *Emulator {
	e := &Emulator{
		google: google{Core: kit.NewCore[place]("clouddeploy", now, newState, FaultFail, FaultFailVerify, FaultHang), Step: 2 * time.Second},
		// Discovery document: "If unspecified, at most 50 … The maximum value is 1000"
		Pages: googleapi.Sizes{Usual: 50, Most: 1000},
	}
	e.API = googleapi.API{Endpoint: "CLOUDDEPLOY", Prefix: "/v1/", Scope: "projects/*/locations/*", Methods: e.methods(), Served: e.settle, Admit: func(*call) error {
		e.settle()
		return nil
	}}
	return e
}

// present is the state now.
func (e *Emulator) present() moment { return moment{&e.State, e.Now(), e.Step} }

// settle lets the rollouts run on to the present.
func (e *Emulator) settle() { e.present().settle() }

// Example implements sandbox.Exampler: PROJECT/LOCATION/PIPELINE has two targets.
func (e *Emulator) Example(names []string) []sandbox.Example {
	if len(names) != 1 {
		return nil
	}
	parts := strings.Split(names[0], "/")
	if len(parts) != 3 {
		return nil
	}
	at := func(target string) config { return config{parts[0], parts[1], parts[2], target} }
	return sandbox.TwoPlaces(at("staging"), at("production"))
}

// Refuse implements sandbox.Emulator.
func (e *Emulator) Refuse(w http.ResponseWriter, _ *http.Request, why sandbox.Refusal) {
	e.API.Refuse(w, why, googleapi.Words{
		Quota:  "Quota exceeded for quota metric 'Mutate requests' of service 'clouddeploy.googleapis.com'.",
		Denied: "The caller does not have permission",
	})
}

// Busy implements sandbox.Busier.
func (e *Emulator) Busy(w http.ResponseWriter, _ *http.Request) {
	// docs/platforms.md: "*Busy*: ABORTED (409) is"
	e.WriteError(w, kit.Errorf(http.StatusConflict, "ABORTED", "The operation was aborted."))
}

// place is a target of a delivery pipeline.
type place struct{ project, location, pipeline, target string }

// targetsAt lists the pipeline targets at a place; fields of it that are ""
// match all.
func (e *Emulator) targetsAt(p place) []string {
	matches := func(want, have string) bool { return want == "" || want == have }
	return e.Targets.Naming(func(at place) bool {
		return matches(p.project, at.project) && matches(p.location, at.location) && matches(p.pipeline, at.pipeline) && matches(p.target, at.target)
	})
}
