package apigateway

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// Open connects with AWS's own configuration: its default credential chain,
// regions and endpoint overrides. It sends nothing.
func Open(ctx context.Context, env driver.Env) (driver.Driver, error) {
	cfg, err := amazon.Open(ctx, env, "API_GATEWAY")
	if err != nil {
		return nil, err
	}
	client := apigateway.NewFromConfig(cfg.Config, func(o *apigateway.Options) { cfg.Set(&o.BaseEndpoint, &o.Retryer) })
	if err := amazon.Check(client.Options().BaseEndpoint); err != nil {
		return nil, err
	}
	cfg, err = cfg.Also(env, "APIGATEWAYV2")
	if err != nil {
		return nil, err
	}
	domains := apigatewayv2.NewFromConfig(cfg.Config, func(o *apigatewayv2.Options) { cfg.Set(&o.BaseEndpoint, &o.Retryer) })
	if err := amazon.Check(domains.Options().BaseEndpoint); err != nil {
		return nil, err
	}
	return &gateway{client: client, domains: domains, now: env.Time, atOnce: env.AtOnce()}, nil
}
