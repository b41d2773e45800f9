package heroku

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"sluice/internal/sandbox/kit"

	"github.com/google/uuid"
)

// apiError is an answer that refuses.
type apiError struct {
	status  int
	id      string
	message string
}

// Error implements error.
func (e *apiError) Error() string { return e.id + ": " + e.message }

// docs/platforms.md: "Errors are {id, message, url}"
var (
	errUnauthorized = &apiError{http.StatusUnauthorized, "unauthorized", "Invalid credentials provided."}
	// docs/platforms.md: "429 `rate_limit`"
	errRateLimit = &apiError{http.StatusTooManyRequests, "rate_limit", "Your account reached the API rate limit. Please wait a few minutes before making new requests."}
)

func notFound(what string) *apiError {
	return &apiError{http.StatusNotFound, "not_found", "Couldn't find that " + what + "."}
}

// docs/platforms.md: "invalid_params/verification_needed 422"
func invalid(format string, args ...any) *apiError {
	return &apiError{http.StatusUnprocessableEntity, "invalid_params", fmt.Sprintf(format, args...)}
}

// writeError answers with err.
func (acc account) writeError(w http.ResponseWriter, r *http.Request, err error) {
	refused, ok := errors.AsType[*apiError](err)
	if !ok {
		refused = &apiError{http.StatusInternalServerError, "internal_server_error", err.Error()}
	}
	acc.write(w, r, refused.status, map[string]string{
		"id": refused.id, "message": refused.message,
		"url": "https://devcenter.heroku.com/articles/platform-api-reference#error-responses",
	})
}

// write answers with a JSON body.
//
// docs/platforms.md: "`Request-Id` belongs in every error message"
// docs/platforms.md: "`RateLimit-Remaining`"
func (acc account) write(w http.ResponseWriter, r *http.Request, status int, body any) {
	id := uuid.NewString()
	if sent := r.Header.Get("Request-Id"); sent != "" {
		id = sent + "," + id
	}
	h := w.Header()
	h.Set("Request-Id", id)
	h.Set("Date", acc.now.UTC().Format(http.TimeFormat))
	h.Set("RateLimit-Remaining", strconv.Itoa(acc.tokens.left))
	kit.WriteJSON(w, status, "application/json", body)
}
