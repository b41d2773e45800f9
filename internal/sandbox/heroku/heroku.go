// Package heroku is an emulator of Heroku's Platform API, as far as pipelines,
// couplings, promotions and releases go, that the unmodified heroku CLI can
// drive.
//
// Its rules stand on docs/platforms.md; each cites its line. Nothing in it
// takes time: a release phase is over when it has been looked at twice.
package heroku

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"sluice/internal/sandbox"
)

const (
	dummyKey = "sandbox-dummy-not-a-secret"

	// RejectedKey is a token that the emulator does not know, so that a wrong one
	// can be tried. Any other is accepted.
	RejectedKey = "INVALID"
)

// Emulator is the API. Its zero value is not usable; see [New].
type Emulator struct {
	now     func() time.Time
	routes  http.Handler
	state   state
	base    string
	targets map[string][]string // pipeline targets by the app id that they name
	tokens  tokens
	moved   bool // by being read, since it was last asked
}

var (
	_ sandbox.Emulator = (*Emulator)(nil)
	_ sandbox.Intruder = (*Emulator)(nil)
	_ sandbox.Faulter  = (*Emulator)(nil)
	_ sandbox.Mover    = (*Emulator)(nil)
)

// New is an account without apps on the clock now.
func New(now func() time.Time) *Emulator {
	e := &Emulator{now: now, state: newState(), targets: map[string][]string{}, tokens: tokens{left: fullTokens}}
	e.routes = e.mux()
	return e
}

// Platform implements sandbox.Emulator.
func (e *Emulator) Platform() string { return "heroku" }

// Env implements sandbox.Emulator.
func (e *Emulator) Env(base string) map[string]string {
	e.base = base
	return map[string]string{"HEROKU_HOST": base, "HEROKU_API_KEY": dummyKey}
}

// Save implements sandbox.Emulator.
func (e *Emulator) Save() ([]byte, error) { return json.MarshalIndent(e.state, "", " ") }

// Restore implements sandbox.Emulator.
func (e *Emulator) Restore(saved []byte) error { return sandbox.Restored(&e.state, saved, newState()) }

// Moved implements sandbox.Mover.
func (e *Emulator) Moved() bool {
	moved := e.moved
	e.moved = false
	return moved
}

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.routes.ServeHTTP(w, r) }

// Refuse implements sandbox.Emulator.
func (e *Emulator) Refuse(w http.ResponseWriter, r *http.Request, why sandbox.Refusal) {
	switch why {
	case sandbox.Throttle:
		e.writeError(w, r, errRateLimit)
	case sandbox.Denied:
		e.writeError(w, r, &apiError{http.StatusForbidden, "forbidden", "You do not have access to the app."})
	default:
		e.writeError(w, r, &apiError{http.StatusInternalServerError, "internal_server_error", "Internal server error."})
	}
}

// Busy implements sandbox.Busier.
func (e *Emulator) Busy(w http.ResponseWriter, r *http.Request) {
	// docs/platforms.md: "the reference documents 409 `conflict`"
	e.writeError(w, r, &apiError{http.StatusConflict, "conflict", "Another change to the app is under way."})
}

// Intrude implements sandbox.Intruder: by hand, somebody releases another slug
// on the target's app.
func (e *Emulator) Intrude(target string) error {
	for id, names := range e.targets {
		for _, name := range names {
			if name != target {
				continue
			}
			a := e.state.Apps[id]
			if a == nil {
				return fmt.Errorf("app %s is gone", id)
			}
			s := e.addSlug(a, "by hand, past the pipeline", nil)
			e.release(a, s.ID, "Deploy "+short(s.ID))
			return nil
		}
	}
	return fmt.Errorf("no app is known for target %q", target)
}

// The emulator's own faults.
const (
	faultFail   = "fail"   // the target's release phase fails
	faultHang   = "hang"   // the target's release phase never ends
	faultReject = "reject" // Heroku refuses the one target of a promotion
	faultLate   = "late"   // the target's release becomes visible only after 20 s
)

// lateBy is how late a release with the fault late becomes visible.
const lateBy = 20 * time.Second

// FaultKinds implements sandbox.Faulter: what becomes of a release, and the
// refusals that the API has beside those of every emulator.
func (e *Emulator) FaultKinds() []string {
	return []string{
		faultFail, faultHang, faultReject, faultLate,
		"unauthorized", "delinquent", "suspended", "two-factor", "unprocessable",
	}
}

// refusals are the API's answers for the faults of the same name.
//
// docs/platforms.md: "unauthorized 401, delinquent 402, forbidden/suspended 403"
// docs/platforms.md: "`two_factor` 403 asks for `Heroku-Two-Factor-Code`"
func refusals(kind sandbox.FaultKind) (*apiError, bool) {
	switch kind {
	case "unauthorized":
		return errUnauthorized, true
	case "delinquent":
		return &apiError{http.StatusPaymentRequired, "delinquent", "You have an unpaid balance. Please pay it to continue."}, true
	case "suspended":
		return &apiError{http.StatusForbidden, "suspended", "The app is suspended."}, true
	case "two-factor":
		return &apiError{http.StatusForbidden, "two_factor", "A second authentication factor or pre-authorization is required for this request. Your account has either two-factor or a Yubikey registered."}, true
	case "unprocessable":
		return invalid("The request could not be understood."), true
	default:
		return nil, false
	}
}
