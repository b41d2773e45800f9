package google_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/api/googleapi"

	"sluice/stages/driver"
	"sluice/stages/google"
)

const override = "CLOUDSDK_API_ENDPOINT_OVERRIDES_MOON"

func moon() google.API {
	return google.API{Endpoint: "https://moon.googleapis.com/", Override: override, Path: "moon/v2/", Rules: google.Rules{
		Resources: map[string]google.Rule{"craters": {Carries: []string{"uid"}}},
	}}
}

// crater is a resource of the moon's, and craterText the answer to reading it.
const (
	crater     = "v1/projects/p/craters/x"
	craterText = `{"name":"projects/p/craters/x","uid":"u"}`
)

// transport answers every request as told and remembers it.
type transport struct {
	answer func(*http.Request) (int, string)
	seen   []*http.Request
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.seen = append(t.seen, r)
	status, body := t.answer(r)
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Request: r, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

func env(t http.RoundTripper, values map[string]string) driver.Env {
	return driver.Env{Transport: t, Getenv: func(name string) string { return values[name] }}
}

// noCredentials keeps the machine's own credentials out of the test.
func noCredentials(t *testing.T) {
	t.Helper()
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	t.Setenv("HOME", t.TempDir())
	t.Setenv("APPDATA", t.TempDir())
	t.Setenv("GCE_METADATA_HOST", "")
}

func TestEndpoints(t *testing.T) {
	for value, want := range map[string]string{
		"http://127.0.0.1:1":                "http://127.0.0.1:1/" + crater,
		"http://localhost:1/":               "http://localhost:1/" + crater,
		"http://127.0.0.1:1/moon/v2/":       "http://127.0.0.1:1/" + crater, // as gcloud may have it
		"http://127.0.0.1:1/prefix/moon/v2": "http://127.0.0.1:1/prefix/" + crater,
		"http://[::1]:1/other/":             "http://[::1]:1/other/" + crater,
		"http://moon.googleapis.com/":       "",
		"http://192.0.2.1":                  "",
		"ftp://127.0.0.1/":                  "",
		"moon":                              "",
	} {
		tr := &transport{answer: func(*http.Request) (int, string) { return http.StatusOK, craterText }}
		c, err := google.Open(env(tr, map[string]string{override: value}), moon())
		if want == "" {
			if err == nil || !strings.Contains(err.Error(), override) {
				t.Errorf("%s: %v", value, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", value, err)
			continue
		}
		if _, err := c.Get(t.Context(), crater); err != nil {
			t.Errorf("%s: %v", value, err)
		}
		if got := strings.SplitN(tr.seen[0].URL.String(), "?", 2)[0]; got != want || tr.seen[0].Header.Get("Authorization") != "" {
			t.Errorf("%s: GET %s with %q, want %s without credentials", value, got, tr.seen[0].Header.Get("Authorization"), want)
		}
	}
}

// GitHub's OIDC token is exchanged for Google's, which goes along with every
// request; nothing else learns of either.
func TestWorkloadIdentityFederation(t *testing.T) {
	noCredentials(t)
	file := filepath.Join(t.TempDir(), "gha-creds.json")
	if err := os.WriteFile(file, []byte(federated), 0o600); err != nil {
		t.Fatal(err)
	}
	told := &secrets{}
	tr := &transport{}
	tr.answer = func(r *http.Request) (int, string) {
		if sent := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); sent != "" && !told.has(sent) {
			t.Errorf("%s was used before it was told", sent)
		}
		switch r.URL.Host {
		case "token.actions.githubusercontent.com":
			return http.StatusOK, `{"jwt": "github-oidc-token"}`
		case "sts.googleapis.com":
			if err := r.ParseForm(); err != nil || r.PostForm.Get("subject_token") != "github-oidc-token" {
				return http.StatusBadRequest, `{"error": "invalid_grant"}`
			}
			return http.StatusOK, `{"access_token": "google-token", "issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "token_type": "Bearer", "expires_in": 3600}`
		default:
			return http.StatusOK, craterText
		}
	}
	e := env(tr, map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": " " + file + "\n"})
	e.Secret = told.add
	c, err := google.Open(e, moon())
	if err != nil || len(tr.seen) != 0 {
		t.Fatalf("%v after %d requests: opening sends nothing", err, len(tr.seen))
	}
	for range 2 {
		if _, err := c.Get(t.Context(), crater); err != nil {
			t.Fatal(err)
		}
	}
	last := tr.seen[len(tr.seen)-1]
	if got := last.Header.Get("Authorization"); last.URL.Host != "moon.googleapis.com" || got != "Bearer google-token" {
		t.Errorf("%s with %q", last.URL, got)
	}
	if len(tr.seen) != 4 {
		t.Errorf("%d requests for two: a token is asked for once", len(tr.seen))
	}
	told.are(t, "github-oidc-token", "google-token", "request-token")
}

// secrets are the credentials that were told, in the order of telling.
type secrets struct{ all []string }

func (s *secrets) add(value string) { s.all = append(s.all, value) }

func (s *secrets) has(value string) bool { return slices.Contains(s.all, value) }

// are ends in an error unless exactly these were told.
func (s *secrets) are(t *testing.T, want ...string) {
	t.Helper()
	got := slices.Compact(slices.Sorted(slices.Values(s.all)))
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// idToken is {"exp": 1900000000}, as a JWT.
const idToken = "e30.eyJleHAiOjE5MDAwMDAwMDB9.c2ln"

// What a credentials file holds, and what is got with it, is told.
func TestSecretsOfFilesAreTold(t *testing.T) {
	noCredentials(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "a@p.iam.gserviceaccount.com", "private_key_id": "k", "private_key": private,
		"project_id": "p", "token_uri": "https://oauth2.googleapis.com/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"a service account": {string(account), []string{private}},
		"a person":          {userCredentials, []string{"client-secret", "refresh-token", "google-token", idToken}},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "creds.json")
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			told := &secrets{}
			tr := &transport{answer: func(r *http.Request) (int, string) {
				if r.URL.Host != "moon.googleapis.com" {
					return http.StatusOK, `{"access_token":"google-token","id_token":"` + idToken + `","token_type":"Bearer","expires_in":3600}`
				}
				if sent := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); !told.has(sent) {
					t.Errorf("%s was used before it was told", sent)
				}
				return http.StatusOK, craterText
			}}
			e := env(tr, map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": file})
			e.Secret = told.add
			c, err := google.Open(e, moon())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Get(t.Context(), crater); err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if !told.has(want) {
					t.Errorf("%q was not told", want)
				}
			}
			if told.has("Bearer") {
				t.Error("what is no secret was told")
			}
		})
	}
}

