package apigateway

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"sluice/stages/driver"
)

const (
	remedyCredentials = "give the job credentials: permissions id-token: write and aws-actions/configure-aws-credentials, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	remedyRights      = "allow the role apigateway:GET on the stage and its API's deployments, apigateway:PATCH on the stage, and for --release new apigateway:POST on the deployments"
	remedyExpired     = "the credentials are no longer valid: run aws-actions/configure-aws-credentials in this job, shortly before"
	remedyNotFound    = "check the target's restApi, stage and region, and the release, against what AWS shows"
	remedyRelease     = "give a deployment of the target's own REST API"
	remedyConflict    = "look at the stage: it is in a state that refuses the change"
	remedyRedirect    = "the endpoint redirects, which is not followed: where that lasts, check the AWS endpoint and the region"
	remedyTrust       = "the endpoint's certificate is not trusted: check the AWS endpoint, or set AWS_CA_BUNDLE"
)

// invalidError is a mistake of ours or in the configuration: nothing was sent.
type invalidError struct{ text, remedy string }

func (e *invalidError) Error() string { return e.text }

// unexpectedError is an update that AWS accepted with a stage that was not predicted.
type unexpectedError struct{ difference, requestID string }

func (e *unexpectedError) Error() string {
	return "the stage that AWS answered is not the one that was asked for: " + e.difference
}

// Explain classifies what the SDK and this driver return.
func (g *gateway) Explain(err error) driver.Explanation {
	if x, ok := explainOurs(err); ok {
		return x
	}
	x := explainTransport(err)
	if sent, ok := errors.AsType[*url.Error](err); ok {
		x.Message = "no answer: " + sent.Error()
	}
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok && response.HTTPStatusCode() != 0 {
		x = explainStatus(response) // without a status it is only the SDK's wrapping of what the transport said
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		x.Message = api.ErrorCode() + ": " + api.ErrorMessage()
		explainCode(&x, api.ErrorCode(), api.ErrorMessage())
	}
	if op, ok := errors.AsType[*smithy.OperationError](err); ok && x.Message != "" {
		x.Message = op.Operation() + ": " + x.Message
	}
	return x
}

func explainOurs(err error) (driver.Explanation, bool) {
	if e, ok := errors.AsType[*invalidError](err); ok {
		return driver.Explanation{Code: driver.Invalid, Remedy: e.remedy}, true
	}
	if _, ok := errors.AsType[*noReleaseError](err); ok {
		return driver.Explanation{Code: driver.NotFound, Remedy: "make one (`--release new`)"}, true
	}
	if _, ok := errors.AsType[*noOperationsError](err); ok {
		return driver.Explanation{Code: driver.Unsupported, Remedy: "look at what runs there (`sluice status`)"}, true
	}
	if e, ok := errors.AsType[*unexpectedError](err); ok {
		return driver.Explanation{Code: driver.Lost, RequestID: e.requestID}, true
	}
	if e, ok := errors.AsType[*unbelievableError](err); ok {
		return driver.Explanation{Code: driver.Lost, RequestID: e.requestID, Remedy: remedyUnbelievable}, true
	}
	if e, ok := errors.AsType[*credentialsError](err); ok {
		return driver.Explanation{Code: driver.Denied, Message: e.Error(), Remedy: remedyCredentials}, true
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
func explainStatus(response *awshttp.ResponseError) driver.Explanation {
	x := driver.Explanation{Code: driver.Lost, RequestID: response.ServiceRequestID()}
	switch status := response.HTTPStatusCode(); {
	case status == http.StatusTooManyRequests:
		x.Code, x.RetryAfter = driver.Retryable, retryAfter(response)
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		x.Code, x.Remedy = driver.Denied, remedyRights
	case status == http.StatusNotFound:
		x.Code, x.Remedy = driver.NotFound, remedyNotFound
	case status == http.StatusConflict:
		x.Code, x.Remedy = driver.Conflict, remedyConflict
	case status >= 400 && status < 500:
		x.Code = driver.Invalid
	case status >= 300 && status < 400:
		x.Remedy = remedyRedirect // lost: API Gateway does not redirect, so something else answered
	}
	return x
}

func retryAfter(response *awshttp.ResponseError) time.Duration {
	if response.Response == nil {
		return 0
	}
	seconds, err := strconv.Atoi(response.Response.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// busy is what API Gateway says while it carries out another change to the same
// API, which it does one by one: with ConflictException (409), and with
// BadRequestException (400) before 2020 and still now and then. Nothing was
// changed, and the message itself is "…Please try again later."
// (hashicorp/terraform-provider-aws#776 and #16439 retry it,
// carlnordenfelt/aws-api-gateway-for-cloudformation#27 records the 400).
const busy = "due to concurrent modification"

// explainCode refines by AWS's own words, where the status hides what they say.
func explainCode(x *driver.Explanation, code, message string) {
	if strings.Contains(message, busy) {
		x.Code, x.Busy, x.Remedy = driver.Retryable, true, ""
		return
	}
	switch code {
	case "BadRequestException":
		if message == "Deployment id does not exist" {
			x.Code, x.Remedy = driver.NotFound, remedyRelease
		}
	case "TooManyRequestsException", "ThrottlingException", "Throttling", "ThrottledException", "LimitExceededException":
		x.Code, x.Remedy = driver.Retryable, ""
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch",
		"IncompleteSignatureException", "MissingAuthenticationTokenException", "MissingAuthenticationToken":
		x.Code, x.Remedy = driver.Denied, remedyCredentials
	case "ExpiredTokenException", "ExpiredToken", "RequestExpired":
		x.Code, x.Remedy = driver.Denied, remedyExpired
	case "UnauthorizedException", "AccessDeniedException", "AccessDenied", "NotAuthorized", "OptInRequired":
		x.Code, x.Remedy = driver.Denied, remedyRights
	}
}
