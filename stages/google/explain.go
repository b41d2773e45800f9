package google

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/api/googleapi"

	"sluice/stages/driver"
)

const (
	remedyCredentials = "give the job credentials: permissions id-token: write and google-github-actions/auth, or GOOGLE_APPLICATION_CREDENTIALS"
	remedyTrust       = "the endpoint's certificate is not trusted: check the endpoint and the machine's certificates"
)

// Remedies are what a platform's users can do about its refusals.
type Remedies struct{ Denied, NotFound string }

// InvalidError is a mistake in a call or in the configuration: nothing was sent.
type InvalidError struct {
	Text   string
	Remedy string
}

// Error is the mistake.
func (e *InvalidError) Error() string { return e.Text }

// NotFoundError means that the platform has no such thing, where it did not say
// so by itself.
type NotFoundError struct{ Text string }

// Error says what is not there.
func (e *NotFoundError) Error() string { return e.Text }

// BusyError means that somebody else is changing the resource: nothing was sent,
// and later it may be.
type BusyError struct{ Text string }

// Error says who is at work on what.
func (e *BusyError) Error() string { return e.Text }

// Explain classifies what [Client] returns. An error it does not know is Unknown.
func Explain(err error, r Remedies) driver.Explanation {
	if e, ok := errors.AsType[*InvalidError](err); ok {
		return driver.Explanation{Code: driver.Invalid, Remedy: e.Remedy}
	}
	if _, ok := errors.AsType[*BusyError](err); ok {
		return driver.Explanation{Code: driver.Retryable, Busy: true}
	}
	if e, ok := errors.AsType[*UnsupportedError](err); ok {
		return driver.Explanation{Code: driver.Unsupported, Remedy: e.Remedy}
	}
	if _, ok := errors.AsType[*NotFoundError](err); ok {
		return driver.Explanation{Code: driver.NotFound, Remedy: r.NotFound}
	}
	if e, ok := errors.AsType[*credentialsError](err); ok {
		return explainCredentials(e)
	}
	if e, ok := errors.AsType[*AnswerError](err); ok {
		return driver.Explanation{Code: driver.Lost, Message: e.Error()}
	}
	if e, ok := errors.AsType[*googleapi.Error](err); ok {
		return explainAnswer(e, r)
	}
	return explainTransport(err)
}

// explainCredentials is about a request that was never sent for want of a token.
// Only a refusal, or credentials that are not there, need a person.
func explainCredentials(e *credentialsError) driver.Explanation {
	if e.later {
		return driver.Explanation{Code: driver.Retryable, Message: e.Error()}
	}
	return driver.Explanation{Code: driver.Denied, Message: e.Error(), Remedy: cmp.Or(e.remedy, remedyCredentials)}
}

// explainTransport is about an error without an answer: only where no
// connection came about is it certain that nothing was sent.
func explainTransport(err error) driver.Explanation {
	sent, isSent := errors.AsType[*url.Error](err)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return driver.Explanation{Code: driver.Invalid, Remedy: remedyTrust}
	}
	dial, isNet := errors.AsType[*net.OpError](err)
	_, isDNS := errors.AsType[*net.DNSError](err)
	switch {
	case isDNS || isNet && dial.Op == "dial":
		return driver.Explanation{Code: driver.Retryable}
	case errors.Is(err, context.Canceled):
		return driver.Explanation{Code: driver.Lost, Message: "interrupted before Google answered"}
	case isSent:
		return driver.Explanation{Code: driver.Lost, Message: "no answer: " + sent.Error()}
	default:
		return driver.Explanation{Code: driver.Unknown}
	}
}

// answer is what an error's body says beside what [googleapi.Error] keeps.
type answer struct {
	Error struct {
		Status  string   `json:"status"`
		Details []detail `json:"details"`
	} `json:"error"`
}

type detail struct {
	RequestID string `json:"requestId"`
	Reason    string `json:"reason"`
}

