package google

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2/google"

	"sluice/internal/idtoken"
	"sluice/stages/driver"
)

// identity is who requests are made as, in the place of whom the environment has.
type identity struct {
	// Impersonate is the e-mail address of a service account.
	Impersonate string `json:"impersonate"`
	// Provider is the resource name of a workload identity provider that trusts
	// GitHub: the job's own token is shown to it, without a secret.
	Provider string `json:"provider"`
}

// Identity is how the pipeline file names who asks Google's APIs.
func Identity() driver.Identity {
	return driver.Identity{Name: "google", Keys: []driver.Key{
		{
			Name: "impersonate", Type: driver.String,
			Pattern: `[a-z0-9][a-z0-9-]{4,28}[a-z0-9]@[a-z][a-z0-9.:-]{2,80}\.(?:iam\.)?gserviceaccount\.com`,
			Hint:    "the e-mail address of a service account, such as deploy@shop-1234.iam.gserviceaccount.com",
			Doc:     "The service account that requests are made as.",
		},
		{
			Name: "provider", Type: driver.String, Token: true,
			Pattern: `projects/[0-9]+/locations/global/workloadIdentityPools/[a-z0-9-]{4,32}/providers/[a-z0-9-]{4,32}`,
			Hint:    "a workload identity provider, such as projects/123456789/locations/global/workloadIdentityPools/github/providers/shop",
			Doc:     "The workload identity provider that is shown the job's own token in GitHub Actions; elsewhere, and without it, the environment's credentials are used.",
		},
	}}
}

// The token services, and what replaces them, as gcloud names it.
const (
	stsOverride = "CLOUDSDK_API_ENDPOINT_OVERRIDES_STS"
	iamOverride = "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS"
)

// service is the address of a token service, with a slash at its end.
func service(env driver.Env, otherwise, variableName string) (string, error) {
	over := variable(env, variableName)
	if over == "" {
		return otherwise, nil
	}
	return strings.TrimSuffix(over, "/") + "/", driver.CheckEndpoint(variableName, over)
}

// acting is how a token of an identity comes about.
type acting struct {
	identity
	job      idtoken.Job
	sts, iam string
}

func actingAs(env driver.Env, way http.RoundTripper) (acting, error) {
	id, err := driver.As[identity](env.Identity)
	if err != nil {
		return acting{}, &credentialsError{err: fmt.Errorf("identity: %w", err)}
	}
	a := acting{identity: id, job: idtoken.Job{
		Getenv: func(name string) string { return variable(env, name) }, Client: &http.Client{Transport: way}, Keep: env.Keep,
	}}
	if a.sts, err = service(env, "https://sts.googleapis.com/", stsOverride); err != nil {
		return a, &credentialsError{err: err}
	}
	if a.iam, err = service(env, "https://iamcredentials.googleapis.com/", iamOverride); err != nil {
		return a, &credentialsError{err: err}
	}
	return a, nil
}

// audience is whom GitHub's token is for: the provider, as its own default has it.
func (a acting) audience() string { return "//iam.googleapis.com/" + a.Provider }

// credentials are those that the provider gives the job, or the environment's.
func (a acting) credentials(ctx context.Context, env driver.Env) (*google.Credentials, error) {
	if a.Provider == "" || !a.job.Offered() && !a.job.Inside() {
		return find(ctx, env)
	}
	if !a.job.Offered() {
		return nil, &idtoken.MissingError{Inside: true}
	}
	file, err := a.federation()
	if err != nil {
		return nil, err
	}
	return google.CredentialsFromJSONWithParams(ctx, file, google.CredentialsParams{Scopes: []string{scope}}) //nolint:staticcheck // warns of files from strangers; this one was written here
}

// federation is the configuration that google-github-actions/auth writes into a file:
// where the job's token comes from, and who takes it.
func (a acting) federation() ([]byte, error) {
	asked, err := url.Parse(a.job.Getenv(idtoken.RequestURL))
	if err != nil || asked.Host == "" || asked.Scheme != "https" && !driver.IsLoopback(asked) {
		return nil, fmt.Errorf("%s is no address of GitHub's: want https", idtoken.RequestURL)
	}
	query := asked.Query()
	query.Set("audience", "https:"+a.audience())
	asked.RawQuery = query.Encode()
	return json.Marshal(map[string]any{
		"type": "external_account", "audience": a.audience(), "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
		"token_url": a.sts + "v1/token",
		"credential_source": map[string]any{
			"url":     asked.String(),
			"headers": map[string]string{"Authorization": "Bearer " + a.job.Getenv(idtoken.RequestToken)},
			"format":  map[string]string{"type": "json", "subject_token_field_name": "value"},
		},
	})
}

// become exchanges a token for one of the service account.
func (a acting) become(ctx context.Context, way http.RoundTripper, with token) (token, error) {
	if a.Impersonate == "" {
		return with, nil
	}
	body, err := json.Marshal(map[string]any{"scope": []string{scope}, "lifetime": "3600s"})
	if err != nil {
		return token{}, err
	}
	address := a.iam + "v1/projects/-/serviceAccounts/" + url.PathEscape(a.Impersonate) + ":generateAccessToken"
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return token{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+with.value)
	client := &http.Client{Transport: way, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		return token{}, err
	}
	defer func() { _ = res.Body.Close() }() // only read
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return token{}, err
	}
	if res.StatusCode != http.StatusOK {
		return token{}, &refusedError{status: res.StatusCode, text: cmp.Or(read[Fields](text).Object("error").Text("message"), res.Status), of: a.Impersonate}
	}
	fields := read[Fields](text)
	until, err := time.Parse(time.RFC3339, fields.Text("expireTime"))
	if err != nil || fields.Text("accessToken") == "" {
		return token{}, NoAnswer("generateAccessToken", "it has no token with an end")
	}
	return token{value: fields.Text("accessToken"), until: until, project: with.project}, nil
}

// refusedError means that a token may not be had for a service account.
type refusedError struct {
	status   int
	text, of string
}

// Error is Google's word, and on whom.
func (e *refusedError) Error() string { return fmt.Sprintf("service account %s: %s", e.of, e.text) }

// remedy is what can be done about there being no token; "" where nobody is named.
func (a acting) remedy(err error) string {
	if refused, ok := errors.AsType[*refusedError](err); ok {
		if refused.status == http.StatusNotFound {
			return "check the address of the service account"
		}
		role := "roles/iam.serviceAccountTokenCreator"
		if a.Provider != "" {
			role = "roles/iam.workloadIdentityUser"
		}
		return fmt.Sprintf("grant %s on service account %s to who asks as it%s", role, a.Impersonate, a.whoAsks())
	}
	if _, missing := errors.AsType[*idtoken.MissingError](err); missing {
		return idtoken.Remedy
	}
	if a.Provider != "" {
		return "let the attribute mapping and condition of " + a.Provider + " take this job's token"
	}
	return ""
}

// whoAsks names the principals of a provider.
func (a acting) whoAsks() string {
	pool, _, found := strings.Cut(a.Provider, "/providers/")
	if !found {
		return ""
	}
	return ": principalSet://iam.googleapis.com/" + pool + "/attribute.repository/" + cmp.Or(a.job.Getenv("GITHUB_REPOSITORY"), "OWNER/REPOSITORY")
}
