package identity_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"sluice/internal/sandbox/identity"
	"sluice/pipeline"
)

const (
	role    = "arn:aws:iam::111122223333:role/deploy"
	account = "deploy@shop-1234.iam.gserviceaccount.com"
)

// served is a service for a pipeline that names somebody, and where it is.
func served(t *testing.T) (*identity.Service, map[string]string) {
	t.Helper()
	named := &pipeline.Pipeline{Stages: []*pipeline.Stage{{Identities: []pipeline.Identity{{Name: "aws"}}}}}
	s := identity.New([]*pipeline.Pipeline{named}, time.Now, nil)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, s.Env(server.URL)
}

// ask sends a request and reads its answer as JSON.
func ask(t *testing.T, method, address, bearer string, form url.Values) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // only read
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return res.StatusCode, answer
}

// token is a job's, for an audience.
func token(t *testing.T, env map[string]string, audience string) string {
	t.Helper()
	status, answer := ask(t, http.MethodGet, env["ACTIONS_ID_TOKEN_REQUEST_URL"]+"&audience="+url.QueryEscape(audience), env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"], nil)
	value, _ := answer["value"].(string)
	if status != http.StatusOK || value == "" {
		t.Fatalf("%d %v", status, answer)
	}
	return value
}

func TestNobodyIsNamed(t *testing.T) {
	if s := identity.New([]*pipeline.Pipeline{{Stages: []*pipeline.Stage{{}}}}, time.Now, nil); s != nil {
		t.Error("there is a service for a pipeline that names nobody")
	}
}

// AWS's own client assumes a role with a job's token and with credentials, and reads
// the refusals.
func TestRoles(t *testing.T) {
	s, env := served(t)
	client := sts.New(sts.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL_STS"]), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("SOMEBODY", "ELSE", ""),
	})
	shows := func(token string) (*sts.AssumeRoleWithWebIdentityOutput, error) {
		return client.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String(role), RoleSessionName: aws.String("test"), WebIdentityToken: aws.String(token),
		})
	}
	out, err := shows(token(t, env, "sts.amazonaws.com"))
	if err != nil {
		t.Fatal(err)
	}
	c := out.Credentials
	if aws.ToString(c.AccessKeyId) != identity.KeyOf(role) || aws.ToString(c.SecretAccessKey) == "" || aws.ToString(c.SessionToken) == "" || !c.Expiration.After(time.Now()) {
		t.Errorf("%+v", c)
	}
	assumed, err := client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(role), RoleSessionName: aws.String("test")})
	if err != nil || aws.ToString(assumed.Credentials.AccessKeyId) != identity.KeyOf(role) {
		t.Errorf("%+v, %v", assumed, err)
	}
	for name, bad := range map[string]string{"no token": "nothing", "for another": token(t, env, "somebody else")} {
		_, err := shows(bad)
		if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "InvalidIdentityToken" {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = client.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "AccessDenied" {
		t.Errorf("what is not served: %v", err)
	}
	if want := []identity.Asked{{Who: role, By: "token"}, {Who: role, By: "credentials"}}; !slices.Equal(s.Asked(), want) {
		t.Errorf("asked as %v, want %v", s.Asked(), want)
	}
}

// Google's token service takes a token that is for the provider, and a service account
// is impersonated with what it gives.
func TestServiceAccounts(t *testing.T) {
	s, env := served(t)
	const provider = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/github/providers/shop"
	exchange := func(subject string) (int, map[string]any) {
		return ask(t, http.MethodPost, env["CLOUDSDK_API_ENDPOINT_OVERRIDES_STS"]+"v1/token", "", url.Values{"audience": {provider}, "subject_token": {subject}})
	}
	if status, answer := exchange(token(t, env, "another")); status != http.StatusBadRequest || answer["error"] != "invalid_grant" {
		t.Errorf("a token for another: %d %v", status, answer)
	}
	status, answer := exchange(token(t, env, "https:"+provider))
	federated, _ := answer["access_token"].(string)
	if status != http.StatusOK || federated == "" {
		t.Fatalf("%d %v", status, answer)
	}
	address := env["CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS"] + "v1/projects/-/serviceAccounts/" + account + ":generateAccessToken"
	if status, answer := ask(t, http.MethodPost, address, "", nil); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d %v", status, answer)
	}
	status, answer = ask(t, http.MethodPost, address, federated, nil)
	if status != http.StatusOK || answer["accessToken"] != identity.TokenOf(account) || answer["expireTime"] == "" {
		t.Errorf("%d %v", status, answer)
	}
	if asked := s.Asked(); len(asked) != 2 || asked[1].Who != account {
		t.Errorf("asked as %v", asked)
	}
}

// A job's token is for whoever has the runner's.
func TestTokenIsGuarded(t *testing.T) {
	_, env := served(t)
	for _, bearer := range []string{"", "another"} {
		if status, answer := ask(t, http.MethodGet, env["ACTIONS_ID_TOKEN_REQUEST_URL"], bearer, nil); status != http.StatusUnauthorized {
			t.Errorf("%q: %d %v", bearer, status, answer)
		}
	}
}
