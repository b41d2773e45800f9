// Package googleapi is what emulators of Google's REST APIs have in common: how
// a request is held against what the API has, and how JSON is answered. The
// official clients check what they send by the discovery documents; what they
// would never send is refused here in the API's own words.
package googleapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"sluice/internal/sandbox/kit"
)

// standard are the query parameters that every method has.
func standard() []string {
	return []string{
		"alt", "prettyPrint", "fields", "key", "quotaUser", "userIp", "access_token", "oauth_token",
		"callback", "uploadType", "upload_protocol", "$.xgafv",
		"$alt", // of generated clients that ask for JSON with numbers for enums
	}
}

// CheckQuery is an error where r has a query parameter that is neither known to
// its method nor to all.
func CheckQuery(r *http.Request, known []string) error {
	for name := range r.URL.Query() {
		if !slices.Contains(known, name) && !slices.Contains(standard(), name) {
			return fmt.Errorf("Invalid JSON payload received. Unknown name %q: Cannot bind query parameter. Field '%s' could not be found in request message.", name, name) //nolint:revive,staticcheck // the API's own words
		}
	}
	return nil
}

// Decode reads a request's body into one of the API's types. What the type does
// not have is an error; an empty body leaves into as it is.
func Decode(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("Invalid JSON payload received. %w", err) //nolint:revive,staticcheck // the API's own words
	}
	return nil
}

// WriteJSON answers with body.
func WriteJSON(w http.ResponseWriter, status int, body any) {
	kit.WriteJSON(w, status, "application/json; charset=UTF-8", body)
}
