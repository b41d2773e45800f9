// Package sandbox serves deployment platforms' APIs on loopback, for
// rehearsals and tests: real requests, real refusals, no account.
//
// One [Emulator] imitates one platform, on the recorded facts of
// docs/platforms.md alone: it shares no code with the drivers, so that both
// cannot hold the same wrong belief. [Start] puts each emulator behind a
// loopback listener, seeds it from pipeline files, keeps its state in a folder
// that several processes may share, journals every request, and spoils the
// requests that a [Fault] names.
//
// A new platform is a folder below this one with an Emulator, and a line in
// all/. Its state is one struct that Save and Restore marshal; the core does
// the rest: locking, persistence, faults, journal.
package sandbox

import (
	"net/http"

	"sluice/pipeline"
)

// Emulator is one platform's API.
//
// The server calls the methods of one emulator one at a time, Restore before
// and Save after each request: an emulator needs no lock, must not block, and
// keeps nothing that matters outside of what Save returns, except what Seed
// learned about the targets.
type Emulator interface {
	// ServeHTTP is the API itself. A 2xx answer to a request that Classify
	// calls a change means that the change took effect.
	http.Handler

	// Platform is its key in the pipeline file.
	Platform() string

	// Env is what unmodified clients need in their environment to reach the
	// API at base ("http://127.0.0.1:PORT"), by their own names. Credentials
	// are visible dummies.
	Env(base string) map[string]string

	// Seed learns p's targets on this platform and makes the resources that
	// they name. What exists already stays as it is. Equal pipelines seed
	// equal resources.
	Seed(p *pipeline.Pipeline) error

	// Save returns the whole state as JSON: equal states as equal bytes.
	Save() ([]byte, error)

	// Restore replaces the whole state by one that Save returned. What Seed
	// learned about the targets stays.
	Restore(state []byte) error

	// Classify says what a request is about, before it is served. It changes
	// nothing.
	Classify(r *http.Request, body []byte) Action

	// Refuse answers r as the platform would when it throttles, breaks or
	// denies, in its own shape.
	Refuse(w http.ResponseWriter, r *http.Request, why Refusal)
}

// Mover is an emulator that knows whether reading moved anything on, such as an
// operation that is over when it was looked at often enough. The state of any other
// is kept after every read.
type Mover interface {
	// Moved reports whether what was read since it was last asked changed the
	// state.
	Moved() bool
}

// Intruder is an emulator that knows the fault kind "foreign".
type Intruder interface {
	// Intrude changes target as somebody else might, past Sluice.
	Intrude(target string) error
}

// Busier is an emulator that knows the fault kind "busy": its platform has words for
// it.
type Busier interface {
	// Busy refuses r as the platform does while somebody else is changing the same
	// thing. Nothing happened.
	Busy(w http.ResponseWriter, r *http.Request)
}

// Faulter is an emulator with fault kinds of its own, such as "fail" (the
// platform's operation ends in failure) and "hang" (it never ends). When one
// applies to a request, [FaultOf] tells the handler.
type Faulter interface {
	FaultKinds() []string
}

// Action is what a request is about.
type Action struct {
	// Targets are the pipeline targets that it touches. Empty means a resource
	// that no pipeline names: the platform's key then stands for it.
	Targets []string
	// Kind is a kind of effect in the driver's words ("weight", "deploy", …),
	// Read, or Other.
	Kind string
}

// The kinds of actions that are no effect of the drivers.
const (
	Read  = "read"  // changes nothing
	Other = "other" // changes something that no driver changes
)

// ReadOrOther is the kind of a request that is no effect of the drivers.
func ReadOrOther(r *http.Request) string {
	if r.Method == http.MethodGet {
		return Read
	}
	return Other
}

// kinds are the kinds of actions that a fault can name: the drivers' effects,
// as docs/design.md has them, and the two above.
func kinds() []string {
	return []string{
		"deploy", "weight", "stable", "disable", "rollback", "approve", "reject",
		"advance", "retryJob", "ignoreJob", "cancel", "terminate",
		"host", "route", "unroute", "unhost", Read, Other,
	}
}

// Refusal is why a request is refused before it can take effect.
type Refusal string

// The refusals.
const (
	Throttle Refusal = "throttle" // too many requests; nothing happened
	Broken   Refusal = "error"    // the platform's own internal error
	Denied   Refusal = "deny"     // the caller may not do this
)
