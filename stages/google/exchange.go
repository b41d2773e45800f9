package google

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// secretFields are what holds a credential in credentials files and in the
// answers of token services (the types of golang.org/x/oauth2/google). "value" is
// GitHub's OIDC token.
var secretFields = []string{
	"private_key", "client_secret", "refresh_token", "access_token", "accessToken", "id_token", "token", "Token", "value", "SecretAccessKey",
}

// secretParameters are what holds a credential in a request to a token service.
var secretParameters = []string{"subject_token", "actor_token", "refresh_token", "client_secret", "assertion"}

// exchange carries the requests by which one token comes about, one after another,
// and tells the credentials in them and in their answers.
type exchange struct {
	base  http.RoundTripper
	keep  func(string)
	later bool // the last request was not answered, or only for now without a token
}

// temporary are the answers of a token service after which another try may end
// otherwise.
var temporary = []int{http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusRequestTimeout, http.StatusTooManyRequests}

// RoundTrip notes whether it is worth another try. The errors that come of it do not
// say: some of the client's are nothing but texts.
func (e *exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := e.carry(r)
	e.later = err != nil || slices.Contains(temporary, res.StatusCode)
	return res, err
}

// carry tells the credentials of a request before it is sent, and those of its
// answer before anybody gets it.
func (e *exchange) carry(r *http.Request) (*http.Response, error) {
	if _, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok {
		e.keep(token)
	}
	if r.Body != nil && r.Body != http.NoBody {
		body, err := io.ReadAll(r.Body)
		r.Body.Close() //nolint:errcheck // it was only read
		if err != nil {
			return nil, err
		}
		e.keepParameters(body)
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	res, err := e.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	keepFields(body, e.keep)
	if r.Method == http.MethodPost && res.StatusCode == http.StatusOK && !hasToken(body) {
		return nil, NoAnswer("POST "+r.URL.Host+r.URL.Path, "it has no token")
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

func (e *exchange) keepParameters(body []byte) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return // no form
	}
	for _, name := range secretParameters {
		e.keep(form.Get(name))
	}
}

// hasToken reports whether a token service answered with a token.
func hasToken(body []byte) bool {
	fields := read[Fields](body)
	return slices.ContainsFunc([]string{"access_token", "accessToken", "id_token", "token"}, func(name string) bool { return fields.Text(name) != "" })
}

// deepest is how far down credentials are looked for: a credentials file may hold
// another one's.
const deepest = 4

// keepFields tells the credentials in a JSON object. Other text has none: a token
// that came without a field is told when it is used.
func keepFields(text []byte, keep func(string)) { keepBelow(text, keep, deepest) }

func keepBelow(text []byte, keep func(string), depth int) {
	for name, raw := range read[Fields](text) {
		if slices.Contains(secretFields, name) {
			keep(read[string](raw))
		}
		if depth > 0 {
			keepBelow(raw, keep, depth-1)
		}
	}
}
