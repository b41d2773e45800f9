package google

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"sluice/stages/driver"
)

// early is how long before its end a token is replaced, as Google's own clients do.
const early = 3*time.Minute + 45*time.Second

// Secrets are the environment variables whose values are credentials. Workload
// identity federation from GitHub's OIDC asks for its tokens with the first;
// the others are what CI jobs keep keys in. Application Default Credentials
// themselves are files, named by GOOGLE_APPLICATION_CREDENTIALS.
func Secrets() []string {
	return []string{"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GOOGLE_CREDENTIALS", "CLOUDSDK_AUTH_ACCESS_TOKEN"}
}

// token is what goes along with a request.
type token struct {
	value   string
	until   time.Time // when it ends; zero for never
	project string    // that pays, where the credentials name one
}

// fresh reports whether the token may be used at a time.
func (t token) fresh(now time.Time) bool {
	return t.value != "" && (t.until.IsZero() || now.Before(t.until.Add(-early)))
}

// authorized adds Application Default Credentials to every request. They are
// looked for by the first request, and a token is used for as long as it is good.
// Every credential on the way to the token, and the token, is told before it is
// used.
type authorized struct {
	base  http.RoundTripper
	keep  func(string)
	now   func() time.Time
	fetch func(context.Context) (token, error) // a new one, or a *credentialsError
	*session
}

// session is the token of an identity, which all that ask as the same share.
type session struct {
	turn chan struct{} // holds who looks at have; the others wait
	have token
}

func newAuthorized(env driver.Env, base http.RoundTripper) *authorized {
	fetch := func(ctx context.Context) (token, error) { return fetch(ctx, env, base) }
	return &authorized{base: base, keep: env.Keep, now: env.Time, fetch: fetch, session: sessionOf(env)}
}

// sessionOf is the one of the identity that is named, or a new one.
func sessionOf(env driver.Env) *session {
	fresh := func() any { return &session{turn: make(chan struct{}, 1)} }
	if len(env.Identity) > 0 {
		if shared, ok := env.Sessions.Once("google\x00"+string(env.Identity), fresh).(*session); ok {
			return shared
		}
	}
	return &session{turn: make(chan struct{}, 1)}
}

// fetch gets a token with the credentials that the environment has. The library's
// token sources send with the context that they are made with: they are made anew for
// each token, so that whoever waits for one can stop. The error is a
// [*credentialsError].
func fetch(ctx context.Context, env driver.Env, base http.RoundTripper) (token, error) {
	way := &exchange{base: base, keep: env.Keep}
	as, err := actingAs(env, way)
	if err != nil {
		return token{}, err
	}
	creds, err := as.credentials(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: way}), env)
	if err != nil {
		return token{}, &credentialsError{err: err, remedy: as.remedy(err)}
	}
	keepFields(creds.JSON, env.Keep)
	got, err := creds.TokenSource.Token()
	if err != nil {
		_, isSent := errors.AsType[*url.Error](err) // to the metadata server, which has a client of its own
		return token{}, &credentialsError{err: err, later: way.later || isSent, remedy: as.remedy(err)}
	}
	env.Keep(got.AccessToken)
	theirs, err := as.become(ctx, way, token{value: got.AccessToken, until: got.Expiry, project: quotaProject(env, creds.JSON)})
	if err != nil {
		return token{}, &credentialsError{err: err, later: way.later, remedy: as.remedy(err)}
	}
	return theirs, nil
}

// find looks for credentials where Google's clients do. The file may be named by an
// environment that is not this process's own.
func find(ctx context.Context, env driver.Env) (*google.Credentials, error) {
	params := google.CredentialsParams{Scopes: []string{scope}}
	file := variable(env, "GOOGLE_APPLICATION_CREDENTIALS")
	if file == "" {
		return google.FindDefaultCredentialsWithParams(ctx, params)
	}
	data, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return nil, err
	}
	return google.CredentialsFromJSONWithParams(ctx, data, params) //nolint:staticcheck // warns of files from strangers; this one is the job's own, of whatever kind
}

// quotaProject is the project that pays, "" where nobody names one.
func quotaProject(env driver.Env, file []byte) string {
	return cmp.Or(variable(env, "GOOGLE_CLOUD_QUOTA_PROJECT"), read[Fields](file).Text("quota_project_id"))
}

// variable is what the environment says, without spaces around it.
func variable(env driver.Env, name string) string {
	if env.Getenv == nil {
		return ""
	}
	return strings.TrimSpace(env.Getenv(name))
}

// RoundTrip sends a copy of r with a token. Without one nothing is sent.
func (a *authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	signed, err := a.sign(r)
	if err != nil {
		if r.Body != nil {
			r.Body.Close() //nolint:errcheck // a round tripper closes it whatever happens
		}
		return nil, err
	}
	return a.base.RoundTrip(signed)
}

func (a *authorized) sign(r *http.Request) (*http.Request, error) {
	token, err := a.token(r.Context())
	if err != nil {
		return nil, err
	}
	a.keep(token.value)
	signed := r.Clone(r.Context())
	signed.Header.Set("Authorization", "Bearer "+token.value)
	if token.project != "" {
		signed.Header.Set("X-Goog-User-Project", token.project)
	}
	return signed, nil
}

// token is the one there is, or a new one. The error is a [*credentialsError].
func (a *authorized) token(ctx context.Context) (token, error) {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return token{}, &credentialsError{err: ctx.Err(), later: true}
	}
	if a.have.fresh(a.now()) {
		return a.have, nil
	}
	got, err := a.fetch(ctx)
	if err == nil {
		a.have = got
	}
	return got, err
}

// credentialsError means that there was no token: the request was never sent.
type credentialsError struct {
	err    error
	later  bool   // a later try may have one
	remedy string // what the named identity lacks; "" where none is named
}

// Error says so in front of the reason.
func (e *credentialsError) Error() string { return "no Google credentials: " + e.err.Error() }

// Unwrap gives the reason.
func (e *credentialsError) Unwrap() error { return e.err }
