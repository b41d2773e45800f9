// Package cloudrun is an emulator of the Cloud Run Admin API v2, as far as services,
// their revisions and their traffic go, that Google's own clients can drive.
//
// Its rules stand on docs/platforms.md; each cites its line. A change takes
// [Emulator.Step] by the clock; no container is ever started.
package cloudrun

import (
	"fmt"
	"net/http"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// FaultFail is a fault kind of requests that make a revision: it never gets ready.
const FaultFail = kit.Fail

type google = googleapi.Service[state, string]

// Emulator is the API. Its zero value is not usable; see [New]. Its targets are kept by
// their service's full name.
type Emulator struct {
	google
	kit.Moves // time carries changes out
}

var (
	_ sandbox.Emulator = (*Emulator)(nil)
	_ sandbox.Intruder = (*Emulator)(nil)
	_ sandbox.Mover    = (*Emulator)(nil)
)

// New has no services yet, on the clock now. Changes take four seconds.
func New(now func() time.Time) *Emulator {
	e := &Emulator{google: google{Core: kit.NewCore[string]("cloudrun", now, newState, FaultFail), Step: 4 * time.Second}}
	e.API = googleapi.API{Endpoint: "RUN", Prefix: "/v2/", Scope: "projects/*/locations/*", Methods: e.methods(), Admit: e.settle}
	return e
}

// Env implements sandbox.Emulator.
func (e *Emulator) Env(base string) map[string]string {
	return map[string]string{"CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN": base + "/"}
}

// Example implements sandbox.Exampler: each name of the form PROJECT/LOCATION/SERVICE is
// a stage's, and PROJECT/LOCATION alone has a service for each of two stages.
func (e *Emulator) Example(names []string) []sandbox.Example {
	return googleapi.Example(names, []string{"project", "location", "service"}, "web")
}

// Refuse implements sandbox.Emulator.
func (e *Emulator) Refuse(w http.ResponseWriter, r *http.Request, why sandbox.Refusal) {
	_, name, _ := e.Address(r)
	permission := "run.services.get"
	if r.Method == http.MethodPatch {
		permission = "run.services.update"
	}
	e.API.Refuse(w, why, googleapi.Words{
		Quota:  "Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute'",
		Denied: fmt.Sprintf("Permission '%s' denied on resource '%s' (or it may not exist).", permission, name),
	})
}

// Intrude implements sandbox.Intruder: by hand, somebody deploys another image to
// the target's service, for all of its traffic.
func (e *Emulator) Intrude(target string) error {
	s, err := kit.Named(e.Targets, target, e.State.Services)
	if err != nil {
		return err
	}
	s.Made++
	r := e.revise(s, fmt.Sprintf("%s-%05d-man", kit.Last(s.Name), s.Made), image("by hand "+s.Etag))
	s.Traffic = []traffic{{Type: byRevision, Revision: r.short(), Percent: 100}}
	e.touch(s)
	e.settleNow(s)
	return nil
}
