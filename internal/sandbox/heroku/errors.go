package heroku

import (
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"sluice/internal/sandbox/kit"
)

// docs/platforms.md: "Errors are {id, message, url}"
var (
	errUnauthorized = kit.Errorf(http.StatusUnauthorized, "unauthorized", "Invalid credentials provided.")
	// docs/platforms.md: "429 `rate_limit`"
	errRateLimit = kit.Errorf(http.StatusTooManyRequests, "rate_limit", "Your account reached the API rate limit. Please wait a few minutes before making new requests.")
)

func notFound(what string) error {
	return kit.Errorf(http.StatusNotFound, "not_found", "Couldn't find that %s.", what)
}

// docs/platforms.md: "invalid_params/verification_needed 422"
func invalid(format string, args ...any) error {
	return kit.Errorf(http.StatusUnprocessableEntity, "invalid_params", format, args...)
}

// writeError answers with err.
func (acc account) writeError(w http.ResponseWriter, r *http.Request, err error) {
	refused := kit.ErrorOf(err, "internal_server_error")
	acc.write(w, r, refused.Status, map[string]string{
		"id": refused.Name, "message": refused.Message,
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
