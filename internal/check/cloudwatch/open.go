package cloudwatch

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/smithy-go/middleware"

	"sluice/internal/awssend"
	"sluice/internal/transport"
	"sluice/stages/driver"
)

const (
	attempts   = 3
	maxBackoff = 2 * time.Second
)

// Endpoints are the environment variables that name another server, in the order
// in which they count.
func Endpoints() []string { return []string{"AWS_ENDPOINT_URL_CLOUDWATCH", "AWS_ENDPOINT_URL"} }

// Open connects with AWS's default credential chain and its own endpoint
// overrides. region "" is the environment's. It sends nothing.
func Open(ctx context.Context, env driver.Env, region string) (*Client, error) {
	endpoint, err := endpointOf(env)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: transport.New(env.Transport, transport.Options{}), CheckRedirect: transport.CheckRedirect}
	cfg, err := config.LoadDefaultConfig(ctx, load(env, region, client)...)
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" {
		return nil, errors.New("no AWS region is set: give the check the key region, or set AWS_REGION")
	}
	awssend.Trust(cfg, client)
	cfg.Credentials = aws.NewCredentialsCache(kept{cfg.Credentials, env})
	return &Client{api: cloudwatch.NewFromConfig(cfg, func(o *cloudwatch.Options) {
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
	})}, nil
}

// endpointOf is the endpoint override, "" for AWS itself.
func endpointOf(env driver.Env) (string, error) {
	for _, name := range Endpoints() {
		if url := env.Getenv(name); url != "" {
			return url, driver.CheckEndpoint(name, url)
		}
	}
	return "", nil
}

func load(env driver.Env, region string, client *http.Client) []func(*config.LoadOptions) error {
	send := awssend.Sender{Client: func(string) *http.Client { return client }, Before: func(http.Header) {}}
	all := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient()), // which sends nothing
		config.WithAPIOptions([]func(*middleware.Stack) error{send.Install}),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(r *retry.StandardOptions) { r.MaxAttempts, r.MaxBackoff = attempts, maxBackoff })
		}),
	}
	for _, from := range []string{region, env.Getenv("AWS_REGION"), env.Getenv("AWS_DEFAULT_REGION")} {
		if from != "" {
			all = append(all, config.WithRegion(from))
			break
		}
	}
	if id, secret := env.Getenv("AWS_ACCESS_KEY_ID"), env.Getenv("AWS_SECRET_ACCESS_KEY"); id != "" && secret != "" {
		all = append(all, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(id, secret, env.Getenv("AWS_SESSION_TOKEN"))))
	}
	return all
}

// kept tells the environment of the credentials that the chain hands out, before
// their first use.
type kept struct {
	chain aws.CredentialsProvider
	env   driver.Env
}

// Retrieve asks the chain.
func (k kept) Retrieve(ctx context.Context) (aws.Credentials, error) {
	got, err := k.chain.Retrieve(ctx)
	if err != nil {
		return got, err
	}
	for _, value := range []string{got.SecretAccessKey, got.SessionToken, got.AccessKeyID} {
		k.env.Keep(value)
	}
	return got, nil
}
