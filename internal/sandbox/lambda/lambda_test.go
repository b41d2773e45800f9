package lambda_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/awsapi"
	"sluice/internal/sandbox/lambda"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func config(function, alias string) map[string]string {
	return map[string]string{"function": function, "alias": alias, "region": "eu-west-1"}
}

// two is a pipeline staging → live on one function.
func two(t *testing.T) *pipeline.Pipeline {
	return sandboxtest.Pipeline(t, "lambda",
		[]sandboxtest.Target{{Name: "orders-staging", Config: config("orders", "staging")}},
		[]sandboxtest.Target{{Name: "orders", Config: config("orders", "live")}},
	)
}

// bench is a function with two versions and two aliases, through the SDK.
type bench struct {
	*testing.T
	clock  *sandboxtest.Clock
	server *sandbox.Server
	client *sdk.Client
}

func newBench(t *testing.T, faults ...string) *bench {
	t.Helper()
	clock := sandboxtest.NewClock(start)
	s := sandboxtest.Start(t, sandbox.Options{
		Emulators: []sandbox.Emulator{lambda.New(clock.Now)}, Pipelines: []*pipeline.Pipeline{two(t)}, Faults: sandboxtest.Faults(t, faults...),
	})
	return &bench{t, clock, s, connect(s, s.Env()["AWS_ACCESS_KEY_ID"], "eu-west-1")}
}

func connect(s *sandbox.Server, key, region string) *sdk.Client {
	return sdk.New(sdk.Options{
		BaseEndpoint: aws.String(s.Env()["AWS_ENDPOINT_URL_LAMBDA"]), Region: region,
		Credentials: credentials.NewStaticCredentialsProvider(key, "secret", ""), RetryMaxAttempts: 1,
	})
}

