// Package entrecode is an emulator of entrecode's App Manager, as far as apps,
// platforms, builds and deployments go.
//
// Its addresses are nothing like the usual ones: only a client that starts at
// the entry point and follows relations gets anywhere. What it sends has every
// looseness that was recorded: single objects where lists are meant, ids as
// strings, unsorted lists and events, properties that the documents do not
// name and others missing that they do.
//
// Its rules stand on docs/platforms.md; each cites its line.
package entrecode

import (
	"net/http"
	"strings"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/kit"
)

// dummyToken is the access token that Env gives to clients. Beside it those are
// accepted that begin with it, for other accounts. It is
// a JSON Web Token, which the vendor's SDK looks into: of nobody, unsigned, good until 2100.
const dummyToken = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJpc3MiOiJzYW5kYm94Iiwic3ViIjoiZHVtbXktbm90LWEtc2VjcmV0IiwiZXhwIjo0MTAyNDQ0ODAwfQ." + "not-a-secret"

// RejectedToken is an access token that the emulator does not know, so that
// wrong credentials can be tried.
const RejectedToken = "rejected"

// The fault kinds of this platform beside the sandbox's own. Each applies to
// the deployment that the request creates.
const (
	FaultFail    = kit.Fail                     // it ends in error
	FaultHang    = kit.Hang                     // it runs for ever
	FaultUnknown = sandbox.FaultKind("unknown") // it ends in a status that nobody knows
)

type core = kit.Core[state, string]

// Emulator is the API. Its zero value is not usable; see [New].
type Emulator struct {
	core

	seats []kit.Seat[config] // the pipeline's targets
}

// config are a target's keys in the pipeline file.
type config struct {
	AppID      string   `json:"appID"`
	PlatformID string   `json:"platformID"`
	TargetIDs  []string `json:"targetIDs"`
}

var (
	_ sandbox.Emulator = (*Emulator)(nil)
	_ sandbox.Intruder = (*Emulator)(nil)
)

// New is an empty App Manager on the clock now.
func New(now func() time.Time) *Emulator {
	return &Emulator{core: kit.NewCore[string]("entrecode", now, newState, FaultFail, FaultHang, FaultUnknown)}
}

// Env implements sandbox.Emulator.
func (e *Emulator) Env(base string) map[string]string {
	return map[string]string{"ENTRECODE_APPSERVER_URL": base + "/", "ENTRECODE_ACCESS_TOKEN": dummyToken}
}

// Example implements sandbox.Exampler: an app has a platform for each of two stages,
// and one that is named has a target.
func (e *Emulator) Example(names []string) []sandbox.Example {
	if len(names) != 1 {
		return nil
	}
	app, platform, one := strings.Cut(names[0], "/")
	on := func(platform string) config {
		return config{AppID: app, PlatformID: platform, TargetIDs: []string{platform + "-1"}}
	}
	if one {
		return []sandbox.Example{sandbox.OnePlace("production", on(platform))}
	}
	return sandbox.TwoPlaces(on(app+"-staging"), on(app+"-production"))
}

// Refuse implements sandbox.Emulator.
func (e *Emulator) Refuse(w http.ResponseWriter, _ *http.Request, why sandbox.Refusal) {
	switch why {
	case sandbox.Throttle:
		writeProblem(w, problem(http.StatusTooManyRequests, 3900, "Too many requests", "", ""))
	case sandbox.Denied:
		// docs/platforms.md: "3470 403 Target resource does not fulfill permission policy conditions"
		writeProblem(w, problem(http.StatusForbidden, 3470, "Target resource does not fulfill permission policy conditions", "app:deployment:create", ""))
	default:
		writeProblem(w, problem(http.StatusInternalServerError, 3000, "Internal Error.", "", ""))
	}
}
