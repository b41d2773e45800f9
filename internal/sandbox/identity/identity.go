// Package identity is what gives credentials to who a pipeline names, for rehearsals:
// GitHub's tokens of a job, AWS's and Google's token services. Everything that it gives
// is a visible dummy, and tells whose it is, so that a rehearsal shows as whom each
// platform was asked.
//
// docs/platforms.md, "Who asks"
package identity

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"sluice/internal/sandbox/kit"
	"sluice/pipeline"
)

const (
	requestToken = "sandbox-dummy-of-the-runner"
	dummyKey     = "sandbox-dummy-not-a-secret"
	lasts        = time.Hour
)

// Service serves all of them. It keeps no state but who was asked as, and is safe for
// concurrent use.
type Service struct {
	now       func() time.Time
	tell      func(string)
	variables map[string]string // named by pipelines, by what each is in the place of

	mu    sync.Mutex
	asked []Asked
}

// Asked is that credentials of somebody were asked for.
type Asked struct {
	Who string // a role's ARN, a service account's address, a provider
	By  string // "token" of the job, or "credentials"
}

// New is a service for who pipelines name; nil where they name nobody. now is the
// machine's clock, by which clients judge how long credentials last. tell, where not
// nil, is told in a line of each that was given.
func New(pipelines []*pipeline.Pipeline, now func() time.Time, tell func(string)) *Service {
	s := &Service{now: now, tell: tell, variables: map[string]string{}}
	named := false
	for _, p := range pipelines {
		maps.Copy(s.variables, p.Variables())
		for t := range p.All() {
			named = named || len(t.Identities) > 0
		}
		for _, stage := range p.Stages {
			named = named || len(stage.Identities) > 0
		}
	}
	if !named {
		return nil
	}
	return s
}

// Env is what clients need to reach it at base.
func (s *Service) Env(base string) map[string]string {
	return map[string]string{
		"ACTIONS_ID_TOKEN_REQUEST_URL":                   base + "/token?api-version=2.0",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN":                 requestToken,
		"AWS_ENDPOINT_URL_STS":                           base + "/sts",
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_STS":            base + "/google/",
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS": base + "/google/",
	}
}

// Variables are those that pipelines name, by the platform's own in whose place each
// is.
func (s *Service) Variables() map[string]string { return maps.Clone(s.variables) }

// Asked lists who was asked as so far, in order.
func (s *Service) Asked() []Asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Asked(nil), s.asked...)
}

func (s *Service) note(who, by, line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, Asked{Who: who, By: by})
	if s.tell != nil {
		s.tell(line)
	}
}

// ServeHTTP answers.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/token":
		s.token(w, r)
	case r.Method == http.MethodPost && strings.TrimSuffix(r.URL.Path, "/") == "/sts":
		s.role(w, r)
	case r.Method == http.MethodPost && r.URL.Path == "/google/v1/token":
		s.exchange(w, r)
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, ":generateAccessToken"):
		s.impersonate(w, r)
	default:
		http.Error(w, "the sandbox does not serve "+r.Method+" "+r.URL.Path, http.StatusNotFound)
	}
}

// token is a job's token: its claims can be read, and nobody signed it.
func (s *Service) token(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+requestToken {
		kit.WriteJSON(w, http.StatusUnauthorized, "application/json", map[string]string{"message": "unauthorized"})
		return
	}
	claims := map[string]any{
		"iss": "https://token.actions.githubusercontent.com", "aud": r.URL.Query().Get("audience"),
		"sub": "repo:sandbox/sandbox:ref:refs/heads/main", "repository": "sandbox/sandbox", "exp": s.now().Add(lasts).Unix(),
	}
	text, err := json.Marshal(claims)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	value := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(text) + ".sandbox"
	kit.WriteJSON(w, http.StatusOK, "application/json", map[string]any{"count": 1, "value": value})
}

// KeyOf is the access key id of a role's credentials: who asks shows in what is signed.
func KeyOf(role string) string {
	sum := sha256.Sum256([]byte(role))
	return "ASIA" + base32.StdEncoding.EncodeToString(sum[:10])
}

