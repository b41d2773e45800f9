// Package heroku is an emulator of Heroku's Platform API, as far as pipelines,
// couplings, promotions and releases go, that the unmodified heroku CLI can
// drive.
//
// Its rules stand on docs/platforms.md; each cites its line. Nothing in it
// takes time: a release phase is over when it has been looked at twice.
package heroku

import (
	"net/http"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/kit"
)

const (
	dummyKey = "sandbox-dummy-not-a-secret"

	// RejectedKey is a token that the emulator does not know, so that a wrong one
	// can be tried. Any other is accepted.
	RejectedKey = "INVALID"
)

type core = kit.Core[state, string]

// Emulator is the API. Its zero value is not usable; see [New]. Its targets are kept by
// their app's id.
type Emulator struct {
	core
	kit.Moves    // releases are looked at
	http.Handler // the routes

	base   string
	tokens tokens
}

var (
	_ sandbox.Emulator = (*Emulator)(nil)
	_ sandbox.Intruder = (*Emulator)(nil)
	_ sandbox.Mover    = (*Emulator)(nil)
)

// New is an account without apps on the clock now. It knows what becomes of a release,
// and the refusals that the API has beside those of every emulator.
func New(now func() time.Time) *Emulator {
	e := &Emulator{tokens: tokens{left: fullTokens}, core: kit.NewCore[string]("heroku", now, newState,
		faultFail, faultHang, faultReject, faultLate, "unauthorized", "delinquent", "suspended", "two-factor", "unprocessable")}
	e.Handler = e.mux()
	return e
}

// account is the account now.
func (e *Emulator) account() account {
	return account{&e.State, e.Now(), e.base, &e.Moves, &e.tokens}
}

// Env implements sandbox.Emulator.
func (e *Emulator) Env(base string) map[string]string {
	e.base = base
	return map[string]string{"HEROKU_HOST": base, "HEROKU_API_KEY": dummyKey}
}

// Example implements sandbox.Exampler: a pipeline of a name has an app in staging and
// two in production.
func (e *Emulator) Example(names []string) []sandbox.Example {
	if len(names) != 1 {
		return nil
	}
	pipeline := names[0]
	app := func(stage, name string) sandbox.Example {
		return sandbox.Example{Stage: stage, Target: name, Config: map[string]string{"app": name, "pipeline": pipeline}}
	}
	return []sandbox.Example{app("staging", pipeline+"-staging"), app("production", pipeline+"-eu"), app("production", pipeline+"-us")}
}

// Refuse implements sandbox.Emulator.
func (e *Emulator) Refuse(w http.ResponseWriter, r *http.Request, why sandbox.Refusal) {
	switch why {
	case sandbox.Throttle:
		e.account().writeError(w, r, errRateLimit)
	case sandbox.Denied:
		e.account().writeError(w, r, kit.Errorf(http.StatusForbidden, "forbidden", "You do not have access to the app."))
	default:
		e.account().writeError(w, r, kit.Errorf(http.StatusInternalServerError, "internal_server_error", "Internal server error."))
	}
}

// Busy implements sandbox.Busier.
func (e *Emulator) Busy(w http.ResponseWriter, r *http.Request) {
	// docs/platforms.md: "the reference documents 409 `conflict`"
	e.account().writeError(w, r, kit.Errorf(http.StatusConflict, "conflict", "Another change to the app is under way."))
}

// Intrude implements sandbox.Intruder: by hand, somebody releases another slug
// on the target's app.
func (e *Emulator) Intrude(target string) error {
	a, err := kit.Named(e.Targets, target, e.State.Apps)
	if err != nil {
		return err
	}
	acc := e.account()
	s := acc.addSlug(acc.newID("slug"), a, acc.now, built{Comment: "by hand, past the pipeline"})
	acc.release(a, s, "Deploy "+short(s.ID))
	return nil
}

// The emulator's own faults.
const (
	faultFail   = kit.Fail // the target's release phase fails
	faultHang   = kit.Hang // the target's release phase never ends
	faultReject = "reject" // Heroku refuses the one target of a promotion
	faultLate   = "late"   // the target's release becomes visible only after 20 s
)

// lateBy is how late a release with the fault late becomes visible.
const lateBy = 20 * time.Second

// refusals are the API's answers for the faults of the same name.
//
// docs/platforms.md: "unauthorized 401, delinquent 402, forbidden/suspended 403"
// docs/platforms.md: "`two_factor` 403 asks for `Heroku-Two-Factor-Code`"
func refusals() map[sandbox.FaultKind]error {
	return map[sandbox.FaultKind]error{
		"unauthorized":  errUnauthorized,
		"delinquent":    kit.Errorf(http.StatusPaymentRequired, "delinquent", "You have an unpaid balance. Please pay it to continue."),
		"suspended":     kit.Errorf(http.StatusForbidden, "suspended", "The app is suspended."),
		"two-factor":    kit.Errorf(http.StatusForbidden, "two_factor", "A second authentication factor or pre-authorization is required for this request. Your account has either two-factor or a Yubikey registered."),
		"unprocessable": invalid("The request could not be understood."),
	}
}
