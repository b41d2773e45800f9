// Package cloudrun is an emulator of the Cloud Run Admin API v2, as far as services,
// their revisions and their traffic go, that Google's own clients can drive.
//
// Its rules stand on docs/platforms.md; each cites its line. A change takes
// [Emulator.Step] by the clock; no container is ever started.
package cloudrun

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/googleapi"
)

// FaultFail is a fault kind of requests that make a revision: it never gets ready.
const FaultFail sandbox.FaultKind = "fail"

// Emulator is the API. Its zero value is not usable; see [New].
type Emulator struct {
	// Step is how long a change takes to be served.
	Step time.Duration

	now     func() time.Time
	state   state
	moved   bool
	targets map[string][]string // pipeline targets by their service's full name
}

var (
	_ sandbox.Emulator = (*Emulator)(nil)
	_ sandbox.Intruder = (*Emulator)(nil)
	_ sandbox.Faulter  = (*Emulator)(nil)
	_ sandbox.Mover    = (*Emulator)(nil)
)

// New has no services yet, on the clock now. Changes take four seconds.
func New(now func() time.Time) *Emulator {
	return &Emulator{Step: 4 * time.Second, now: now, state: newState(), targets: map[string][]string{}}
}

// Platform implements sandbox.Emulator.
func (e *Emulator) Platform() string { return "cloudrun" }

// Env implements sandbox.Emulator.
func (e *Emulator) Env(base string) map[string]string {
	return map[string]string{"CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN": base + "/"}
}

// Save implements sandbox.Emulator.
func (e *Emulator) Save() ([]byte, error) { return json.MarshalIndent(e.state, "", "  ") }

// Restore implements sandbox.Emulator.
func (e *Emulator) Restore(saved []byte) error { return sandbox.Restored(&e.state, saved, newState()) }

// Moved implements sandbox.Mover: time carries changes out.
func (e *Emulator) Moved() bool {
	moved := e.moved
	e.moved = false
	return moved
}

// FaultKinds implements sandbox.Faulter.
func (e *Emulator) FaultKinds() []string { return []string{string(FaultFail)} }

// Refuse implements sandbox.Emulator.
func (e *Emulator) Refuse(w http.ResponseWriter, r *http.Request, why sandbox.Refusal) {
	name, _, _ := split(r.URL.Path)
	permission := "run.services.get"
	if r.Method == http.MethodPatch {
		permission = "run.services.update"
	}
	googleapi.WriteError(w, googleapi.Refused(why, permission, name))
}

// Intrude implements sandbox.Intruder: by hand, somebody deploys another image to
// the target's service, for all of its traffic.
func (e *Emulator) Intrude(target string) error {
	for name, names := range e.targets {
		for _, n := range names {
			s := e.state.Services[name]
			if n != target || s == nil {
				continue
			}
			s.Made++
			r := e.revise(s, fmt.Sprintf("%s-%05d-man", last(name), s.Made), image("by hand "+s.Etag))
			s.Traffic = []traffic{{Type: byRevision, Revision: r.short(), Percent: 100}}
			e.touch(s)
			e.settleNow(s)
			return nil
		}
	}
	return fmt.Errorf("no service is known for target %q", target)
}

// split reads a path: the service's full name, what of it is asked for ("" for the
// service itself), and that one's name.
func split(path string) (service, collection, name string) {
	parts := strings.SplitN(strings.TrimPrefix(path, "/v2/"), "/", 8)
	if len(parts) < 6 {
		return "", "", ""
	}
	service = strings.Join(parts[:6], "/")
	if parts[4] != "services" {
		return service, parts[4], parts[5]
	}
	if len(parts) > 6 {
		collection = parts[6]
	}
	if len(parts) > 7 {
		name = parts[7]
	}
	return service, collection, name
}

func last(name string) string { return name[strings.LastIndex(name, "/")+1:] }