// Without credentials nothing is sent, and it is said what to do.
func TestNoCredentials(t *testing.T) {
	noCredentials(t)
	for name, tt := range map[string]struct {
		file   string // "" for one that is not there
		status int    // of the token service
		text   string // its answer
		code   driver.Code
	}{
		"no file":     {"", 0, "", driver.Denied},
		"broken file": {"{", 0, "", driver.Denied},
		"refused":     {userCredentials, http.StatusBadRequest, `{"error": "invalid_grant", "error_description": "expired"}`, driver.Denied},
		"unavailable": {userCredentials, http.StatusServiceUnavailable, `{}`, driver.Retryable},
		"no token":    {userCredentials, http.StatusOK, `{}`, driver.Retryable},
		"null":        {userCredentials, http.StatusOK, `null`, driver.Retryable},
		"HTML":        {userCredentials, http.StatusOK, `<html>`, driver.Retryable},
		// What comes of a failed exchange is nothing but a text.
		"exchange refused":     {federated, http.StatusForbidden, `{"error": "unauthorized_client"}`, driver.Denied},
		"exchange unavailable": {federated, http.StatusServiceUnavailable, `{}`, driver.Retryable},
		"too many exchanges":   {federated, http.StatusTooManyRequests, `{}`, driver.Retryable},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "creds.json")
			if tt.file != "" {
				if err := os.WriteFile(file, []byte(tt.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			tr := &transport{answer: func(*http.Request) (int, string) {
				return tt.status, tt.text
			}}
			c, err := google.Open(env(tr, map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": file}), moon())
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Get(t.Context(), crater)
			x := google.Explain(err, google.Remedies{})
			if x.Code != tt.code || tt.code == driver.Denied && !strings.Contains(x.Remedy, "google-github-actions/auth") {
				t.Errorf("%+v of %v", x, err)
			}
			for _, r := range tr.seen {
				if r.URL.Host == "moon.googleapis.com" {
					t.Error("it was sent all the same")
				}
			}
		})
	}
}

// federated is a file as google-github-actions/auth writes it.
const federated = `{
	"type": "external_account",
	"audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/github/providers/github",
	"subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
	"token_url": "https://sts.googleapis.com/v1/token",
	"credential_source": {"url": "https://token.actions.githubusercontent.com/x", "headers": {"Authorization": "Bearer request-token"}, "format": {"type": "json", "subject_token_field_name": "jwt"}}
}`

const userCredentials = `{"type": "authorized_user", "client_id": "c", "client_secret": "client-secret", "refresh_token": "refresh-token"}`

// A redirect would carry credentials, or repeat an effect, elsewhere.
func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed") }))
	defer elsewhere.Close()
	s := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer s.Close()
	c, err := google.Open(env(nil, map[string]string{override: s.URL}), moon())
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Get(t.Context(), crater)
	if x := google.Explain(err, google.Remedies{}); x.Code != driver.Lost || !strings.Contains(x.Message, "status 200, not 307") {
		t.Errorf("%+v of %v", x, err)
	}
}

// What may be done about a refusal, by status and Google's own words.
func TestExplainAnswers(t *testing.T) {
	remedies := google.Remedies{Denied: "ask for the role", NotFound: "check the name"}
	for name, tt := range map[string]struct {
		err  googleapi.Error
		want driver.Explanation
	}{
		"400":          {googleapi.Error{Code: 400, Message: "m", Body: `{"error":{"status":"INVALID_ARGUMENT"}}`}, driver.Explanation{Code: driver.Invalid, Message: "INVALID_ARGUMENT: m"}},
		"precondition": {googleapi.Error{Code: 400, Message: "m", Body: `{"error":{"status":"FAILED_PRECONDITION","details":[{"requestId":"id-1"}]}}`}, driver.Explanation{Code: driver.Conflict, Message: "FAILED_PRECONDITION: m", RequestID: "id-1"}},
		"401":          {googleapi.Error{Code: 401, Message: "m"}, driver.Explanation{Code: driver.Denied, Message: "m"}},
		"403":          {googleapi.Error{Code: 403, Message: "m"}, driver.Explanation{Code: driver.Denied, Message: "m", Remedy: "ask for the role"}},
		"403 quota":    {googleapi.Error{Code: 403, Message: "m", Errors: []googleapi.ErrorItem{{Reason: "rateLimitExceeded"}}}, driver.Explanation{Code: driver.Retryable, Message: "m"}},
		"403 limit":    {googleapi.Error{Code: 403, Message: "m", Body: `{"error":{"status":"PERMISSION_DENIED","details":[{"reason":"RATE_LIMIT_EXCEEDED"}]}}`}, driver.Explanation{Code: driver.Retryable, Message: "PERMISSION_DENIED: m"}},
		"404":          {googleapi.Error{Code: 404, Message: "m"}, driver.Explanation{Code: driver.NotFound, Message: "m", Remedy: "check the name"}},
		"409":          {googleapi.Error{Code: 409, Message: "m"}, driver.Explanation{Code: driver.Conflict, Message: "m"}},
		"412":          {googleapi.Error{Code: 412, Message: "m"}, driver.Explanation{Code: driver.Retryable, Message: "m", Stale: true}},
		"aborted":      {googleapi.Error{Code: 409, Message: "m", Body: `{"error":{"status":"ABORTED"}}`}, driver.Explanation{Code: driver.Retryable, Message: "ABORTED: m", Busy: true}},
		"in use":       {googleapi.Error{Code: 409, Message: "m", Errors: []googleapi.ErrorItem{{Reason: "resourceInUse"}}}, driver.Explanation{Code: driver.Retryable, Message: "m", Busy: true}},
		"conflicting":  {googleapi.Error{Code: 409, Message: "Resource 'd' has an ongoing conflicting operation: 'o'"}, driver.Explanation{Code: driver.Retryable, Message: "Resource 'd' has an ongoing conflicting operation: 'o'", Busy: true}},
		"exists":       {googleapi.Error{Code: 409, Message: "m", Body: `{"error":{"status":"ALREADY_EXISTS"}}`}, driver.Explanation{Code: driver.Conflict, Message: "ALREADY_EXISTS: m"}},
		"429":          {googleapi.Error{Code: 429, Message: "m", Header: http.Header{"Retry-After": {"3"}}}, driver.Explanation{Code: driver.Retryable, Message: "m", RetryAfter: 3 * time.Second}},
		"408":          {googleapi.Error{Code: 408}, driver.Explanation{Code: driver.Lost, Message: "HTTP 408 Request Timeout"}},
		"503":          {googleapi.Error{Code: 503, Body: "<html>"}, driver.Explanation{Code: driver.Lost, Message: "HTTP 503 Service Unavailable"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := google.Explain(fmt.Errorf("wrapped: %w", &tt.err), remedies)
			if name == "401" {
				if !strings.Contains(got.Remedy, "id-token") {
					t.Errorf("remedy %q", got.Remedy)
				}
				got.Remedy = ""
			}
			if got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestExplainOthers(t *testing.T) {
	r := google.Remedies{NotFound: "check the name"}
	for _, tt := range []struct {
		err  error
		code driver.Code
	}{
		{&google.InvalidError{Text: "no"}, driver.Invalid},
		{&google.NotFoundError{Text: "no"}, driver.NotFound},
		{errors.New("something else"), driver.Unknown},
	} {
		if x := google.Explain(tt.err, r); x.Code != tt.code {
			t.Errorf("%v: %+v", tt.err, x)
		}
	}
	if google.RetryAfter(errors.New("no")) != 0 || google.IsStatus(errors.New("no"), 404) || google.HasReason(errors.New("no"), "x") {
		t.Error("an error that is no answer has a status")
	}
}

func TestExplainTransport(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer cut.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for url, want := range map[string]driver.Code{s.URL: driver.Invalid, cut.URL: driver.Lost, gone.URL: driver.Retryable} {
		c, err := google.Open(env(nil, map[string]string{override: url}), moon())
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Get(t.Context(), crater)
		if x := google.Explain(err, google.Remedies{}); x.Code != want {
			t.Errorf("%s: %+v of %v", url, x, err)
		}
	}
}
