package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

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
	name, endpoint := awssend.Endpoint(env.Getenv, Endpoints()...)
	if endpoint != "" {
		if err := driver.CheckEndpoint(name, endpoint); err != nil {
			return nil, err
		}
	}
	as, err := driver.As[awssend.Identity](env.Identity)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	cfg, err := awssend.Load(ctx, awssend.Options{
		Getenv: env.Getenv, Keep: env.Keep, Identity: as, Sessions: env.Sessions, Check: driver.CheckEndpoint, Region: region, Attempts: attempts, MaxBackoff: maxBackoff,
		Client: &http.Client{Transport: transport.New(env.Transport, transport.Options{}), CheckRedirect: transport.CheckRedirect},
	})
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" {
		return nil, errors.New("no AWS region is set: give the check the key region, or set AWS_REGION")
	}
	return &Client{api: cloudwatch.NewFromConfig(cfg, func(o *cloudwatch.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	})}, nil
}
