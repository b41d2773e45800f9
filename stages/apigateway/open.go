package apigateway

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/smithy-go/middleware"

	"sluice/internal/awssend"
	"sluice/stages/driver"
)

const (
	requestTimeout  = 30 * time.Second // of one request; a control-plane call answers within a few
	metadataTimeout = time.Second
	serviceURL      = "AWS_ENDPOINT_URL_API_GATEWAY"
	anyURL          = "AWS_ENDPOINT_URL"
)

// Open connects with AWS's own configuration: its default credential chain,
// regions and endpoint overrides. It sends nothing.
func Open(ctx context.Context, env driver.Env) (driver.Driver, error) {
	if env.Getenv == nil {
		env.Getenv = func(string) string { return "" }
	}
	endpoint, err := endpointOf(env)
	if err != nil {
		return nil, err
	}
	send := newSender(env)
	cfg, err := config.LoadDefaultConfig(ctx, options(env, send)...)
	if err != nil {
		return nil, &driver.OpenError{
			Explanation: driver.Explanation{Code: driver.Invalid, Remedy: "check the AWS_ variables and the AWS profile"},
			Err:         err,
		}
	}
	awssend.Trust(cfg, send.client)
	cfg.Credentials = &keptCredentials{chain: cfg.Credentials, env: env}
	client := apigateway.NewFromConfig(cfg, func(o *apigateway.Options) {
		o.Retryer = aws.NopRetryer{} // what may be repeated, and how long, is decided above; the credential chain has its own retries
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
	})
	if base := client.Options().BaseEndpoint; base != nil { // a profile may set one too
		if err := driver.CheckEndpoint("endpoint_url", *base); err != nil {
			return nil, err
		}
	}
	return &gateway{client: client, now: env.Time, atOnce: env.AtOnce()}, nil
}

// endpointOf is the endpoint override, "" for AWS itself.
func endpointOf(env driver.Env) (string, error) {
	for _, name := range []string{serviceURL, anyURL} {
		if url := env.Getenv(name); url != "" {
			return url, driver.CheckEndpoint(name, url)
		}
	}
	return "", nil
}

func options(env driver.Env, send *sender) []func(*config.LoadOptions) error {
	all := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient()), // which sends nothing
		config.WithAPIOptions([]func(*middleware.Stack) error{send.install}),
		config.WithEC2RoleCredentialOptions(func(o *ec2rolecreds.Options) { o.Client = metadata(env, send) }),
	}
	if region := firstSet(env, "AWS_REGION", "AWS_DEFAULT_REGION"); region != "" {
		all = append(all, config.WithRegion(region))
	}
	if id, secret := env.Getenv("AWS_ACCESS_KEY_ID"), env.Getenv("AWS_SECRET_ACCESS_KEY"); id != "" && secret != "" {
		static := credentials.NewStaticCredentialsProvider(id, secret, env.Getenv("AWS_SESSION_TOKEN"))
		all = append(all, config.WithCredentialsProvider(static))
	}
	return all
}

// metadata asks EC2's metadata service once: outside EC2 nobody answers there,
// and a job without credentials should hear so at once.
func metadata(env driver.Env, send *sender) *imds.Client {
	quick := *send.client
	quick.Timeout = metadataTimeout
	return imds.New(imds.Options{
		Retryer: aws.NopRetryer{}, Endpoint: env.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"),
		HTTPClient: metadataClient{client: &quick, send: send},
	})
}

// metadataClient is the metadata service's, which the SDK gives no middleware.
type metadataClient struct {
	client *http.Client
	send   *sender
}

// Do tells of the instance's token before its first use.
func (c metadataClient) Do(r *http.Request) (*http.Response, error) {
	c.send.keep(r.Header)
	return c.client.Do(r)
}

func firstSet(env driver.Env, names ...string) string {
	for _, name := range names {
		if value := env.Getenv(name); value != "" {
			return value
		}
	}
	return ""
}

// keptCredentials tells the environment of the credentials that the chain
// hands out, before their first use: those of a profile, of SSO, OIDC or an
// instance stand in no variable. What the chain says instead it marks: such an
// error means that the request was never sent.
type keptCredentials struct {
	chain aws.CredentialsProvider
	env   driver.Env
	kept  sync.Map // secret access keys that were told
}

// Retrieve asks the chain.
func (c *keptCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	got, err := c.chain.Retrieve(ctx)
	if err != nil {
		return got, &credentialsError{err}
	}
	if _, told := c.kept.LoadOrStore(got.SecretAccessKey, true); !told {
		for _, value := range []string{got.SecretAccessKey, got.SessionToken, got.AccessKeyID} {
			c.env.Keep(value)
		}
	}
	return got, nil
}

type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return "no AWS credentials: " + e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// RetryableError tells the SDK that asking again changes nothing; the chain
// has its own retries.
func (e *credentialsError) RetryableError() bool { return false }
