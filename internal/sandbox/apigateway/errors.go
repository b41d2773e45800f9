package apigateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// account is the AWS account that everything here belongs to.
const account = "000000000000"

// apiError is an answer that refuses.
type apiError struct {
	status  int
	name    string // AWS's exception
	message string
}

// Error implements error.
func (e *apiError) Error() string { return e.name + ": " + e.message }

func badRequest(format string, args ...any) error {
	return &apiError{http.StatusBadRequest, "BadRequestException", fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &apiError{http.StatusNotFound, "NotFoundException", fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) error {
	return &apiError{http.StatusConflict, "ConflictException", fmt.Sprintf(format, args...)}
}

// denied is the answer to a caller whose policies do not allow r.
func denied(r *http.Request) *apiError {
	region, err := signedRegion(r)
	if err != nil {
		region = defaultRegion
	}
	return &apiError{http.StatusForbidden, "AccessDeniedException", fmt.Sprintf(
		"User: arn:aws:iam::%s:user/sandbox is not authorized to perform: apigateway:%s on resource: arn:aws:apigateway:%s::%s because no identity-based policy allows the apigateway:%s action",
		account, r.Method, region, r.URL.Path, r.Method)}
}

// writeError answers with err.
func writeError(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		e = &apiError{http.StatusInternalServerError, "InternalFailure", err.Error()}
	}
	// docs/platforms.md: "errors are `X-Amzn-ErrorType` + `{"message"}`"
	w.Header().Set("X-Amzn-ErrorType", e.name)
	writeJSON(w, e.status, map[string]string{"message": e.message})
}

// writeJSON answers with body, without one where it is nil.
func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("X-Amzn-RequestId", uuid.NewString())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if body != nil {
		json.NewEncoder(w).Encode(body) //nolint:errcheck // plain data into a buffer
	}
}

// signedRegion authenticates the caller and reads the region that the request
// means from the scope of its AWS Signature Version 4:
// Credential=KEYID/DATE/REGION/SERVICE/aws4_request.
func signedRegion(r *http.Request) (string, error) {
	_, rest, found := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	scope, _, _ := strings.Cut(rest, ",")
	parts := strings.Split(strings.TrimSpace(scope), "/")
	// docs/platforms.md: "none at all MissingAuthenticationTokenException"
	if !found || len(parts) != 5 {
		return "", &apiError{http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token"}
	}
	// docs/platforms.md: "Wrong credentials are 403 UnrecognizedClientException"
	if parts[0] == RejectedKeyID {
		return "", &apiError{http.StatusForbidden, "UnrecognizedClientException", "The security token included in the request is invalid."}
	}
	return parts[2], nil
}
