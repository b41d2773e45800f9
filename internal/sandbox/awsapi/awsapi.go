// Package awsapi is what emulators of Amazon's APIs have in common: who calls, in
// which region, and how a refusal is answered in the JSON protocols.
package awsapi

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/kit"
)

// The credentials that [Env] gives to clients. Any access key id but
// RejectedKeyID is accepted; signatures are not verified.
const (
	dummyKeyID  = "SANDBOXDUMMYKEY"
	dummySecret = "sandbox-dummy-not-a-secret"

	// RejectedKeyID is an access key id that the emulators do not know, so that
	// wrong credentials can be tried.
	RejectedKeyID = "INVALID"

	// Account is the AWS account that everything here belongs to.
	Account = "000000000000"

	// DefaultRegion is the region of clients where no pipeline names one.
	DefaultRegion = "us-east-1"
)

// Env is what clients need to reach a service at base. service is its name in
// AWS_ENDPOINT_URL_….
func Env(service, base, region string) map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL_" + service: base,
		"AWS_ACCESS_KEY_ID":           dummyKeyID,
		"AWS_SECRET_ACCESS_KEY":       dummySecret,
		"AWS_SESSION_TOKEN":           "", // a real one must not be sent along
		"AWS_REGION":                  region,
		"AWS_DEFAULT_REGION":          region,
		"AWS_EC2_METADATA_DISABLED":   "true",
	}
}

// Refused is the answer of a service to a request that is spoiled. action and
// resource say what the caller may not do.
func Refused(why sandbox.Refusal, action, resource string) error {
	switch why {
	case sandbox.Throttle:
		// docs/platforms.md: "throttling is 429 TooManyRequestsException"
		return kit.Errorf(http.StatusTooManyRequests, "TooManyRequestsException", "Too Many Requests")
	case sandbox.Denied:
		return kit.Errorf(http.StatusForbidden, "AccessDeniedException",
			"User: arn:aws:iam::%s:user/sandbox is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
			Account, action, resource, action)
	default:
		return kit.Errorf(http.StatusInternalServerError, "InternalFailure", "Internal failure")
	}
}

// Write answers with body, without one where it is nil.
func Write(w http.ResponseWriter, status int, contentType string, body any) {
	w.Header().Set("X-Amzn-RequestId", uuid.NewString())
	if body != nil {
		kit.WriteJSON(w, status, contentType, body)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
}

// WriteError answers with err as the REST JSON protocol does.
func WriteError(w http.ResponseWriter, err error) {
	e := Of(err)
	body := map[string]string{"message": e.Message}
	for name, value := range e.Fields {
		body[name] = value
	}
	// docs/platforms.md: "errors are `X-Amzn-ErrorType` + `{"message"}`"
	w.Header().Set("X-Amzn-ErrorType", e.Name)
	Write(w, e.Status, "application/json", body)
}

// Of is err as an answer, an internal failure where it is none.
func Of(err error) *kit.Error { return kit.ErrorOf(err, "InternalFailure") }

// Region authenticates the caller and reads the region that the request means from
// the scope of its AWS Signature Version 4:
// Credential=KEYID/DATE/REGION/SERVICE/aws4_request.
func Region(r *http.Request) (string, error) {
	_, rest, found := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	scope, _, _ := strings.Cut(rest, ",")
	parts := strings.Split(strings.TrimSpace(scope), "/")
	// docs/platforms.md: "none at all MissingAuthenticationTokenException"
	if !found || len(parts) != 5 {
		return "", kit.Errorf(http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	// docs/platforms.md: "Wrong credentials are 403 UnrecognizedClientException"
	if parts[0] == RejectedKeyID {
		return "", kit.Errorf(http.StatusForbidden, "UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	return parts[2], nil
}

// RegionOf is the region that a request means, [DefaultRegion] where it says none.
func RegionOf(r *http.Request) string {
	region, err := Region(r)
	if err != nil {
		return DefaultRegion
	}
	return region
}

// Home is the region that clients are given: that of the first target which is seeded.
// Its zero value is [DefaultRegion].
type Home struct{ region string }

// Learn tells the region of the next target that is seeded, "" for one that names none.
func (h *Home) Learn(region string) { h.region = cmp.Or(h.region, region, DefaultRegion) }

// Region is the one that clients are given.
func (h *Home) Region() string { return cmp.Or(h.region, DefaultRegion) }

// Regional are the resources of a kind, by region and name.
type Regional[R any] map[string]map[string]*R

// Add keeps a resource.
func (all Regional[R]) Add(region, name string, r *R) {
	if all[region] == nil {
		all[region] = map[string]*R{}
	}
	all[region][name] = r
}

// CutRegion reads REGION/NAME, or a name in [DefaultRegion].
func CutRegion(text string) (region, name string) {
	region, name, regional := strings.Cut(text, "/")
	if !regional {
		return DefaultRegion, text
	}
	return region, name
}

// Decode reads the body of a request; an empty one says nothing. name and format are the
// API's refusal of one that cannot be read.
func Decode(r *http.Request, into any, name, format string) error {
	body, err := io.ReadAll(r.Body)
	if err == nil && len(body) > 0 {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		return kit.Errorf(http.StatusBadRequest, name, format, err)
	}
	return nil
}

// Routes authenticate who asks, and serve operations. call is a request in the region that
// its signature names. A nil answer has no body; what an emulator does not have is refused
// with a plain sentence.
func Routes[C any](all map[string]kit.Operation[C], call func(region string, r *http.Request) (C, error)) http.Handler {
	mux := kit.Routes(all, func(w http.ResponseWriter, r *http.Request, op kit.Operation[C]) {
		answer(w, r, op, call)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, err := Region(r)
		if err == nil {
			err = kit.Errorf(http.StatusNotFound, "UnknownOperationException", "the sandbox does not serve %s %s", r.Method, r.URL.Path)
		}
		WriteError(w, err)
	})
	return mux
}

func answer[C any](w http.ResponseWriter, r *http.Request, op kit.Operation[C], call func(region string, r *http.Request) (C, error)) {
	region, err := Region(r)
	if err != nil {
		WriteError(w, err)
		return
	}
	c, err := call(region, r)
	if err != nil {
		WriteError(w, err)
		return
	}
	body, err := op.Serve(c)
	if err != nil {
		WriteError(w, err)
		return
	}
	Write(w, op.Status, "application/json", body)
}
