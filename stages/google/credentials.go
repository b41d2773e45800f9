package google

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"

	"sluice/stages/driver"
)

// Secrets are the environment variables whose values are credentials. Workload
// identity federation from GitHub's OIDC asks for its tokens with the first;
// the others are what CI jobs keep keys in. Application Default Credentials
// themselves are files, named by GOOGLE_APPLICATION_CREDENTIALS.
func Secrets() []string {
	return []string{"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GOOGLE_CREDENTIALS", "CLOUDSDK_AUTH_ACCESS_TOKEN"}
}

// authorized adds Application Default Credentials to every request. They are
// looked for once, by the first request. Every credential on the way to the
// token, and the token, is told before it is used.
type authorized struct {
	base   http.RoundTripper
	keep   func(string)
	detect func() (*auth.Credentials, error)
}

func newAuthorized(env driver.Env, base http.RoundTripper) *authorized {
	return &authorized{base: base, keep: env.Keep, detect: sync.OnceValues(func() (*auth.Credentials, error) {
		o := &credentials.DetectOptions{
			Scopes: []string{scope},
			Client: &http.Client{Transport: &exchange{base: base, keep: env.Keep}},
		}
		creds, err := detect(env, o)
		if err == nil {
			keepFields(creds.JSON(), env.Keep)
		}
		return creds, err
	})}
}

func detect(env driver.Env, o *credentials.DetectOptions) (*auth.Credentials, error) {
	if file := credentialsFile(env); file != "" {
		return fromFile(file, o)
	}
	return credentials.DetectDefault(o)
}

// credentialsFile is the file that the environment names, which need not be
// this process's own environment.
func credentialsFile(env driver.Env) string {
	if env.Getenv == nil {
		return ""
	}
	return strings.TrimSpace(env.Getenv("GOOGLE_APPLICATION_CREDENTIALS"))
}

// fromFile reads a credentials file of whatever kind: it is the job's own
// configuration, as trusted as the job.
func fromFile(file string, o *credentials.DetectOptions) (*auth.Credentials, error) {
	data, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return nil, err
	}
	o.CredentialsJSON = data //nolint:staticcheck // warns of files from strangers; this one is the job's own
	return credentials.DetectDefault(o)
}

// RoundTrip sends a copy of r with a token. Without one nothing is sent.
func (a *authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	signed, err := a.sign(r)
	if err != nil {
		if r.Body != nil {
			r.Body.Close() //nolint:errcheck // a round tripper closes it whatever happens
		}
		return nil, &credentialsError{err: err}
	}
	return a.base.RoundTrip(signed)
}

func (a *authorized) sign(r *http.Request) (*http.Request, error) {
	creds, err := a.detect()
	if err != nil {
		return nil, err
	}
	token, err := creds.Token(r.Context())
	if err != nil {
		return nil, err
	}
	a.keep(token.Value)
	signed := r.Clone(r.Context())
	signed.Header.Set("Authorization", "Bearer "+token.Value)
	if project, err := quotaProject(r.Context(), creds); err == nil && project != "" {
		signed.Header.Set("X-Goog-User-Project", project)
	}
	return signed, nil
}

// quotaProject is the project that pays, where the credentials name one.
func quotaProject(ctx context.Context, creds *auth.Credentials) (string, error) {
	return creds.QuotaProjectID(ctx)
}

// credentialsError means that there was no token: the request was never sent.
type credentialsError struct{ err error }

// Error says so in front of the reason.
func (e *credentialsError) Error() string { return "no Google credentials: " + e.err.Error() }

// Unwrap gives the reason.
func (e *credentialsError) Unwrap() error { return e.err }
