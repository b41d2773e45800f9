package heroku

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

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
func (e *Emulator) writeError(w http.ResponseWriter, r *http.Request, err error) {
	refused, ok := errors.AsType[*apiError](err)
	if !ok {
		refused = &apiError{http.StatusInternalServerError, "internal_server_error", err.Error()}
	}
	e.write(w, r, refused.status, map[string]string{
		"id": refused.id, "message": refused.message,
		"url": "https://devcenter.heroku.com/articles/platform-api-reference#error-responses",
	})
}

// write answers with a JSON body.
//
// docs/platforms.md: "`Request-Id` belongs in every error message"
// docs/platforms.md: "`RateLimit-Remaining`"
func (e *Emulator) write(w http.ResponseWriter, r *http.Request, status int, body any) {
	id := uuid.NewString()
	if sent := r.Header.Get("Request-Id"); sent != "" {
		id = sent + "," + id
	}
	h := w.Header()
	h.Set("Request-Id", id)
	h.Set("Date", e.Now().UTC().Format(http.TimeFormat))
	h.Set("RateLimit-Remaining", strconv.Itoa(e.tokens.left))
	h.Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) //nolint:errcheck // plain data into a buffer
}

// docs/platforms.md: "4,500 tokens, refilled at about 75 a minute"
const (
	fullTokens = 4500
	refill     = time.Minute / 75
)

// tokens are the account's requests still to be had.
type tokens struct {
	left  int
	since time.Time // of the last refill
}

// take uses a token up. It reports whether there was one.
func (t *tokens) take(now time.Time) bool {
	if t.since.IsZero() {
		t.since = now
	}
	if come := int(now.Sub(t.since) / refill); come > 0 {
		t.left = min(t.left+come, fullTokens)
		t.since = t.since.Add(time.Duration(come) * refill)
	}
	if t.left == 0 {
		return false
	}
	t.left--
	return true
}
