package googleapi

import (
	"errors"
	"fmt"
	"net/http"

	"sluice/internal/sandbox"
)

// Error is an answer that refuses, by Google's status, or in Google's older APIs by a
// reason.
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

// Invalid refuses what a request says.
func Invalid(format string, args ...any) error {
	return Errorf(http.StatusBadRequest, "INVALID_ARGUMENT", format, args...)
}

// Precondition refuses what the resource's state does not allow.
func Precondition(format string, args ...any) error {
	return Errorf(http.StatusBadRequest, "FAILED_PRECONDITION", format, args...)
}

// NotFound refuses what is about a resource that is not there.
func NotFound(name string) error {
	return Errorf(http.StatusNotFound, "NOT_FOUND", "Resource '%s' was not found", name)
}

// Exists refuses to make a resource that is there.
func Exists(name string) error {
	return Errorf(http.StatusConflict, "ALREADY_EXISTS", "Resource '%s' already exists", name)
}

// Words are the sentences in which an API refuses.
type Words struct {
	Quota  string // for too many requests
	Denied string // for a missing permission
}

// Refuse answers a request that is spoiled, as the API does.
func (a *API) Refuse(w http.ResponseWriter, why sandbox.Refusal, say Words) {
	switch why {
	case sandbox.Throttle:
		w.Header().Set("Retry-After", "1")
		a.WriteError(w, Errorf(http.StatusTooManyRequests, a.status("RESOURCE_EXHAUSTED", "rateLimitExceeded"), "%s", say.Quota))
	case sandbox.Denied:
		a.WriteError(w, Errorf(http.StatusForbidden, a.status("PERMISSION_DENIED", "forbidden"), "%s", say.Denied))
	default:
		a.WriteError(w, Errorf(http.StatusInternalServerError, a.status("INTERNAL", "backendError"), "Internal error encountered."))
	}
}

func (a *API) status(now, older string) string {
	if a.Reasons {
		return older
	}
	return now
}

// WriteError answers with err in the shape of the API.
func (a *API) WriteError(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{http.StatusInternalServerError, a.status("INTERNAL", "backendError"), err.Error()}
	}
	body := map[string]any{"code": e.Code, "message": e.Message}
	if a.Reasons {
		body["errors"] = []any{map[string]string{"message": e.Message, "domain": "global", "reason": older(e.Status)}}
	} else {
		body["status"] = e.Status
	}
	WriteJSON(w, e.Code, map[string]any{"error": body})
}

// older is the reason that stands for a status in Google's older APIs.
func older(status string) string {
	switch status {
	case "INVALID_ARGUMENT":
		return "invalid"
	case "NOT_FOUND":
		return "notFound"
	case "ALREADY_EXISTS":
		return "alreadyExists"
	default:
		return status
	}
}
