package apigateway_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"sluice/stages"
	"sluice/stages/driver"
)

// counting counts what goes through it.
type counting struct{ requests int }

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.requests++
	return http.DefaultTransport.RoundTrip(r)
}

// answering gives every PATCH the answer, and lets everything else through.
type answering func(*http.Request) (*http.Response, error)

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPatch {
		return a(r)
	}
	return http.DefaultTransport.RoundTrip(r)
}

func answer(status int, name, body string, headers ...string) answering {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{"X-Amzn-Requestid": {"request-1"}, "Content-Type": {"application/json"}}
		if name != "" {
			h.Set("X-Amzn-ErrorType", name)
		}
		for i := 0; i < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(bytes.NewBufferString(body)), Request: r}, nil
	}
}

func TestExplains(t *testing.T) {
	message := `{"message": "the vendor's words"}`
	tests := []struct {
		name     string
		patch    answering
		code     driver.Code
		contains string
	}{
		{"bad request", answer(400, "BadRequestException", message), driver.Invalid, "UpdateStage: BadRequestException: the vendor's words (request id request-1)"},
		{"unknown deployment", answer(400, "BadRequestException", `{"message": "Deployment id does not exist"}`), driver.NotFound, "own REST API"},
		{"not found", answer(404, "NotFoundException", message), driver.NotFound, "check the target's restApi"},
		{"conflict", answer(409, "ConflictException", message), driver.Conflict, "refuses the change"},
		{"unauthorized", answer(401, "UnauthorizedException", message), driver.Denied, "apigateway:PATCH"},
		{"access denied", answer(403, "AccessDeniedException", message), driver.Denied, "apigateway:PATCH"},
		{"bad signature", answer(403, "InvalidSignatureException", message), driver.Denied, "configure-aws-credentials"},
		{"expired", answer(403, "ExpiredTokenException", message), driver.Denied, "no longer valid"},
		{"throttled", answer(429, "TooManyRequestsException", message), driver.Retryable, "the vendor's words"},
		{"throttled as a bad request", answer(400, "ThrottlingException", message), driver.Retryable, "the vendor's words"},
		{"throttled without words", answer(429, "", ""), driver.Retryable, "request-1"},
		{"broken", answer(500, "InternalServerException", message), driver.Lost, "the vendor's words"},
		{"unavailable", answer(503, "ServiceUnavailableException", message), driver.Lost, "the vendor's words"},
		{"redirected", answer(307, "", "", "Location", "http://192.0.2.1/"), driver.Lost, "redirects"},
		{"not JSON", answer(200, "", "<html>"), driver.Lost, "UpdateStage"},
		{"another stage", answer(200, "", `{"deploymentId": "d9", "stageName": "prod"}`), driver.Lost, "the stage runs deployment d9, not"},
		{"cut", func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }, driver.Lost, "no answer: Patch"},
		{"never connected", func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
		}, driver.Retryable, "connection refused"},
		{"untrusted", func(*http.Request) (*http.Response, error) {
			return nil, &tls.CertificateVerificationError{Err: errors.New("unknown authority")}
		}, driver.Invalid, "AWS_CA_BUNDLE"},
		{"no such host", func(*http.Request) (*http.Response, error) {
			return nil, &net.DNSError{Name: "apigateway.invalid", Err: "no such host"}
		}, driver.Retryable, "no such host"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			p := place(t, r.Harness, nil, tt.patch, target("prod"))
			prepared, err := p.Prepare(t.Context(), call(driver.Deploy, change(r.new)))
			r.must(err)
			_, err = p.Begin(t.Context(), prepared.Call)
			if stages.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.contains) {
				t.Errorf("%v (%s)\nwant %s with %q", err, stages.CodeOf(err), tt.code, tt.contains)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a line: %q", err)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	for header, want := range map[string]string{"7": "7s", "": "0s", "soon": "0s", "-1": "0s"} {
		r := newRig(t)
		p := place(t, r.Harness, nil, answer(429, "TooManyRequestsException", `{}`, "Retry-After", header), target("prod"))
		prepared, err := p.Prepare(t.Context(), call(driver.Deploy, change(r.new)))
		r.must(err)
		_, err = p.Begin(t.Context(), prepared.Call)
		if e, ok := errors.AsType[*stages.Error](err); !ok || e.RetryAfter.String() != want {
			t.Errorf("Retry-After %q: %+v, want %s", header, e, want)
		}
	}
}

