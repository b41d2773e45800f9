package s3_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/internal/store/s3/s3test"
)

// told loads a record with the credentials that the process's environment leads
// to, and returns what was told to be secret.
func told(t *testing.T, transport http.RoundTripper) (secrets []string) {
	t.Helper()
	o := options(s3test.New())
	o.Getenv = environ(map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""})
	o.Transport = transport
	o.Secret = func(value string) { secrets = append(secrets, value) }
	s := open(t, o)
	if len(secrets) != 0 {
		t.Errorf("told %q before anything was asked for", secrets)
	}
	if _, err := s.Load(t.Context(), web); err != nil {
		t.Fatal(err)
	}
	return secrets
}

// bare takes away what this machine may have.
func bare(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
}

func TestSecretsOfTheEnvironmentAreTold(t *testing.T) {
	var secrets []string
	o := options(s3test.New())
	o.Getenv = environ(map[string]string{"AWS_SESSION_TOKEN": "session-token\n"})
	o.Secret = func(value string) { secrets = append(secrets, value) }
	open(t, o)
	if want := []string{"very-secret-key", "session-token"}; !slices.Equal(secrets, want) {
		t.Errorf("told %q, want %q", secrets, want)
	}
}

func TestSecretsOfAProfileAreTold(t *testing.T) {
	bare(t)
	path := filepath.Join(t.TempDir(), "credentials")
	text := "[default]\naws_access_key_id = " + s3test.AccessKeyID + "\naws_secret_access_key = profile-secret\naws_session_token = profile-session\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", path)
	for _, want := range []string{"profile-secret", "profile-session"} {
		if got := told(t, s3test.New()); !slices.Contains(got, want) {
			t.Errorf("told %q, want %s too", got, want)
		}
	}
}

// metadata answers as a container's endpoint for credentials, and passes on what
// is for S3.
type metadata struct{ next http.RoundTripper }

func (m metadata) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "127.0.0.1:1" {
		return m.next.RoundTrip(r)
	}
	w := httptest.NewRecorder()
	if r.Header.Get("Authorization") != "container-token" {
		w.WriteHeader(http.StatusUnauthorized)
		return w.Result(), nil
	}
	fmt.Fprintf(w, `{"AccessKeyId":%q,"SecretAccessKey":"container-secret","Token":"container-session","Expiration":"2099-01-01T00:00:00Z"}`, s3test.AccessKeyID)
	return w.Result(), nil
}

func TestSecretsOfAContainerAreTold(t *testing.T) {
	bare(t)
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/credentials")
	t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "container-token")
	got := told(t, metadata{s3test.New()})
	for _, want := range []string{"container-token", "container-secret", "container-session"} {
		if !slices.Contains(got, want) {
			t.Errorf("told %q, want %s too", got, want)
		}
	}
	if strings.Contains(strings.Join(got, " "), "AWS4-") {
		t.Errorf("signatures are no credentials: %q", got)
	}
}
