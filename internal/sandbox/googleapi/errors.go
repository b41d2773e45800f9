package googleapi

import (
	"errors"
	"fmt"
	"net/http"

	"sluice/internal/sandbox"
)

// Error is an answer that refuses, by Google's status.
type Error struct {
	Code    int
	Status  string
	Message string
}

// Error implements error.
func (e *Error) Error() string { return e.Status + ": " + e.Message }

// Errorf is an [*Error] with a text as [fmt.Sprintf] makes it.
func Errorf(code int, status, format string, args ...any) error {
	return &Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

// Refused is the answer to a request that is spoiled. permission and resource say
// what the caller may not do.
func Refused(why sandbox.Refusal, permission, resource string) error {
	switch why {
	case sandbox.Throttle:
		return Errorf(http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute'")
	case sandbox.Denied:
		return Errorf(http.StatusForbidden, "PERMISSION_DENIED", "Permission '%s' denied on resource '%s' (or it may not exist).", permission, resource)
	default:
		return Errorf(http.StatusInternalServerError, "INTERNAL", "Internal error encountered.")
	}
}

// WriteError answers with err.
func WriteError(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{http.StatusInternalServerError, "INTERNAL", err.Error()}
	}
	WriteJSON(w, e.Code, map[string]any{"error": map[string]any{"code": e.Code, "message": e.Message, "status": e.Status}})
}
