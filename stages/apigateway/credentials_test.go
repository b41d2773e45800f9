package apigateway_test

import (
	"crypto/sha1" //nolint:gosec // it names SSO's cache files
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"sluice/stages"
	"sluice/stages/apigateway"
	"sluice/stages/driver"
	"sluice/stages/stagetest"
)

// told collects what a driver says is secret.
type told struct {
	mu     sync.Mutex
	values []string
}

func (k *told) keep(value string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.values = append(k.values, value)
}

// ask reads the stage twice, with whatever credentials the machine has, and
// returns what was said to be secret when the first signed request arrived.
func ask(t *testing.T, h stagetest.Harness) (before, all []string) {
	t.Helper()
	k := &told{}
	env := map[string]string{"AWS_REGION": "eu-west-1", "AWS_EC2_METADATA_SERVICE_ENDPOINT": os.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT")}
	signed := roundTrip(func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.Path, "/restapis/") && before == nil {
			before = slices.Clone(k.values)
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	env["AWS_ENDPOINT_URL_API_GATEWAY"] = h.Env["AWS_ENDPOINT_URL_API_GATEWAY"]
	s := stages.New(
		driver.Env{Getenv: func(name string) string { return env[name] }, Now: h.Now, Transport: signed, Secret: k.keep},
		stages.Platform{Facts: apigateway.Facts(), Open: apigateway.Open},
	)
	p, err := s.Target(target("prod"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := p.Current(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return before, k.values
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// file writes a file of the home directory and returns its path.
func file(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func serve(t *testing.T, routes map[string]string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := routes[r.Method+" "+r.URL.Path]
		if !ok {
			t.Errorf("asked for %s %s", r.Method, r.URL.Path)
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")
		w.Write([]byte(body)) //nolint:errcheck // a few bytes
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// What stands in no environment variable is told as soon as it is known.
func TestCredentialsAreKept(t *testing.T) {
	const late = "2999-01-01T00:00:00Z"
	tests := map[string]struct {
		arrange func(*testing.T)
		secrets []string
	}{
		"profile": {func(t *testing.T) {
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file(t, t.TempDir()+"/credentials", "[default]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = profile-secret\naws_session_token = profile-session\n"))
		}, []string{"AKIDPROFILE", "profile-secret", "profile-session"}},
		"process": {func(t *testing.T) {
			t.Setenv("AWS_CONFIG_FILE", file(t, t.TempDir()+"/config", `[default]
credential_process = echo '{"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": "process-secret"}'
`))
		}, []string{"AKIDPROCESS", "process-secret"}},
		"OIDC": {func(t *testing.T) {
			t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", file(t, t.TempDir()+"/token", "oidc-token"))
			t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/deploy")
			t.Setenv("AWS_REGION", "eu-west-1")
			t.Setenv("AWS_ENDPOINT_URL_STS", serve(t, map[string]string{"POST /": `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
				<AccessKeyId>AKIDOIDC</AccessKeyId><SecretAccessKey>oidc-secret</SecretAccessKey><SessionToken>oidc-session</SessionToken><Expiration>` + late + `</Expiration>
				</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`}))
		}, []string{"AKIDOIDC", "oidc-secret", "oidc-session"}},
		"SSO": {func(t *testing.T) {
			home, start := t.TempDir(), "https://shop.awsapps.com/start"
			t.Setenv("HOME", home)
			name := sha1.Sum([]byte(start)) //nolint:gosec // SSO's own
			file(t, home+"/.aws/sso/cache/"+hex.EncodeToString(name[:])+".json", `{"accessToken": "sso-token", "expiresAt": "`+late+`"}`)
			t.Setenv("AWS_CONFIG_FILE", file(t, home+"/config", "[default]\nsso_start_url = "+start+"\nsso_region = eu-west-1\nsso_account_id = 123456789012\nsso_role_name = deploy\n"))
			t.Setenv("AWS_ENDPOINT_URL_SSO", serve(t, map[string]string{"GET /federation/credentials": `{"roleCredentials": {
				"accessKeyId": "AKIDSSO", "secretAccessKey": "sso-secret", "sessionToken": "sso-session", "expiration": 32472144000000}}`}))
		}, []string{"sso-token", "AKIDSSO", "sso-secret", "sso-session"}},
		"instance": {func(t *testing.T) {
			t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", serve(t, map[string]string{
				"PUT /latest/api/token":                                 "metadata-token",
				"GET /latest/meta-data/iam/security-credentials/":       "deploy",
				"GET /latest/meta-data/iam/security-credentials/deploy": fmt.Sprintf(`{"Code": "Success", "AccessKeyId": "AKIDINSTANCE", "SecretAccessKey": "instance-secret", "Token": "instance-session", "Expiration": %q}`, late),
			}))
		}, []string{"metadata-token", "AKIDINSTANCE", "instance-secret", "instance-session"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t) // which hides the machine's own configuration
			tt.arrange(t)
			before, all := ask(t, h)
			for _, secret := range tt.secrets {
				if !slices.Contains(before, secret) {
					t.Errorf("%s was not told before its first use: %v", secret, before)
				}
			}
			if len(all) != len(tt.secrets) {
				t.Errorf("told %v, want each once: %v", all, tt.secrets)
			}
		})
	}
}

// A certificate bundle of AWS's own variable is trusted through the
// environment's transport, and a redirect is not followed for that.
func TestCertificateBundle(t *testing.T) {
	var asked int
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer elsewhere.Close()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/prod") {
			w.Write([]byte(`{"stageName": "prod", "deploymentId": "d1"}`)) //nolint:errcheck // a few bytes
			return
		}
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	h := newHarness(t)
	bundle := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	t.Setenv("AWS_CA_BUNDLE", file(t, t.TempDir()+"/bundle.pem", string(bundle)))
	over := map[string]string{"AWS_ENDPOINT_URL_API_GATEWAY": server.URL}
	for name, transport := range map[string]http.RoundTripper{"none": nil, "given": http.DefaultTransport} {
		if r, err := place(t, h, over, transport, target("prod")).Current(t.Context()); err != nil || r.ID != "d1" {
			t.Errorf("transport %s: %+v, %v", name, r, err)
		}
		_, err := place(t, h, over, transport, target("moved")).Current(t.Context())
		if stages.CodeOf(err) != driver.Lost || !strings.Contains(err.Error(), "redirects") || asked > 0 {
			t.Errorf("transport %s: %v (%s), %d requests elsewhere", name, err, stages.CodeOf(err), asked)
		}
	}
}
