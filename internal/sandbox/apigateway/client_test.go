package apigateway_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/smithy-go"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/apigateway"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// serve starts an API Gateway with nothing in it, unless o says otherwise.
func serve(tb testing.TB, o sandbox.Options) *sandbox.Server {
	tb.Helper()
	if o.Emulators == nil {
		o.Emulators = []sandbox.Emulator{apigateway.New(sandboxtest.NewClock(start).Now)}
	}
	return sandboxtest.Start(tb, o)
}

// connect is an SDK client that never retries, in the server's own environment.
func connect(s *sandbox.Server, options ...func(*sdk.Options)) *sdk.Client {
	env := s.Env()
	return sdk.New(sdk.Options{
		BaseEndpoint:     aws.String(env["AWS_ENDPOINT_URL_API_GATEWAY"]),
		Region:           env["AWS_REGION"],
		Credentials:      credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], ""),
		RetryMaxAttempts: 1,
	}, options...)
}

// two is a pipeline dev → prod on one REST API.
func two(tb testing.TB) *pipeline.Pipeline {
	return sandboxtest.Pipeline(tb, "apigateway",
		[]sandboxtest.Target{{Name: "api-dev", Config: map[string]string{"restApi": "a1b2c3d4e5", "stage": "dev", "region": "eu-west-1"}}},
		[]sandboxtest.Target{{Name: "api", Config: map[string]string{"restApi": "a1b2c3d4e5", "stage": "prod", "region": "eu-west-1"}}},
	)
}

// bench is an API with a stage prod and two deployments, old and new, for one
// test.
type bench struct {
	*testing.T
	client         *sdk.Client
	clock          *sandboxtest.Clock
	api, old, next string
}

// newBench makes one; the stage runs old with variables sv1=val1, own=stays.
func newBench(t *testing.T) bench {
	t.Helper()
	clock := sandboxtest.NewClock(start)
	s := serve(t, sandbox.Options{Emulators: []sandbox.Emulator{apigateway.New(clock.Now)}})
	b := bench{T: t, client: connect(s), clock: clock}
	api, err := b.client.CreateRestApi(t.Context(), &sdk.CreateRestApiInput{Name: aws.String("shop")})
	b.must(err)
	b.api = *api.Id
	for _, id := range []*string{&b.old, &b.next} {
		d, err := b.client.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{RestApiId: &b.api})
		b.must(err)
		*id = *d.Id
	}
	_, err = b.client.CreateStage(t.Context(), &sdk.CreateStageInput{
		RestApiId: &b.api, StageName: aws.String("prod"), DeploymentId: &b.old, Description: aws.String("the shop"),
		Variables: map[string]string{"sv1": "val1", "own": "stays"},
	})
	b.must(err)
	return b
}

func (b bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// stage reads the stage as JSON that can be compared.
func (b bench) stage() string {
	b.Helper()
	s, err := b.client.GetStage(b.Context(), &sdk.GetStageInput{RestApiId: &b.api, StageName: aws.String("prod")})
	b.must(err)
	return shape(b, s.DeploymentId, s.Variables, s.CanarySettings)
}

// patch updates the stage and returns it as JSON that can be compared, like
// stage.
func (b bench) patch(ops ...types.PatchOperation) (string, error) {
	b.Helper()
	s, err := b.client.UpdateStage(b.Context(), &sdk.UpdateStageInput{RestApiId: &b.api, StageName: aws.String("prod"), PatchOperations: ops})
	if err != nil {
		return "", err
	}
	return shape(b, s.DeploymentId, s.Variables, s.CanarySettings), nil
}

// shape is what a canary is about, with old and new for the deployments.
func shape(b bench, deployment *string, variables map[string]string, canary *types.CanarySettings) string {
	b.Helper()
	type canaryShape struct {
		ID        string
		Percent   float64
		Overrides map[string]string `json:",omitempty"`
		Cache     bool              `json:",omitempty"`
	}
	s := struct {
		ID        string
		Variables map[string]string `json:",omitempty"`
		Canary    *canaryShape      `json:",omitempty"`
	}{ID: *deployment, Variables: variables}
	if canary != nil {
		s.Canary = &canaryShape{*canary.DeploymentId, canary.PercentTraffic, canary.StageVariableOverrides, canary.UseStageCache}
	}
	text, err := json.Marshal(s)
	b.must(err)
	return strings.NewReplacer(b.old, "old", b.next, "new", `"`, "").Replace(string(text))
}

func replace(path, value string) types.PatchOperation {
	return types.PatchOperation{Op: types.OpReplace, Path: &path, Value: &value}
}

func remove(path string) types.PatchOperation {
	return types.PatchOperation{Op: types.OpRemove, Path: &path}
}

func copyFrom(from, to string) types.PatchOperation {
	return types.PatchOperation{Op: types.OpCopy, From: &from, Path: &to}
}

// promotion is the documented three operations, in their order.
func promotion() []types.PatchOperation {
	return []types.PatchOperation{
		replace("/canarySettings/percentTraffic", "0.0"),
		copyFrom("/canarySettings/stageVariableOverrides", "/variables"),
		copyFrom("/canarySettings/deploymentId", "/deploymentId"),
	}
}

// wantError checks the status, the exception and a part of the message.
func wantError(tb testing.TB, err error, status int, name, message string) {
	tb.Helper()
	var api smithy.APIError
	var answer *awshttp.ResponseError
	if !errors.As(err, &api) || !errors.As(err, &answer) {
		tb.Fatalf("error %v, want %s", err, name)
	}
	if answer.HTTPStatusCode() != status || api.ErrorCode() != name || !strings.Contains(api.ErrorMessage(), message) {
		tb.Errorf("refused with %d %s %q, want %d %s %q", answer.HTTPStatusCode(), api.ErrorCode(), api.ErrorMessage(), status, name, message)
	}
	if answer.ServiceRequestID() == "" {
		tb.Error("no request id")
	}
}

// badRequest checks a 400.
func badRequest(tb testing.TB, err error, message string) {
	tb.Helper()
	wantError(tb, err, http.StatusBadRequest, "BadRequestException", message)
}
