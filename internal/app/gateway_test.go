package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/rogpeppe/go-internal/testscript"

	"sluice/internal/sandbox"
	emulators "sluice/internal/sandbox/all"
	"sluice/pipeline"
	"sluice/stages/all"
	"sluice/stages/driver"
)

// restAPI is the REST API of every story's pipeline.
const restAPI = "a1b2c3d4e5"

// gateway is API Gateway in a story, past Sluice and by Amazon's own client:
//
//	gateway serve FILE [FAULT…]       serves the emulator, seeded from FILE; programs without --sandbox reach it, those with it share its state
//	gateway deployment VARIABLE       makes a deployment and puts its id into a variable
//	gateway patch STAGE OP PATH [V]…  one UpdateStage: replace PATH VALUE, copy PATH FROM, remove PATH
//	gateway stage STAGE               prints a stage: its deployment, variables and canary
//	gateway ask DOMAIN [HEADER VALUE] prints what stage and deployment a request to a domain is answered by
//	gateway unrule DOMAIN             takes a domain's routing rules away, by hand
//	gateway effects                   prints the effects that the emulator served, in order, or "no effects"
func gateway(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) == 0 {
		ts.Fatalf("usage: gateway serve, deployment, patch, stage, ask, unrule or effects")
	}
	ctx := context.Background()
	switch verb, rest := args[0], args[1:]; {
	case verb == "serve" && len(rest) > 0:
		serve(ctx, ts, rest[0], rest[1:])
	case verb == "deployment" && len(rest) == 1:
		out, err := client(ts).CreateDeployment(ctx, &sdk.CreateDeploymentInput{RestApiId: aws.String(restAPI)})
		ts.Check(err)
		ts.Setenv(rest[0], aws.ToString(out.Id))
	case verb == "patch" && len(rest) > 1:
		_, err := client(ts).UpdateStage(ctx, &sdk.UpdateStageInput{RestApiId: aws.String(restAPI), StageName: &rest[0], PatchOperations: operations(ts, rest[1:])})
		ts.Check(err)
	case verb == "stage" && len(rest) == 1:
		out, err := client(ts).GetStage(ctx, &sdk.GetStageInput{RestApiId: aws.String(restAPI), StageName: &rest[0]})
		ts.Check(err)
		printStage(ts.Stdout(), out)
	case verb == "ask" && (len(rest) == 1 || len(rest) == 3):
		ask(ctx, ts, rest[0], rest[1:])
	case verb == "unrule" && len(rest) == 1:
		unrule(ctx, ts, rest[0])
	case verb == "effects":
		printEffects(ts.Stdout(), served(ts).Effects())
	default:
		ts.Fatalf("gateway %s: no such command", strings.Join(args, " "))
	}
}

type serverKey struct{}

// serve starts the emulator with the state that --sandbox shares.
func serve(ctx context.Context, ts *testscript.TestScript, file string, faults []string) {
	facts := []driver.Facts{}
	for _, p := range all.Platforms() {
		facts = append(facts, p.Facts)
	}
	p, problems := pipeline.Parse(file, []byte(ts.ReadFile(file)), facts)
	if pipeline.Failed(problems) {
		ts.Fatalf("%s", pipeline.Format(problems))
	}
	options := sandbox.Options{
		Dir: ts.MkAbs(".sluice/sandbox"), Pipelines: []*pipeline.Pipeline{p}, Emulators: emulators.Emulators(ofStory(ts.Getenv(storyTime)).Now),
	}
	for _, text := range faults {
		f, err := sandbox.ParseFault(text)
		ts.Check(err)
		options.Faults = append(options.Faults, f)
	}
	server, err := sandbox.Start(ctx, options)
	ts.Check(err)
	ts.Defer(server.Close)
	for name, value := range server.Env() {
		ts.Setenv(name, value)
	}
	servers(ts)[serverKey{}] = server
}

// servers keeps a story's emulator.
func servers(ts *testscript.TestScript) map[serverKey]*sandbox.Server {
	return ts.Value(serverKey{}).(map[serverKey]*sandbox.Server)
}

func served(ts *testscript.TestScript) *sandbox.Server {
	server := servers(ts)[serverKey{}]
	if server == nil {
		ts.Fatalf("gateway serve FILE comes first")
	}
	return server
}

// client is Amazon's own, on the story's emulator.
func client(ts *testscript.TestScript) *sdk.Client {
	env := served(ts).Env()
	return sdk.New(sdk.Options{
		BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL_API_GATEWAY"]), Region: env["AWS_REGION"],
		Credentials: credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], ""),
	})
}

// ask sends a request to a domain, as anybody does who uses the API.
func ask(ctx context.Context, ts *testscript.TestScript, domain string, header []string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, served(ts).Env()["AWS_ENDPOINT_URL_API_GATEWAY"]+"/orders", nil)
	ts.Check(err)
	request.Host = domain
	if len(header) > 0 {
		request.Header.Set(header[0], header[1])
	}
	answer, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer answer.Body.Close() //nolint:errcheck // read
	var told struct{ Stage, Deployment string }
	ts.Check(json.NewDecoder(answer.Body).Decode(&told))
	_, _ = fmt.Fprintln(ts.Stdout(), "stage", told.Stage, "deployment", told.Deployment) // into memory
}

// unrule takes all of a domain's rules away.
func unrule(ctx context.Context, ts *testscript.TestScript, domain string) {
	env := served(ts).Env()
	c := apigatewayv2.New(apigatewayv2.Options{
		BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL_APIGATEWAYV2"]), Region: env["AWS_REGION"],
		Credentials: credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], ""),
	})
	out, err := c.ListRoutingRules(ctx, &apigatewayv2.ListRoutingRulesInput{DomainName: &domain})
	ts.Check(err)
	for _, r := range out.RoutingRules {
		_, err := c.DeleteRoutingRule(ctx, &apigatewayv2.DeleteRoutingRuleInput{DomainName: &domain, RoutingRuleId: r.RoutingRuleId})
		ts.Check(err)
	}
}

func operations(ts *testscript.TestScript, words []string) []types.PatchOperation {
	var ops []types.PatchOperation
	for len(words) > 1 {
		op := types.PatchOperation{Op: types.Op(words[0]), Path: aws.String(words[1])}
		size := 3
		switch {
		case words[0] == "remove":
			size = 2
		case len(words) < 3:
			ts.Fatalf("%s %s wants a third word", words[0], words[1])
		case words[0] == "copy":
			op.From = aws.String(words[2])
		default:
			op.Value = aws.String(words[2])
		}
		ops, words = append(ops, op), words[size:]
	}
	return ops
}

func printEffects(w io.Writer, effects []sandbox.Effect) {
	if len(effects) == 0 {
		_, _ = fmt.Fprintln(w, "no effects") // into memory, as what follows
	}
	for _, e := range effects {
		_, _ = fmt.Fprintln(w, strings.Join(e.Targets, " "), e.Kind)
	}
}

func printStage(w io.Writer, s *sdk.GetStageOutput) {
	_, _ = fmt.Fprintln(w, "deployment", aws.ToString(s.DeploymentId)) // into memory, as all that follows
	printMap(w, "variable", s.Variables)
	if c := s.CanarySettings; c != nil {
		_, _ = fmt.Fprintln(w, "canary", c.PercentTraffic, "% to", aws.ToString(c.DeploymentId))
		printMap(w, "override", c.StageVariableOverrides)
	}
}

func printMap(w io.Writer, what string, m map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(m)) {
		_, _ = fmt.Fprintf(w, "%s %s=%s\n", what, key, m[key]) // into memory
	}
}
