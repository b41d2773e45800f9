package clouddeploy

import (
	"errors"
	"fmt"
	"net/http"

	"sluice/internal/sandbox/googleapi"
)

// apiError is an answer that refuses, by Google's status.
type apiError struct {
	code    int
	status  string
	message string
}

// Error implements error.
func (e *apiError) Error() string { return e.status + ": " + e.message }

func invalid(format string, args ...any) error {
	return &apiError{http.StatusBadRequest, "INVALID_ARGUMENT", fmt.Sprintf(format, args...)}
}

// precondition refuses what the resource's state does not allow.
func precondition(format string, args ...any) error {
	return &apiError{http.StatusBadRequest, "FAILED_PRECONDITION", fmt.Sprintf(format, args...)}
}

func notFound(name string) error {
	return &apiError{http.StatusNotFound, "NOT_FOUND", fmt.Sprintf("Resource '%s' was not found", name)}
}

func exists(name string) error {
	return &apiError{http.StatusConflict, "ALREADY_EXISTS", fmt.Sprintf("Resource '%s' already exists", name)}
}

// writeError answers with err.
func writeError(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		e = &apiError{http.StatusInternalServerError, "INTERNAL", err.Error()}
	}
	googleapi.WriteJSON(w, e.code, map[string]any{"error": map[string]any{"code": e.code, "message": e.message, "status": e.status}})
}