// explainAnswer is about a refusal: Google's status where it gives one, else
// HTTP's.
func explainAnswer(e *googleapi.Error, r Remedies) driver.Explanation {
	var body answer
	json.Unmarshal([]byte(e.Body), &body) //nolint:errcheck // a body of another shape says nothing more
	x := driver.Explanation{Code: codeOf(e, body), Message: e.Message}
	if x.Message == "" {
		x.Message = "HTTP " + strconv.Itoa(e.Code) + " " + http.StatusText(e.Code)
	}
	if body.Error.Status != "" {
		x.Message = body.Error.Status + ": " + x.Message
	}
	for _, d := range body.Error.Details {
		x.RequestID = cmp.Or(x.RequestID, d.RequestID)
	}
	x.Busy, x.Stale = isBusy(e, body), e.Code == http.StatusPreconditionFailed
	switch x.Code {
	case driver.Retryable:
		x.RetryAfter = RetryAfter(e)
	case driver.Denied:
		x.Remedy = r.Denied
		if e.Code == http.StatusUnauthorized {
			x.Remedy = remedyCredentials
		}
	case driver.NotFound:
		x.Remedy = r.NotFound
	}
	return x
}

func codeOf(e *googleapi.Error, body answer) driver.Code {
	switch {
	case e.Code == http.StatusTooManyRequests || overQuota(e, body) || isBusy(e, body):
		return driver.Retryable
	case e.Code == http.StatusPreconditionFailed:
		return driver.Retryable // a spent fingerprint or etag: the request was not carried out
	case e.Code == http.StatusUnauthorized || e.Code == http.StatusForbidden:
		return driver.Denied
	case e.Code == http.StatusNotFound:
		return driver.NotFound
	case e.Code == http.StatusConflict || body.Error.Status == "FAILED_PRECONDITION":
		return driver.Conflict
	case e.Code == http.StatusRequestTimeout:
		return driver.Lost
	case e.Code >= 400 && e.Code < 500:
		return driver.Invalid
	default:
		return driver.Lost
	}
}

// isBusy reports whether a refusal says that another change is under way:
//   - ABORTED, "typically due to a concurrency issue": the request is to be tried
//     again as a whole (google.rpc.Code, google/rpc/code.proto);
//   - resourceInUse, or the words of the older APIs: "Resource '…' has an ongoing
//     conflicting operation" (seen by serverless/serverless#4738).
func isBusy(e *googleapi.Error, body answer) bool {
	return body.Error.Status == "ABORTED" || e.Code == http.StatusConflict &&
		(HasReason(e, "resourceInUse") || strings.Contains(e.Message, "ongoing conflicting operation"))
}

// overQuota reports whether a 403 only says that there were too many requests.
func overQuota(e *googleapi.Error, body answer) bool {
	reasons := []string{"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "RATE_LIMIT_EXCEEDED"}
	if e.Code != http.StatusForbidden {
		return false
	}
	return slices.ContainsFunc(e.Errors, func(item googleapi.ErrorItem) bool { return slices.Contains(reasons, item.Reason) }) ||
		slices.ContainsFunc(body.Error.Details, func(d detail) bool { return slices.Contains(reasons, d.Reason) })
}

// RetryAfter is an answer's word on when to ask again; 0 where it has none.
func RetryAfter(err error) time.Duration {
	e, ok := errors.AsType[*googleapi.Error](err)
	if !ok {
		return 0
	}
	return driver.RetryAfter(e.Header.Get("Retry-After"), time.Time{})
}

// IsStatus reports whether err is an answer with the HTTP status.
func IsStatus(err error, status int) bool {
	e, ok := errors.AsType[*googleapi.Error](err)
	return ok && e.Code == status
}

// HasReason reports whether err is an answer with one of Google's older reasons.
func HasReason(err error, reason string) bool {
	e, ok := errors.AsType[*googleapi.Error](err)
	return ok && slices.ContainsFunc(e.Errors, func(item googleapi.ErrorItem) bool { return item.Reason == reason })
}
