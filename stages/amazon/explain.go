package amazon

import (
	"cmp"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"sluice/internal/awssend"
	"sluice/stages/driver"
)

const (
	remedyCredentials  = "give the job credentials: permissions id-token: write and aws-actions/configure-aws-credentials, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	remedyExpired      = "the credentials are no longer valid: run aws-actions/configure-aws-credentials in this job, shortly before"
	remedyRedirect     = "the endpoint redirects, which is not followed: where that lasts, check the AWS endpoint and the region"
	remedyTrust        = "the endpoint's certificate is not trusted: check the AWS endpoint, or set AWS_CA_BUNDLE"
	remedyUnbelievable = "it is asked again; where that lasts, something between here and AWS answers in its place"
)

// Remedies are what a platform's users can do about its refusals.
type Remedies struct{ Denied, NotFound, Conflict string }

// Refine corrects an explanation by AWS's own code and message, where the status
// hides what they say.
type Refine func(x *driver.Explanation, code, message string)

// Explain classifies what the SDK and this package return.
func Explain(err error, r Remedies, refine Refine) driver.Explanation {
	if x, ok := explainOurs(err); ok {
		return x
	}
	x := explainTransport(err)
	if sent, ok := errors.AsType[*url.Error](err); ok {
		x.Message = "no answer: " + sent.Error()
	}
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok && response.HTTPStatusCode() != 0 {
		x = explainStatus(response, r) // without a status it is only the SDK's wrapping of what the transport said
	}
	if _, unread := errors.AsType[*smithy.DeserializationError](err); unread && x.Code != driver.Retryable && x.Remedy != remedyRedirect {
		x.Code, x.Remedy = driver.Lost, remedyUnbelievable // a proxy's 404 looks the same: only AWS's own words say that there is nothing
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		x.Message = api.ErrorCode() + ": " + api.ErrorMessage()
		explainCode(&x, api.ErrorCode(), r)
		refine(&x, api.ErrorCode(), api.ErrorMessage())
	}
	if op, ok := errors.AsType[*smithy.OperationError](err); ok && x.Message != "" {
		x.Message = op.Operation() + ": " + x.Message
	}
	return x
}

func explainOurs(err error) (driver.Explanation, bool) {
	if e, ok := errors.AsType[*InvalidError](err); ok {
		return driver.Explanation{Code: driver.Invalid, Remedy: e.Remedy}, true
	}
	if e, ok := errors.AsType[*NotFoundError](err); ok {
		return driver.Explanation{Code: driver.NotFound, Remedy: e.Remedy, RequestID: e.RequestID}, true
	}
	if e, ok := errors.AsType[*UnsupportedError](err); ok {
		return driver.Explanation{Code: driver.Unsupported, Remedy: e.Remedy}, true
	}
	if e, ok := errors.AsType[*UnexpectedError](err); ok {
		return driver.Explanation{Code: driver.Lost, RequestID: e.RequestID}, true
	}
	if e, ok := errors.AsType[*UnbelievableError](err); ok {
		return driver.Explanation{Code: driver.Lost, RequestID: e.requestID, Remedy: remedyUnbelievable}, true
	}
	if e, ok := errors.AsType[*awssend.CredentialsError](err); ok {
		if e.Later {
			return driver.Explanation{Code: driver.Retryable, Message: e.Error()}, true
		}
		return driver.Explanation{Code: driver.Denied, Message: e.Error(), Remedy: cmp.Or(e.Remedy, remedyCredentials)}, true
	}
	return driver.Explanation{}, false
}

// explainTransport is about an error without an answer: only where no
// connection came about is it certain that nothing was sent.
func explainTransport(err error) driver.Explanation {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return driver.Explanation{Code: driver.Invalid, Remedy: remedyTrust}
	}
	dial, isNet := errors.AsType[*net.OpError](err)
	_, isDNS := errors.AsType[*net.DNSError](err)
	if isDNS || isNet && dial.Op == "dial" {
		return driver.Explanation{Code: driver.Retryable}
	}
	return driver.Explanation{Code: driver.Lost}
}

// explainStatus is about an answer by its status and headers.
func explainStatus(response *awshttp.ResponseError, r Remedies) driver.Explanation {
	x := driver.Explanation{Code: driver.Lost, RequestID: response.ServiceRequestID()}
	switch status := response.HTTPStatusCode(); {
	case status == http.StatusTooManyRequests:
		x.Code, x.RetryAfter = driver.Retryable, retryAfter(response)
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		x.Code, x.Remedy = driver.Denied, r.Denied
	case status == http.StatusNotFound:
		x.Code, x.Remedy = driver.NotFound, r.NotFound
	case status == http.StatusConflict:
		x.Code, x.Remedy = driver.Conflict, r.Conflict
	case status >= 400 && status < 500:
		x.Code = driver.Invalid
	case status >= 300 && status < 400:
		x.Remedy = remedyRedirect // lost: AWS does not redirect these APIs, so something else answered
	}
	return x
}

func retryAfter(response *awshttp.ResponseError) time.Duration {
	if response.Response == nil {
		return 0
	}
	return driver.RetryAfter(response.Response.Header.Get("Retry-After"), time.Time{})
}

// explainCode refines by the codes that all of AWS's services have.
func explainCode(x *driver.Explanation, code string, r Remedies) {
	switch code {
	case "TooManyRequestsException", "ThrottlingException", "Throttling", "ThrottledException", "LimitExceededException":
		x.Code, x.Remedy = driver.Retryable, ""
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch",
		"IncompleteSignatureException", "MissingAuthenticationTokenException", "MissingAuthenticationToken":
		x.Code, x.Remedy = driver.Denied, remedyCredentials
	case "ExpiredTokenException", "ExpiredToken", "RequestExpired":
		x.Code, x.Remedy = driver.Denied, remedyExpired
	case "UnauthorizedException", "AccessDeniedException", "AccessDenied", "NotAuthorized", "OptInRequired":
		x.Code, x.Remedy = driver.Denied, r.Denied
	}
}
