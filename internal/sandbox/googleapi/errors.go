package googleapi

import (
	"net/http"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/kit"
)

// Invalid refuses what a request says. The name of a refusal is Google's status, or in its
// older APIs a reason.
func Invalid(format string, args ...any) error {
	return kit.Errorf(http.StatusBadRequest, "INVALID_ARGUMENT", format, args...)
}

// Precondition refuses what the resource's state does not allow.
func Precondition(format string, args ...any) error {
	return kit.Errorf(http.StatusBadRequest, "FAILED_PRECONDITION", format, args...)
}

// NotFound refuses what is about a resource that is not there.
func NotFound(name string) error {
	return kit.Errorf(http.StatusNotFound, "NOT_FOUND", "Resource '%s' was not found", name)
}

// Exists refuses to make a resource that is there.
func Exists(name string) error {
	return kit.Errorf(http.StatusConflict, "ALREADY_EXISTS", "Resource '%s' already exists", name)
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
		a.WriteError(w, kit.Errorf(http.StatusTooManyRequests, a.status("RESOURCE_EXHAUSTED", "rateLimitExceeded"), "%s", say.Quota))
	case sandbox.Denied:
		a.WriteError(w, kit.Errorf(http.StatusForbidden, a.status("PERMISSION_DENIED", "forbidden"), "%s", say.Denied))
	default:
		a.WriteError(w, kit.Errorf(http.StatusInternalServerError, a.status("INTERNAL", "backendError"), "Internal error encountered."))
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
	e := kit.ErrorOf(err, a.status("INTERNAL", "backendError"))
	body := map[string]any{"code": e.Status, "message": e.Message}
	if a.Reasons {
		body["errors"] = []any{map[string]string{"message": e.Message, "domain": "global", "reason": older(e.Name)}}
	} else {
		body["status"] = e.Name
	}
	WriteJSON(w, e.Status, map[string]any{"error": body})
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