// update changes the alias live. versions and weights that are empty are left out.
func (b *bench) update(version string, weights map[string]float64) (*sdk.UpdateAliasOutput, error) {
	in := &sdk.UpdateAliasInput{FunctionName: aws.String("orders"), Name: aws.String("live")}
	if version != "" {
		in.FunctionVersion = &version
	}
	if weights != nil {
		in.RoutingConfig = &types.AliasRoutingConfiguration{AdditionalVersionWeights: weights}
	}
	return b.client.UpdateAlias(b.Context(), in)
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// wants ends the test unless err is AWS's, with these words.
func (b *bench) wants(err error, status int, code, words string) {
	b.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	response, answered := errors.AsType[*awshttp.ResponseError](err)
	if !ok || !answered || api.ErrorCode() != code || response.HTTPStatusCode() != status || !strings.Contains(api.ErrorMessage(), words) {
		b.Errorf("%v, want %d %s %q", err, status, code, words)
	}
}

func TestConformance(t *testing.T) {
	sandboxtest.RunConformance(t, func() sandbox.Emulator { return lambda.New(sandboxtest.NewClock(start).Now) }, two(t))
}

// The answers that somebody recorded.
func TestRecorded(t *testing.T) {
	b := newBench(t)
	for _, tt := range []struct {
		version string
		weights map[string]float64
		status  int
		code    string
		words   string
	}{
		{"", map[string]float64{"1": 0.1, "2": 0.2}, 400, "InvalidParameterValueException", "Number of items in AdditionalVersionWeights cannot be greater than 1"},
		{"", map[string]float64{"2": 1.5}, 400, "ValidationException", ""},
		{"", map[string]float64{"$LATEST": 0.5}, 400, "ValidationException", "[0-9]+"},
		{"$LATEST", map[string]float64{"2": 0.5}, 400, "InvalidParameterValueException", "$LATEST is not supported for an alias pointing to more than 1 version"},
		{"10", nil, 404, "ResourceNotFoundException", "Function not found: arn:aws:lambda:eu-west-1:000000000000:function:orders:10"},
		{"", map[string]float64{"10": 0.5}, 404, "ResourceNotFoundException", "orders:10"},
	} {
		_, err := b.update(tt.version, tt.weights)
		b.wants(err, tt.status, tt.code, tt.words)
	}
	_, err := b.client.GetAlias(t.Context(), &sdk.GetAliasInput{FunctionName: aws.String("orders"), Name: aws.String("nobody")})
	b.wants(err, 404, "ResourceNotFoundException", "Cannot find alias arn: arn:aws:lambda:eu-west-1:000000000000:function:orders:nobody")
	_, err = b.client.UpdateAlias(t.Context(), &sdk.UpdateAliasInput{FunctionName: aws.String("orders"), Name: aws.String("nobody")})
	b.wants(err, 404, "ResourceNotFoundException", "Alias not found: ")
	if got := len(b.server.Effects()); got != 0 {
		t.Errorf("%d refusals had an effect", got)
	}
}

// What is left out of an update stays, and an empty map takes weights away.
func TestWeights(t *testing.T) {
	b := newBench(t)
	first, err := b.update("", map[string]float64{"2": 0.1})
	b.must(err)
	_, err = b.update("2", nil)
	b.wants(err, 400, "InvalidParameterValueException", "Invalid function version 2. Function version 2 is already included in routing configuration.")
	_, err = b.client.UpdateAlias(t.Context(), &sdk.UpdateAliasInput{FunctionName: aws.String("orders"), Name: aws.String("live"), RevisionId: first.RevisionId, Description: aws.String("x")})
	b.must(err)
	_, err = b.client.UpdateAlias(t.Context(), &sdk.UpdateAliasInput{FunctionName: aws.String("orders"), Name: aws.String("live"), RevisionId: first.RevisionId})
	b.wants(err, 412, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id.")
	out, err := b.update("", nil)
	b.must(err)
	if out.RoutingConfig.AdditionalVersionWeights["2"] != 0.1 || *out.Description != "x" {
		t.Errorf("%+v lost what the update left out", out)
	}
	out, err = b.update("2", map[string]float64{})
	b.must(err)
	if out.RoutingConfig != nil || *out.FunctionVersion != "2" {
		t.Errorf("%+v still has weights", out)
	}
}

func TestProvisionedConcurrency(t *testing.T) {
	b := newBench(t)
	in := &sdk.GetProvisionedConcurrencyConfigInput{FunctionName: aws.String("orders"), Qualifier: aws.String("live")}
	_, err := b.client.GetProvisionedConcurrencyConfig(t.Context(), in)
	b.wants(err, 404, "ProvisionedConcurrencyConfigNotFoundException", "")
	_, err = b.client.PutProvisionedConcurrencyConfig(t.Context(), &sdk.PutProvisionedConcurrencyConfigInput{
		FunctionName: in.FunctionName, Qualifier: in.Qualifier, ProvisionedConcurrentExecutions: aws.Int32(3),
	})
	b.must(err)
	_, err = b.update("", map[string]float64{"2": 0.1})
	b.wants(err, 400, "InvalidParameterValueException", "Invalid alias configuration for Provisioned Concurrency")
	out, err := b.update("2", nil)
	b.must(err)
	if *out.FunctionVersion != "2" || out.RoutingConfig != nil {
		t.Errorf("answered %+v", out)
	}
	read := &sdk.GetAliasInput{FunctionName: aws.String("orders"), Name: aws.String("live")}
	a, err := b.client.GetAlias(t.Context(), read)
	b.must(err)
	if a.RoutingConfig.AdditionalVersionWeights["1"] != 1 {
		t.Errorf("meanwhile %+v", a)
	}
	_, err = b.update("1", nil)
	b.wants(err, 400, "InvalidParameterValueException", "Invalid alias configuration for Provisioned Concurrency")
	b.clock.Move(time.Minute)
	if a, err = b.client.GetAlias(t.Context(), read); err != nil || a.RoutingConfig != nil {
		t.Errorf("warm, and still %+v, %v", a, err)
	}
}

// Every effect of a driver is recognised, by what is sent and what stands.
func TestEffects(t *testing.T) {
	b := newBench(t)
	for _, step := range []struct {
		version string
		weights map[string]float64
	}{
		{"", map[string]float64{"2": 0.1}}, {"", map[string]float64{}}, {"", map[string]float64{"2": 0.1}}, {"1", map[string]float64{}},
		{"", map[string]float64{"2": 0.1}}, {"2", map[string]float64{}}, {"1", nil}, {"2", nil}, {"", nil},
	} {
		_, err := b.update(step.version, step.weights)
		b.must(err)
	}
	_, err := b.client.PublishVersion(t.Context(), &sdk.PublishVersionInput{FunctionName: aws.String("orders")})
	b.must(err)
	want := []string{"weight", "disable", "weight", "rollback", "weight", "stable", "rollback", "deploy", "other", "other"}
	var got []string
	for _, e := range b.server.Effects() {
		got = append(got, e.Kind)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("effects %v, want %v", got, want)
	}
}

// Publishing what has not changed makes nothing.
func TestPublish(t *testing.T) {
	b := newBench(t)
	in := &sdk.PublishVersionInput{FunctionName: aws.String("orders"), Description: aws.String("commit 1")}
	out, err := b.client.PublishVersion(t.Context(), in)
	b.must(err)
	if *out.Version != "2" {
		t.Errorf("published %s of what had not changed", *out.Version)
	}
	_, err = b.client.UpdateFunctionCode(t.Context(), &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("orders"), ZipFile: []byte("new")})
	b.must(err)
	if out, err = b.client.PublishVersion(t.Context(), in); err != nil || *out.Version != "3" || *out.Description != "commit 1" {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestRefusals(t *testing.T) {
	b := newBench(t, "orders:weight:throttle", "orders:weight#2:deny", "orders:weight#3:error")
	weigh := func() error { _, err := b.update("", map[string]float64{"2": 0.1}); return err }
	b.wants(weigh(), 429, "TooManyRequestsException", "")
	b.wants(weigh(), 403, "AccessDeniedException", "not authorized to perform: lambda:UpdateAlias on resource: arn:aws:lambda:eu-west-1:000000000000:function:orders")
	b.wants(weigh(), 500, "InternalFailure", "")
	b.must(weigh())
	read := &sdk.GetAliasInput{FunctionName: aws.String("orders"), Name: aws.String("live")}
	_, err := connect(b.server, awsapi.RejectedKeyID, "eu-west-1").GetAlias(t.Context(), read)
	b.wants(err, 403, "UnrecognizedClientException", "")
	_, err = connect(b.server, "ANY", "us-west-2").GetAlias(t.Context(), read)
	b.wants(err, 404, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-west-2:")
}

// The unmodified aws CLI gives a version a share, promotes it and goes back.
func TestCLI(t *testing.T) {
	b := newBench(t)
	var a struct {
		FunctionVersion, RevisionID string
		RoutingConfig               *struct{ AdditionalVersionWeights map[string]float64 }
	}
	run := func(args ...string) string {
		a.RoutingConfig = nil
		return sandboxtest.AWS(t, b.server, "AWS_ENDPOINT_URL_LAMBDA", &a, append([]string{"lambda"}, args...)...)
	}
	live := []string{"--function-name", "orders", "--name", "live"}
	if refused := run(append([]string{"update-alias", "--routing-config", `{"AdditionalVersionWeights": {"2": 0.1}}`}, live...)...); refused != "" || a.RoutingConfig == nil || a.RoutingConfig.AdditionalVersionWeights["2"] != 0.1 {
		t.Fatalf("%+v %s", a, refused)
	}
	if refused := run(append([]string{"update-alias", "--function-version", "2", "--routing-config", `{"AdditionalVersionWeights": {}}`}, live...)...); refused != "" || a.RoutingConfig != nil || a.FunctionVersion != "2" {
		t.Errorf("%+v %s", a, refused)
	}
	if refused := run(append([]string{"update-alias", "--function-version", "1", "--revision-id", "stale"}, live...)...); !strings.Contains(refused, "(PreconditionFailedException) when calling the UpdateAlias operation") {
		t.Errorf("the CLI says %q", refused)
	}
	if refused := run(append([]string{"get-alias"}, live...)...); refused != "" || a.FunctionVersion != "2" {
		t.Errorf("%+v %s", a, refused)
	}
}