// Somebody else is changing the same API: both forms of the answer change
// nothing, say so themselves, and are no verdict on the release.
func TestSomebodyElseIsChangingIt(t *testing.T) {
	const message = `{"message": "Unable to complete operation due to concurrent modification. Please try again later."}`
	for status, name := range map[int]string{409: "ConflictException", 400: "BadRequestException"} {
		r := newRig(t)
		p := place(t, r.Harness, nil, answer(status, name, message), target("prod"))
		prepared, err := p.Prepare(t.Context(), call(driver.Deploy, change(r.new)))
		r.must(err)
		_, err = p.Begin(t.Context(), prepared.Call)
		e, ok := errors.AsType[*stages.Error](err)
		if !ok || e.Code != driver.Retryable || !e.Busy || e.Stale || !strings.Contains(err.Error(), "concurrent modification. Please try again later. (request id request-1)") {
			t.Errorf("%d %s: %+v", status, name, e)
		}
		if op, err := r.prod.Begin(t.Context(), prepared.Call); err != nil || op.Results["prod"].Outcome != driver.Succeeded {
			t.Errorf("%d %s: the same call later: %+v, %v", status, name, op.Results, err)
		}
	}
}

func TestConfiguration(t *testing.T) {
	bare := target("prod")
	bare.Config = []byte(`{"restApi": "a1b2c3d4e5", "stage": "prod"}`)
	broken, empty := bare, bare
	broken.Config, empty.Config = []byte(`[]`), []byte(`{}`)
	none := map[string]string{"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
	// Something that takes the connection for the metadata service and says no.
	metadata := map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1"}
	tests := []struct {
		name     string
		target   driver.Target
		over     map[string]string
		code     driver.Code
		contains string
	}{
		{"region of the environment", bare, nil, "", ""},
		{"no region", bare, none, driver.Invalid, "no AWS region is known; give the target a region, or set AWS_REGION"},
		{"not an object", broken, nil, driver.Invalid, "the target's configuration"},
		{"no API", empty, nil, driver.Invalid, "names no restApi"},
		{"clear text", bare, map[string]string{"AWS_ENDPOINT_URL_API_GATEWAY": "", "AWS_ENDPOINT_URL": "http://example.com"}, driver.Invalid, "AWS_ENDPOINT_URL: http://example.com would send credentials unencrypted"},
		{"no credentials", bare, metadata, driver.Denied, "no AWS credentials"},
		{"remedy for no credentials", bare, metadata, driver.Denied, "aws-actions/configure-aws-credentials"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t)
			_, err := place(t, h, tt.over, nil, tt.target).Current(t.Context())
			if stages.CodeOf(err) != tt.code || err != nil && !strings.Contains(err.Error(), tt.contains) {
				t.Errorf("%v (%s), want %q with %q", err, stages.CodeOf(err), tt.code, tt.contains)
			}
		})
	}
}

func TestBrokenConfigurationFile(t *testing.T) {
	h := newHarness(t)
	t.Setenv("AWS_PROFILE", "nosuchprofile")
	_, err := place(t, h, nil, nil, target("prod")).Current(t.Context())
	if stages.CodeOf(err) != driver.Invalid || !strings.Contains(err.Error(), "nosuchprofile") {
		t.Errorf("%v (%s)", err, stages.CodeOf(err))
	}
}

// A call that was not prepared, or by something else, is never sent.
func TestUnpreparedCallIsNotSent(t *testing.T) {
	r := newRig(t)
	c := call(driver.Deploy, change(r.new))
	for _, data := range []string{"", "[]", `{"before": {"canarySettings": {"percentTraffic": 200}}}`} {
		c.Data = []byte(data)
		_, err := r.prod.Begin(t.Context(), c)
		if stages.CodeOf(err) != driver.Invalid || r.Effects() != 0 {
			t.Errorf("%q: %v (%s), %d effects", data, err, stages.CodeOf(err), r.Effects())
		}
	}
	for _, bad := range []driver.Change{
		{Target: target("prod"), Baseline: []byte(`[]`)},
		{Target: target("prod"), Baseline: raw(t, r.stands("staging")), Expected: []byte(`[]`)},
	} {
		_, err := r.prod.Prepare(t.Context(), call(driver.Rollback, bad))
		if stages.CodeOf(err) != driver.Invalid || !strings.Contains(err.Error(), "is not a stage") {
			t.Errorf("%v (%s)", err, stages.CodeOf(err))
		}
	}
}
