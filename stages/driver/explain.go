package driver

import (
	"fmt"
	"net/netip"
	"net/url"
	"time"
)

// Code classifies an error by what may be done about it.
type Code string

// The codes.
const (
	Unknown     Code = "unknown"     // not classified; treated as Lost after an effect
	Retryable   Code = "retryable"   // provably no effect: 429, a refused dial; the same call may be sent again
	Lost        Code = "lost"        // may have taken effect: look up before anything else
	Invalid     Code = "invalid"     // the platform does not accept the request as it stands
	Denied      Code = "denied"      // credentials missing, wrong or without the permission
	NotFound    Code = "notFound"    // the resource or the release does not exist, or is not visible
	Conflict    Code = "conflict"    // the resource is in a state that refuses the request
	Unsupported Code = "unsupported" // the platform cannot do this at all
)

// Explanation is what a driver knows of an error.
type Explanation struct {
	Code       Code
	Message    string        // the platform's own words, where the error's text wraps more around them; "" means the error's text
	RequestID  string        // the platform's id of the request; "" where it gave none
	Remedy     string        // what the user can do; "" where the message says it
	RetryAfter time.Duration // with Retryable: the platform's word on when; 0 for none
	Busy       bool          // with Retryable: somebody else is changing the resource, and the platform turned us away
	Stale      bool          // with Retryable: what Prepare read is outdated (a spent fingerprint, 412), so that the same call can never be accepted: prepare it anew
}

// OpenError is an error of opening a driver that carries its explanation,
// because no [Driver] exists yet to explain it. Other errors of opening count
// as Invalid: nothing was sent.
type OpenError struct {
	Explanation
	Err error
}

// Error is the cause's text.
func (e *OpenError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *OpenError) Unwrap() error { return e.Err }

// CheckEndpoint refuses an endpoint override that would send credentials in
// clear text: plain http is for loopback alone. name is the environment
// variable that set it.
func CheckEndpoint(name, raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return fmt.Errorf("%s: %q is not a URL with a host; give one such as https://host or http://127.0.0.1:PORT", name, raw)
	}
	switch u.Scheme {
	case "https":
		return nil
	case "http":
		if IsLoopback(u) {
			return nil
		}
		return fmt.Errorf("%s: %s would send credentials unencrypted; use https, plain http is for loopback alone", name, raw)
	default:
		return fmt.Errorf("%s: scheme %q; use https, or http on loopback", name, u.Scheme)
	}
}

// IsLoopback reports whether u's host is this machine itself.
func IsLoopback(u *url.URL) bool {
	if u.Hostname() == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return err == nil && addr.IsLoopback()
}