// role assumes a role.
//
// docs/platforms.md: "the Query protocol: a form with Action, answered by XML"
func (s *Service) role(w http.ResponseWriter, r *http.Request) {
	action, role := r.PostFormValue("Action"), r.PostFormValue("RoleArn")
	audience := claim(r.PostFormValue("WebIdentityToken"), "aud")
	switch {
	case action == "AssumeRoleWithWebIdentity" && audience == "":
		refuse(w, http.StatusBadRequest, "InvalidIdentityToken", "The ID Token provided is not a valid JWT.")
		return
	case action == "AssumeRoleWithWebIdentity" && audience != "sts.amazonaws.com":
		refuse(w, http.StatusBadRequest, "InvalidIdentityToken", "Incorrect token audience")
		return
	case action == "AssumeRoleWithWebIdentity":
		s.note(role, "token", "role "+role+" is assumed with the job's token")
	case action == "AssumeRole" && r.Header.Get("Authorization") != "":
		s.note(role, "credentials", "role "+role+" is assumed with the environment's credentials")
	default:
		refuse(w, http.StatusForbidden, "AccessDenied", "Not authorized to perform sts:"+action)
		return
	}
	var arn strings.Builder
	if err := xml.EscapeText(&arn, []byte(role)); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, //nolint:errcheck // the client went away
		`<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult>`+
			`<Credentials><AccessKeyId>%[2]s</AccessKeyId><SecretAccessKey>%[3]s</SecretAccessKey><SessionToken>sandbox-session-of-%[2]s</SessionToken><Expiration>%[4]s</Expiration></Credentials>`+
			`<AssumedRoleUser><Arn>%[5]s/sandbox</Arn><AssumedRoleId>%[2]s:sandbox</AssumedRoleId></AssumedRoleUser></%[1]sResult></%[1]sResponse>`,
		action, KeyOf(role), dummyKey, s.now().Add(lasts).UTC().Format(time.RFC3339), arn.String())
}

// refuse answers as AWS's token service refuses.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>sandbox</RequestId></ErrorResponse>`, code, message) //nolint:errcheck // the client went away
}

// exchange is Google's token service.
func (s *Service) exchange(w http.ResponseWriter, r *http.Request) {
	audience := r.PostFormValue("audience")
	if aud := claim(r.PostFormValue("subject_token"), "aud"); aud != "https:"+audience {
		kit.WriteJSON(w, http.StatusBadRequest, "application/json", map[string]string{"error": "invalid_grant", "error_description": "The audience in ID Token does not match the expected audience."})
		return
	}
	provider := strings.TrimPrefix(audience, "//iam.googleapis.com/")
	s.note(provider, "token", "provider "+provider+" takes the job's token")
	kit.WriteJSON(w, http.StatusOK, "application/json", map[string]any{
		"access_token": "sandbox-federated-" + KeyOf(provider), "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
		"token_type": "Bearer", "expires_in": int(lasts.Seconds()),
	})
}

// TokenOf is the access token of a service account.
func TokenOf(account string) string { return "sandbox-token-of-" + account }

// impersonate is Google's IAM Credentials API.
func (s *Service) impersonate(w http.ResponseWriter, r *http.Request) {
	_, account, _ := strings.Cut(strings.TrimSuffix(r.URL.Path, ":generateAccessToken"), "/serviceAccounts/")
	if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
		kit.WriteJSON(w, http.StatusUnauthorized, "application/json", map[string]any{"error": map[string]any{"code": 401, "message": "Request is missing required authentication credential.", "status": "UNAUTHENTICATED"}})
		return
	}
	s.note(account, "token", "service account "+account+" is impersonated")
	kit.WriteJSON(w, http.StatusOK, "application/json", map[string]string{"accessToken": TokenOf(account), "expireTime": s.now().Add(lasts).UTC().Format(time.RFC3339)})
}

// claim is one of an unsigned token's, "" where there is none.
func claim(token, name string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims map[string]any
	if json.Unmarshal(text, &claims) != nil {
		return ""
	}
	value, _ := claims[name].(string)
	return value
}
