package apigateway_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/smithy-go"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
)

func spoiled(t *testing.T, faults ...string) *sandbox.Server {
	return serve(t, sandbox.Options{Pipelines: []*pipeline.Pipeline{two(t)}, Faults: sandboxtest.Faults(t, faults...)})
}

// weigh starts a canary on prod.
func weigh(t *testing.T, c *sdk.Client) error {
	_, err := c.UpdateStage(t.Context(), &sdk.UpdateStageInput{
		RestApiId: aws.String("a1b2c3d4e5"), StageName: aws.String("prod"),
		PatchOperations: []types.PatchOperation{replace("/canarySettings/percentTraffic", "10.5")},
	})
	return err
}

func prod(t *testing.T, c *sdk.Client) *sdk.GetStageOutput {
	t.Helper()
	s, err := c.GetStage(t.Context(), &sdk.GetStageInput{RestApiId: aws.String("a1b2c3d4e5"), StageName: aws.String("prod")})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRefusalsAreAWSs(t *testing.T) {
	s := spoiled(t, "api:weight:throttle", "api:weight#2:deny", "api:weight#3:error", "api-dev:weight:drop")
	c := connect(s)
	err := weigh(t, c)
	wantError(t, err, 429, "TooManyRequestsException", "Too Many Requests")
	if throttled := (*types.TooManyRequestsException)(nil); !errors.As(err, &throttled) {
		t.Errorf("the SDK does not know %T", err)
	}
	wantError(t, weigh(t, c), 403, "AccessDeniedException", "not authorized to perform: apigateway:PATCH on resource: arn:aws:apigateway:eu-west-1::/restapis/a1b2c3d4e5/stages/prod")
	wantError(t, weigh(t, c), 500, "InternalFailure", "Internal failure")
	if prod(t, c).CanarySettings != nil || len(s.Effects()) != 0 {
		t.Errorf("a refusal had an effect: %v", s.Effects())
	}
	if err := weigh(t, c); err != nil {
		t.Errorf("after the faults: %v", err)
	}
}

// The SDK's own retries see the throttling for what it is.
func TestThrottledTwice(t *testing.T) {
	s := spoiled(t, "api:weight:throttle=2")
	c := connect(s, func(o *sdk.Options) {
		o.RetryMaxAttempts = 3
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	})
	if err := weigh(t, c); err != nil {
		t.Fatal(err)
	}
	if len(s.Requests()) != 3 || len(s.Effects()) != 1 {
		t.Errorf("%d requests, effects %v; want three and one", len(s.Requests()), s.Effects())
	}
}

func TestLostAnswer(t *testing.T) {
	s := spoiled(t, "api:weight:cut")
	c := connect(s)
	err := weigh(t, c)
	if answered := smithy.APIError(nil); err == nil || errors.As(err, &answered) {
		t.Fatalf("answered with %v, want no answer", err)
	}
	if canary := prod(t, c).CanarySettings; canary == nil || canary.PercentTraffic != 10.5 {
		t.Errorf("the effect was lost with the answer: %+v", canary)
	}
	if len(s.Effects()) != 1 {
		t.Errorf("effects: %v, want one", s.Effects())
	}
}

func TestDroppedRequest(t *testing.T) {
	s := spoiled(t, "api:weight:drop")
	c := connect(s)
	if err := weigh(t, c); err == nil {
		t.Fatal("answered")
	}
	if prod(t, c).CanarySettings != nil || len(s.Effects()) != 0 {
		t.Errorf("the request took effect: %v", s.Effects())
	}
}

// Somebody else deploys by hand just before our request.
func TestForeignChange(t *testing.T) {
	s := spoiled(t, "api:weight:foreign")
	c := connect(s)
	before := *prod(t, c).DeploymentId
	if err := weigh(t, c); err != nil {
		t.Fatal(err)
	}
	after := prod(t, c)
	if *after.DeploymentId == before || after.CanarySettings == nil {
		t.Errorf("stage runs %s as before, canary %v", *after.DeploymentId, after.CanarySettings)
	}
	d, err := c.GetDeployment(t.Context(), &sdk.GetDeploymentInput{RestApiId: aws.String("a1b2c3d4e5"), DeploymentId: after.DeploymentId})
	if err != nil || *d.Description != "by hand, past the pipeline" {
		t.Errorf("the foreign deployment: %+v, %v", d, err)
	}
	if len(s.Effects()) != 1 {
		t.Errorf("effects: %v; somebody else's is not among ours", s.Effects())
	}
}

func TestForeignChangeOfWhatIsGone(t *testing.T) {
	s := spoiled(t, "api:read#1:foreign")
	c := connect(s)
	if _, err := c.DeleteStage(t.Context(), &sdk.DeleteStageInput{RestApiId: aws.String("a1b2c3d4e5"), StageName: aws.String("prod")}); err != nil {
		t.Fatal(err)
	}
	_, err := c.GetStage(t.Context(), &sdk.GetStageInput{RestApiId: aws.String("a1b2c3d4e5"), StageName: aws.String("prod")})
	if err == nil {
		t.Error("a fault that cannot happen was passed over in silence")
	}
}
