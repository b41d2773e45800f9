package google

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"sluice/stages/driver"
)

const (
	provider = "projects/1/locations/global/workloadIdentityPools/github/providers/shop"
	account  = "deploy@shop-1234.iam.gserviceaccount.com"
)

// issuers are GitHub's and Google's token services and an API, and note what they were
// asked and by which bearer.
type issuers struct {
	refuse string // what is refused: "sts" or "iam"

	mu    sync.Mutex
	asked []string
}

func (s *issuers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	var answer string
	status := http.StatusOK
	switch r.URL.Path {
	case "/github":
		s.asked = append(s.asked, "github "+bearer+" for "+r.URL.Query().Get("audience"))
		claims := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"repo:octo/shop"}`))
		answer = `{"value": "e30.` + claims + `.sig"}`
	case "/sts/v1/token":
		s.asked = append(s.asked, "sts for "+r.PostFormValue("audience"))
		answer = `{"access_token": "federated", "token_type": "Bearer", "expires_in": 3600, "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}`
		if s.refuse == "sts" {
			status, answer = http.StatusBadRequest, `{"error": "unauthorized_client", "error_description": "The given credential is rejected by the attribute condition."}`
		}
	case "/iam/v1/projects/-/serviceAccounts/" + account + ":generateAccessToken":
		s.asked = append(s.asked, "iam "+bearer)
		answer = `{"accessToken": "of-the-account", "expireTime": "2099-01-01T00:00:00Z"}`
		if s.refuse == "iam" {
			status, answer = http.StatusForbidden, `{"error": {"code": 403, "message": "Permission 'iam.serviceAccounts.getAccessToken' denied", "status": "PERMISSION_DENIED"}}`
		}
	default:
		s.asked = append(s.asked, "api "+bearer)
		answer = `{"name": "` + strings.TrimPrefix(r.URL.Path, "/v1/") + `"}`
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprint(w, answer) //nolint:errcheck // the client went away
}

// as opens a client of an API in a job of GitHub Actions; env is laid over its
// environment.
func (s *issuers) as(t *testing.T, identity string, sessions *driver.Sessions, env map[string]string) (*Client, *[]string) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	all := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "octo/shop", "ACTIONS_ID_TOKEN_REQUEST_URL": server.URL + "/github", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-the-runner",
		stsOverride: server.URL + "/sts/", iamOverride: server.URL + "/iam", "API": server.URL,
	}
	for name, value := range env {
		all[name] = value
	}
	var kept []string
	c, err := Open(driver.Env{
		Getenv: func(name string) string { return all[name] }, Identity: json.RawMessage(identity), Sessions: sessions,
		Secret: func(v string) { kept = append(kept, v) },
	}, API{Endpoint: "https://api.invalid/", Override: "API", Rules: Rules{Resources: map[string]Rule{"projects": {}}}})
	if err != nil {
		t.Fatal(err)
	}
	return c, &kept
}

// A job's token becomes a federated one, and that the service account's, once for all
// clients that ask as the same; every token is told before its use.
func TestIdentityByToken(t *testing.T) {
	s, sessions := &issuers{}, &driver.Sessions{}
	as := `{"impersonate": "` + account + `", "provider": "` + provider + `"}`
	first, kept := s.as(t, as, sessions, nil)
	second, _ := s.as(t, as, sessions, nil)
	for _, c := range []*Client{first, first, second} {
		if _, err := c.Get(t.Context(), "v1/projects/p"); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"github of-the-runner for https://iam.googleapis.com/" + provider, "sts for //iam.googleapis.com/" + provider, "iam federated",
		"api of-the-account", "api of-the-account", "api of-the-account",
	}
	if !slices.Equal(s.asked, want) {
		t.Errorf("asked %q, want %q", s.asked, want)
	}
	for _, secret := range []string{"of-the-runner", "federated", "of-the-account"} {
		if !slices.Contains(*kept, secret) {
			t.Errorf("%s was not told: %q", secret, *kept)
		}
	}
}

func TestIdentityRefused(t *testing.T) {
	for name, c := range map[string]struct {
		refuse string
		env    map[string]string
		text   string
		remedy string
	}{
		"condition":     {refuse: "sts", text: "rejected by the attribute condition", remedy: "attribute mapping and condition of " + provider},
		"impersonation": {refuse: "iam", text: "Permission 'iam.serviceAccounts.getAccessToken' denied", remedy: "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/github/attribute.repository/octo/shop"},
		"no permission": {env: map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": "", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": ""}, text: "the job may not ask GitHub for its token", remedy: "id-token: write"},
		"clear text":    {env: map[string]string{stsOverride: "http://192.0.2.1/"}, text: "unencrypted"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &issuers{refuse: c.refuse}
			client, _ := s.as(t, `{"impersonate": "`+account+`", "provider": "`+provider+`"}`, nil, c.env)
			_, err := client.Get(t.Context(), "v1/projects/p")
			x := Explain(err, Remedies{})
			if err == nil || !strings.Contains(err.Error(), c.text) || x.Code != driver.Denied || !strings.Contains(x.Remedy, c.remedy) {
				t.Errorf("%v: %+v, want %q and %q", err, x, c.text, c.remedy)
			}
			if slices.ContainsFunc(s.asked, func(line string) bool { return strings.HasPrefix(line, "api ") }) {
				t.Errorf("the API was asked: %q", s.asked)
			}
		})
	}
}
