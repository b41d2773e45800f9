// Package amazon is how drivers reach AWS's APIs: the endpoint and its override,
// the configuration of AWS's SDK, what an answer lacks, and what an error says
// about the request. It knows no platform; AWS's own clients do the calls.
package amazon

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"sluice/internal/awssend"
	"sluice/stages/driver"
)

const (
	requestTimeout = 30 * time.Second // of one request; a control-plane call answers within a few
	anyURL         = "AWS_ENDPOINT_URL"
)

// Secrets are the environment variables that hold AWS's credentials.
func Secrets() []string {
	return []string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"}
}

// Login is how a job gets them: GitHub's token is exchanged for those of a role.
func Login() driver.Login {
	return driver.Login{
		Steps: `- uses: aws-actions/configure-aws-credentials@00943011d9042930efac3dcd3a170e4273319bc8 # v5.1.0
  with:
    role-to-assume: ${{ vars.AWS_ROLE_ARN }}
    aws-region: ${{ vars.AWS_REGION }}
    role-duration-seconds: 3600
`,
		IDToken: true, Variables: []string{"AWS_ROLE_ARN", "AWS_REGION"},
	}
}

// The pattern of a key that names a region, and what it wants in words.
const (
	RegionPattern = `[a-z]{2}(-[a-z]+)+-[0-9]+`
	RegionHint    = "an AWS region, such as eu-west-1"
)

// Config is what clients of AWS's services are made of.
type Config struct {
	aws.Config
	endpoint string // the environment's override, "" for AWS itself
}

// Open configures AWS's SDK with its own credential chain, regions and endpoint
// overrides. service is the service's name in AWS_ENDPOINT_URL_…: "API_GATEWAY".
// It sends nothing. An error may be a [*driver.OpenError].
func Open(ctx context.Context, env driver.Env, service string) (Config, error) {
	if env.Getenv == nil {
		env.Getenv = func(string) string { return "" }
	}
	endpoint, err := endpointOf(env, service)
	if err != nil {
		return Config{}, err
	}
	as, err := driver.As[awssend.Identity](env.Identity)
	if err != nil {
		return Config{}, &driver.OpenError{Explanation: driver.Explanation{Code: driver.Invalid}, Err: fmt.Errorf("identity: %w", err)}
	}
	cfg, err := awssend.Load(ctx, awssend.Options{
		Getenv: env.Getenv, Client: client(env), Keep: env.Keep, Identity: as, Sessions: env.Sessions, Check: driver.CheckEndpoint,
	})
	if err != nil {
		return Config{}, &driver.OpenError{
			Explanation: driver.Explanation{Code: driver.Invalid, Remedy: "check the AWS_ variables and the AWS profile"},
			Err:         err,
		}
	}
	return Config{Config: cfg, endpoint: endpoint}, nil
}

// Also is the same configuration for another service, which has an endpoint of its own:
// service is its name in AWS_ENDPOINT_URL_….
func (c Config) Also(env driver.Env, service string) (Config, error) {
	endpoint, err := endpointOf(env, service)
	c.endpoint = endpoint
	return c, err
}

// endpointOf is the environment's override for a service, "" for AWS itself.
func endpointOf(env driver.Env, service string) (string, error) {
	if env.Getenv == nil {
		return "", nil
	}
	name, endpoint := awssend.Endpoint(env.Getenv, anyURL+"_"+service, anyURL)
	if endpoint == "" {
		return "", nil
	}
	return endpoint, driver.CheckEndpoint(name, endpoint)
}

func client(env driver.Env) *http.Client {
	transport := env.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	return &http.Client{
		Transport: transport,
		Timeout:   requestTimeout,
		// A redirect is never followed: it would carry credentials and effects elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Set is what every client's options are set to: the endpoint, and a retryer that
// sends once. What may be repeated, and how long, is decided above; the credential
// chain has its own retries.
func (c Config) Set(endpoint **string, retryer *aws.Retryer) {
	*retryer = aws.NopRetryer{}
	if c.endpoint != "" {
		*endpoint = &c.endpoint
	}
}

// Check refuses the endpoint that a client came to, which a profile may set too.
func Check(endpoint *string) error {
	if endpoint == nil {
		return nil
	}
	return driver.CheckEndpoint("endpoint_url", *endpoint)
}

// RegionOr is the region that a target names, else the client's own. It is an
// [*InvalidError] where neither is known.
func RegionOr(region, own string) (string, error) {
	switch {
	case region != "":
		return region, nil
	case own != "":
		return own, nil
	default:
		return "", &InvalidError{Text: "no AWS region is known", Remedy: "give the target a region, or set AWS_REGION"}
	}
}
