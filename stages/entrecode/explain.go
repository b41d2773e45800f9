package entrecode

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"sluice/stages/driver"
)

// missing is what the platform does not have, or does not show.
type missing struct {
	what   string // "app", "platform", "build", "deployment", …
	id     string
	where  string // what was searched; "" for the app server itself
	remedy string
	unsure bool  // no relation leads there: that may be for want of a right, or of a whole answer
	err    error // the platform's own answer, where it gave one
}

// Error says what is missing where, and the platform's words on it.
func (e *missing) Error() string {
	text := strings.TrimSpace(fmt.Sprintf("no %s %s", e.what, e.id))
	if e.where != "" {
		text += " in " + e.where
	}
	if e.err != nil {
		text += ": " + e.err.Error()
	}
	return text
}

// Unwrap gives the platform's own answer.
func (e *missing) Unwrap() error { return e.err }

// mismatch is an answer to an effect that is not what was asked for.
type mismatch struct{ text string }

// Error says what differs.
func (e *mismatch) Error() string { return e.text }

// invalid is a target or a call that cannot be right, whatever the platform says.
type invalid struct{ text string }

// Error says what is wrong.
func (e *invalid) Error() string { return e.text }

// Explain implements driver.Driver.
func (p *platform) Explain(err error) driver.Explanation {
	if x, ok := explainOwn(err); ok {
		return x
	}
	if e, ok := errors.AsType[*problem](err); ok {
		return e.explain()
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return explainTransport(e)
	}
	if e, ok := errors.AsType[*unreadable](err); ok {
		if e.method != http.MethodGet {
			return driver.Explanation{Code: driver.Lost}
		}
		return driver.Explanation{Code: driver.Unknown, Remedy: "check that " + endpointVariable + " is the App Manager's entry point"}
	}
	return driver.Explanation{Code: driver.Unknown}
}

// explainOwn explains the errors that the driver itself makes. What is missing
// is said together with the request id of the answer that said so.
func explainOwn(err error) (driver.Explanation, bool) {
	if e, ok := errors.AsType[*unsupported](err); ok {
		return driver.Explanation{Code: driver.Unsupported, Remedy: e.remedy}, true
	}
	if e, ok := errors.AsType[*missing](err); ok {
		x := driver.Explanation{Code: driver.NotFound, Remedy: e.remedy}
		if e.unsure {
			x.Code = driver.Unknown
		}
		if answer, ok := errors.AsType[*problem](e.err); ok {
			x.RequestID = answer.requestID
		}
		return x, true
	}
	if _, ok := errors.AsType[*mismatch](err); ok {
		return driver.Explanation{Code: driver.Lost}, true
	}
	if _, ok := errors.AsType[*invalid](err); ok {
		return driver.Explanation{Code: driver.Invalid}, true
	}
	if _, ok := errors.AsType[*offHostError](err); ok {
		return driver.Explanation{Code: driver.Unknown, Remedy: "set " + endpointVariable + " to the address that the platform's own links use"}, true
	}
	return driver.Explanation{}, false
}

// explain classifies an error answer. The document's code tells more than the
// status: missing rights come with 401, 403 or 405.
func (p *problem) explain() driver.Explanation {
	x := driver.Explanation{Code: p.classify(), RequestID: p.requestID}
	switch {
	case x.Code == driver.Retryable:
		x.RetryAfter = p.retryAfter
	case x.Code == driver.Unknown, x.Code == driver.Lost:
		x.Remedy = "check " + endpointVariable + " and what stands between"
	case x.Code != driver.Denied:
	case p.is(402):
		x.Remedy = "the access token is outdated; " + tokenRemedy
	case p.is(500, 510, 511):
		x.Remedy = "the account's plan does not allow it; ask its owner for another one"
	case p.is(410, 411, 470, 471):
		x.Remedy = "give the account of " + tokenVariable + " the right to it"
	default:
		x.Remedy = tokenRemedy
	}
	return x
}

func (p *problem) classify() driver.Code {
	switch {
	case p.status == http.StatusTooManyRequests:
		return driver.Retryable
	case p.status == http.StatusUnauthorized, p.status == http.StatusForbidden, p.is(411):
		return driver.Denied
	case p.method != http.MethodGet && (!p.own || p.status == http.StatusRequestTimeout || p.status >= 500):
		return driver.Lost
	case p.status == http.StatusRequestTimeout, p.status >= 500:
		return driver.Retryable
	case !p.own:
		return driver.Unknown
	case p.status == http.StatusNotFound, p.status == http.StatusGone:
		return driver.NotFound
	case p.status == http.StatusConflict, p.status == http.StatusPreconditionFailed, p.status == http.StatusLocked:
		return driver.Conflict
	case p.status >= 400:
		return driver.Invalid
	default:
		return driver.Unknown
	}
}

// explainTransport explains a request without an answer. Only where the
// connection never came about, or where nothing but reading was asked for, is
// it certain that nothing happened.
func explainTransport(err *url.Error) driver.Explanation {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return driver.Explanation{Code: driver.Invalid, Remedy: "check " + endpointVariable + " and the certificates that this machine trusts"}
	}
	op, ok := errors.AsType[*net.OpError](err)
	dialled := !ok || !slices.Contains([]string{"dial", "proxyconnect"}, op.Op)
	if dialled && !strings.EqualFold(err.Op, http.MethodGet) {
		return driver.Explanation{Code: driver.Lost}
	}
	return driver.Explanation{Code: driver.Retryable}
}
