package awssend_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/awssend"
	"sluice/stages/driver"
)

const role = "arn:aws:iam::111122223333:role/deploy"

// services are GitHub's and AWS's token services, and count what they were asked.
type services struct {
	t    *testing.T
	code string        // of a refusal by AWS; "" gives credentials
	http int           // its status
	ttl  time.Duration // of what is given

	mu    sync.Mutex
	asked []string
}

func (s *services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path == "/token" {
		s.asked = append(s.asked, "token for "+r.URL.Query().Get("audience"))
		claims := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"repo:octo/shop:environment:production"}`))
		fmt.Fprintf(w, `{"value": "e30.%s.sig"}`, claims) //nolint:errcheck // the client went away
		return
	}
	action := r.PostFormValue("Action")
	by := "its credentials"
	if token := r.PostFormValue("WebIdentityToken"); token != "" {
		by = "a token"
		if r.Header.Get("Authorization") != "" {
			s.t.Error("a request with a token is signed, too")
		}
	}
	s.asked = append(s.asked, fmt.Sprintf("%s of %s by %s", action, r.PostFormValue("RoleArn"), by))
	if s.code != "" {
		w.WriteHeader(s.http)
		fmt.Fprintf(w, `<ErrorResponse><Error><Code>%s</Code><Message>it says no</Message></Error></ErrorResponse>`, s.code) //nolint:errcheck // the client went away
		return
	}
	n := len(s.asked)
	fmt.Fprintf(w, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials><AccessKeyId>ASIA%[2]d</AccessKeyId><SecretAccessKey>secret-%[2]d</SecretAccessKey><SessionToken>session-%[2]d</SessionToken><Expiration>%[3]s</Expiration></Credentials></%[1]sResult></%[1]sResponse>`, //nolint:errcheck // the client went away
		action, n, time.Now().Add(s.ttl).UTC().Format(time.RFC3339))
}

// options are those of a job of GitHub Actions; env is laid over its environment.
func (s *services) options(t *testing.T, env map[string]string) (awssend.Options, *[]string) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	for _, name := range []string{"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"} {
		t.Setenv(name, "")
	}
	for _, name := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		t.Setenv(name, t.TempDir()+"/none")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	all := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "17", "GITHUB_REPOSITORY": "octo/shop", "AWS_ENDPOINT_URL_STS": server.URL,
		"ACTIONS_ID_TOKEN_REQUEST_URL": server.URL + "/token", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-the-runner",
	}
	for name, value := range env {
		all[name] = value
	}
	var kept []string
	return awssend.Options{
		Getenv: func(name string) string { return all[name] }, Client: server.Client(), Identity: awssend.Identity{Role: role},
		Sessions: &driver.Sessions{}, Check: driver.CheckEndpoint, Attempts: 1, Keep: func(v string) { kept = append(kept, v) },
	}, &kept
}

// In a job the role is assumed with the job's own token, once for all that ask as the
// same, and every credential on the way is told before it can be shown.
func TestRoleByToken(t *testing.T) {
	s := &services{t: t, ttl: time.Hour}
	o, kept := s.options(t, nil)
	for range 2 {
		cfg, err := awssend.Load(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			got, err := cfg.Credentials.Retrieve(t.Context())
			if err != nil || got.AccessKeyID != "ASIA2" || got.SessionToken != "session-2" {
				t.Fatalf("%+v, %v", got, err)
			}
		}
	}
	if want := []string{"token for sts.amazonaws.com", "AssumeRoleWithWebIdentity of " + role + " by a token"}; !slices.Equal(s.asked, want) {
		t.Errorf("asked %q, want %q", s.asked, want)
	}
	for _, secret := range []string{"of-the-runner", "secret-2", "session-2"} {
		if !slices.Contains(*kept, secret) {
			t.Errorf("%s was not told: %q", secret, *kept)
		}
	}
}

// What is about to end is asked for anew.
func TestRoleIsRenewed(t *testing.T) {
	s := &services{t: t, ttl: 4 * time.Minute} // less than it must have left
	o, _ := s.options(t, nil)
	cfg, err := awssend.Load(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ASIA2", "ASIA4"} {
		if got, err := cfg.Credentials.Retrieve(t.Context()); err != nil || got.AccessKeyID != want {
			t.Errorf("%+v, %v, want %s", got, err, want)
		}
	}
}

// Where no token is to be had the role is assumed with whom the environment has.
func TestRoleByCredentials(t *testing.T) {
	own := map[string]string{"AWS_ACCESS_KEY_ID": "AKIAOWN", "AWS_SECRET_ACCESS_KEY": "own", "ACTIONS_ID_TOKEN_REQUEST_URL": "", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": ""}
	for inside, name := range map[string]string{"": "outside", "true": "inside"} {
		t.Run(name, func(t *testing.T) {
			s := &services{t: t, ttl: time.Hour}
			env := map[string]string{"GITHUB_ACTIONS": inside}
			for k, v := range own {
				env[k] = v
			}
			o, _ := s.options(t, env)
			cfg, err := awssend.Load(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := cfg.Credentials.Retrieve(t.Context()); err != nil {
				t.Fatal(err)
			}
			if want := []string{"AssumeRole of " + role + " by its credentials"}; !slices.Equal(s.asked, want) {
				t.Errorf("asked %q", s.asked)
			}
		})
	}
}

func TestRoleRefused(t *testing.T) {
	noToken := map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": "", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": ""}
	for name, c := range map[string]struct {
		env    map[string]string
		code   string
		http   int
		text   string // of the error
		remedy string
		later  bool
	}{
		"no permission":  {env: noToken, text: "the job may not ask GitHub for its token", remedy: "id-token: write"},
		"trust":          {code: "AccessDenied", http: http.StatusForbidden, text: "it says no", remedy: `"repo:octo/shop:environment:production"`},
		"no provider":    {code: "InvalidIdentityToken", http: http.StatusBadRequest, text: "it says no", remedy: "https://token.actions.githubusercontent.com"},
		"throttled":      {code: "Throttling", http: http.StatusBadRequest, text: "it says no", later: true},
		"broken":         {code: "InternalFailure", http: http.StatusInternalServerError, text: "it says no", later: true},
		"wrong endpoint": {env: map[string]string{"AWS_ENDPOINT_URL_STS": "http://192.0.2.1"}, text: "https"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &services{t: t, code: c.code, http: c.http, ttl: time.Hour}
			o, _ := s.options(t, c.env)
			cfg, err := awssend.Load(t.Context(), o)
			if err == nil {
				_, err = cfg.Credentials.Retrieve(t.Context())
			}
			if err == nil || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("%v, want %q", err, c.text)
			}
			told, ok := errors.AsType[*awssend.CredentialsError](err)
			if ok != (name != "wrong endpoint") || ok && (told.Later != c.later || !strings.Contains(told.Remedy, c.remedy) || !strings.Contains(err.Error(), role)) {
				t.Errorf("%v: %+v", err, told)
			}
			if strings.Contains(fmt.Sprint(err, told), "of-the-runner") {
				t.Errorf("%v holds a credential", err)
			}
		})
	}
}

// Whoever names a profile means it, whatever keys the environment has.
func TestProfile(t *testing.T) {
	s := &services{t: t, ttl: time.Hour}
	o, _ := s.options(t, map[string]string{"AWS_ACCESS_KEY_ID": "AKIAOWN", "AWS_SECRET_ACCESS_KEY": "own"})
	o.Identity = awssend.Identity{Profile: "gone"}
	if _, err := awssend.Load(t.Context(), o); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("%v, want that there is no such profile", err)
	}
}
