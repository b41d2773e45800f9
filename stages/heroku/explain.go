package heroku

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"sluice/stages/driver"
)

const (
	remedyToken      = "give the job a token: `heroku authorizations:create`, stored as a secret and passed as " + keyVar
	remedyTwoFactor  = "use an authorization token (`heroku authorizations:create --scope global`) as " + keyVar + ": it needs no second factor"
	remedyDelinquent = "the account's bill is unpaid: settle it on Heroku, then run again"
	remedySuspended  = "the app or its account is suspended: ask Heroku's support, then run again"
	remedyVerify     = "the account must be verified on Heroku first"
	remedyRights     = "give the token's account access to the app and its pipeline (deploy and operate permissions in a team)"
	remedyNotFound   = "check the target's app and pipeline, and that the token's account can see them"
	remedyTrust      = "the endpoint's certificate is not trusted: check " + hostVar
	remedyRedirect   = "the endpoint redirects: check " + hostVar
	remedyNotOwn     = "that is no answer of Heroku's API: check " + hostVar + " and what stands between"
)

func explain(err error) driver.Explanation {
	if e, ok := errors.AsType[*unsentError](err); ok {
		return explainUnsent(e)
	}
	if e, ok := errors.AsType[*unsupportedError](err); ok {
		return driver.Explanation{Code: driver.Unsupported, Remedy: e.remedy}
	}
	if e, ok := errors.AsType[*invalidError](err); ok {
		return driver.Explanation{Code: driver.Invalid, Remedy: e.remedy}
	}
	if e, ok := errors.AsType[*absentError](err); ok {
		return driver.Explanation{Code: driver.NotFound, Remedy: e.remedy}
	}
	if e, ok := errors.AsType[*movedError](err); ok {
		return driver.Explanation{Code: driver.Conflict, Remedy: e.remedy}
	}
	if _, ok := errors.AsType[*unexpectedError](err); ok {
		return driver.Explanation{Code: driver.Lost}
	}
	if e, ok := errors.AsType[*strangeError](err); ok {
		return driver.Explanation{Code: driver.Unknown, Remedy: fmt.Sprintf("look at release v%d; a newer version of Sluice may know its status", e.release.Version)}
	}
	if e, ok := errors.AsType[*apiError](err); ok {
		return explainStatus(e)
	}
	if e, ok := errors.AsType[*lostError](err); ok {
		return explainLost(e)
	}
	return driver.Explanation{Code: driver.Unknown}
}

// explainUnsent is about an error from before the effect was sent: what may be
// repeated at all may be repeated safely.
func explainUnsent(e *unsentError) driver.Explanation {
	x := explain(e.err)
	if x.Code == driver.Lost || x.Code == driver.Unknown {
		x.Code = driver.Retryable
	}
	return x
}

// explainLost is about a request without an answer. Reading has no effect; of
// an effect that is certain only where no connection came about.
func explainLost(e *lostError) driver.Explanation {
	x := driver.Explanation{Code: driver.Lost, RequestID: e.id}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](e.err); ok {
		x.Code, x.Remedy = driver.Invalid, remedyTrust
		return x
	}
	dial, isNet := errors.AsType[*net.OpError](e.err)
	_, isDNS := errors.AsType[*net.DNSError](e.err)
	switch {
	case isDNS || isNet && dial.Op == "dial":
		x.Code, x.RequestID = driver.Retryable, "" // nobody got it
	case e.garbled && !e.request.effect:
		x.Code = driver.Unknown
	case !e.request.effect:
		x.Code = driver.Retryable
	case errors.Is(e.err, context.Canceled):
		x.Message = "interrupted before Heroku answered"
	}
	return x
}

// explainStatus is about an answer by its status and Heroku's own id for it.
func explainStatus(e *apiError) driver.Explanation {
	x := driver.Explanation{Code: driver.Invalid, Message: e.Error(), RequestID: e.requestID}
	switch s := e.status; {
	case s == http.StatusTooManyRequests:
		x.Code, x.RetryAfter = driver.Retryable, e.retryAfter
	case s == http.StatusUnauthorized:
		x.Code, x.Remedy = driver.Denied, remedyToken
	case s == http.StatusForbidden:
		x.Code, x.Remedy = driver.Denied, remedyRights
	case s >= 500 || s == http.StatusRequestTimeout:
		x.Code, x.RetryAfter = e.request.unanswered(), e.retryAfter
	case !e.own && s < 400:
		x.Code, x.Remedy = e.request.unanswered(), remedyRedirect
	case !e.own:
		x.Code, x.Remedy = e.request.unanswered(), remedyNotOwn
	default:
		explainRefusal(&x, e)
	}
	explainID(&x, e.id)
	return x
}

// explainRefusal is about what only Heroku's own words prove: that something is
// not there, or that it is not to be had.
func explainRefusal(x *driver.Explanation, e *apiError) {
	switch e.status {
	case http.StatusPaymentRequired:
		x.Code, x.Remedy = driver.Denied, remedyDelinquent
	case http.StatusNotFound:
		x.Code, x.Remedy = driver.NotFound, remedyNotFound
	case http.StatusConflict:
		// The API reference has no list of conflicts; what is recorded says that
		// something else is under way on the app. Nothing was changed.
		x.Code, x.Busy = driver.Retryable, true
	case http.StatusMultipleChoices:
		x.Remedy = choiceRemedy(e.choices)
	}
}

// explainID refines by Heroku's own id, which says more than the status.
func explainID(x *driver.Explanation, id string) {
	switch id {
	case "two_factor":
		x.Code, x.Remedy = driver.Denied, remedyTwoFactor
	case "delinquent":
		x.Code, x.Remedy = driver.Denied, remedyDelinquent
	case "suspended":
		x.Code, x.Remedy = driver.Denied, remedySuspended
	case "verification_needed", "verification_required":
		x.Code, x.Remedy = driver.Denied, remedyVerify
	}
}

// notFound reports whether err is the API's answer that there is no such thing.
func notFound(err error) bool { return explain(err).Code == driver.NotFound }

// invisible reports whether err is about one resource that the token cannot see
// or use, rather than about the token.
func invisible(err error) bool {
	e, ok := errors.AsType[*apiError](err)
	return ok && e.own && (e.status == http.StatusNotFound || e.status == http.StatusForbidden && e.id != "two_factor")
}

// choiceRemedy lists what an ambiguous name may mean.
func choiceRemedy(choices []pipeline) string {
	var said []string
	for _, p := range choices {
		said = append(said, fmt.Sprintf("%s (created %s)", p.ID, p.CreatedAt.UTC().Format(time.DateOnly)))
	}
	return "name the pipeline by its id: " + strings.Join(said, " or ")
}
