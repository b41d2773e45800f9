package apigateway_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/smithy-go"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/sandboxtest"
)

// ruled is a domain with an API of two stages, prod of which is mapped to /orders.
type ruled struct {
	*testing.T
	*apigatewayv2.Client
	v1     *sdk.Client
	server *sandbox.Server
	api    string
	runs   map[string]string // by stage: its deployment
}

const shop = "api.example.com"

func newRuled(t *testing.T, mode types.RoutingMode) *ruled {
	t.Helper()
	s := serve(t, sandbox.Options{})
	env := s.Env()
	r := &ruled{T: t, server: s, v1: connect(s), runs: map[string]string{}, Client: apigatewayv2.New(apigatewayv2.Options{
		BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL_APIGATEWAYV2"]), Region: env["AWS_REGION"], RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], ""),
	})}
	api, err := r.v1.CreateRestApi(t.Context(), &sdk.CreateRestApiInput{Name: aws.String("shop")})
	r.must(err)
	r.api = *api.Id
	for _, stage := range []string{"prod", "next"} {
		d, err := r.v1.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{RestApiId: &r.api, StageName: &stage})
		r.must(err)
		r.runs[stage] = *d.Id
	}
	_, err = r.CreateDomainName(t.Context(), &apigatewayv2.CreateDomainNameInput{DomainName: aws.String(shop), RoutingMode: mode})
	r.must(err)
	_, err = r.CreateApiMapping(t.Context(), &apigatewayv2.CreateApiMappingInput{DomainName: aws.String(shop), ApiId: &r.api, Stage: aws.String("prod"), ApiMappingKey: aws.String("orders")})
	r.must(err)
	return r
}

func (r *ruled) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func header(name, glob string) types.RoutingRuleCondition {
	return types.RoutingRuleCondition{MatchHeaders: &types.RoutingRuleMatchHeaders{AnyOf: []types.RoutingRuleMatchHeaderValue{{Header: &name, ValueGlob: &glob}}}}
}

func base(path string) types.RoutingRuleCondition {
	return types.RoutingRuleCondition{MatchBasePaths: &types.RoutingRuleMatchBasePaths{AnyOf: []string{path}}}
}

func (r *ruled) to(stage string) []types.RoutingRuleAction {
	return []types.RoutingRuleAction{{InvokeApi: &types.RoutingRuleActionInvokeApi{ApiId: &r.api, Stage: &stage, StripBasePath: aws.Bool(true)}}}
}

// rule makes one that leads to the stage next.
func (r *ruled) rule(priority int32, conditions ...types.RoutingRuleCondition) (string, error) {
	out, err := r.CreateRoutingRule(r.Context(), &apigatewayv2.CreateRoutingRuleInput{
		DomainName: aws.String(shop), Priority: &priority, Conditions: conditions, Actions: r.to("next"),
	})
	if err != nil {
		return "", err
	}
	if aws.ToInt32(out.Priority) != priority || !strings.HasSuffix(aws.ToString(out.RoutingRuleArn), "/domainnames/"+shop+"/routingrules/"+aws.ToString(out.RoutingRuleId)) {
		r.Errorf("made %d as %s", aws.ToInt32(out.Priority), aws.ToString(out.RoutingRuleArn))
	}
	return aws.ToString(out.RoutingRuleId), nil
}

// asks is what answers a request to the domain: a stage and the path that it sees.
func (r *ruled) asks(path, name, value string) string {
	r.Helper()
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.server.Env()["AWS_ENDPOINT_URL_APIGATEWAYV2"]+path, nil)
	r.must(err)
	request.Host = shop
	if name != "" {
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	r.must(err)
	defer answer.Body.Close() //nolint:errcheck // read
	if answer.StatusCode != http.StatusOK {
		return answer.Status
	}
	var served struct{ Stage, Deployment, Path string }
	r.must(json.NewDecoder(answer.Body).Decode(&served))
	if served.Deployment != r.runs[served.Stage] {
		r.Errorf("%s runs %s, and %s answered", served.Stage, r.runs[served.Stage], served.Deployment)
	}
	return served.Stage + " " + served.Path
}

// A domain's rules are asked before its mappings, as its mode says.
func TestRulesLead(t *testing.T) {
	for mode, want := range map[types.RoutingMode][]string{
		types.RoutingModeRoutingRuleThenApiMapping: {"next /7", "prod /7", "prod /", "prod /7", "403 Forbidden"},
		types.RoutingModeRoutingRuleOnly:           {"next /7", "403 Forbidden", "403 Forbidden", "403 Forbidden", "403 Forbidden"},
		types.RoutingModeApiMappingOnly:            {"prod /7", "prod /7", "prod /", "prod /7", "403 Forbidden"},
	} {
		r := newRuled(t, mode)
		_, err := r.rule(10, header("X-Canary", "be*"), base("orders"))
		r.must(err)
		got := []string{
			r.asks("/orders/7", "x-canary", "beta"), r.asks("/orders/7", "x-canary", "Beta"), r.asks("/orders", "", ""),
			r.asks("/orders/7", "other", "beta"), r.asks("/elsewhere", "x-canary", "beta"),
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %q, want %q", mode, got, want)
		}
	}
}

// The first rule that matches counts, and a rule's priority can be changed.
func TestRulesByPriority(t *testing.T) {
	r := newRuled(t, types.RoutingModeRoutingRuleThenApiMapping)
	id, err := r.rule(10, header("x-canary", "*"))
	r.must(err)
	_, err = r.CreateRoutingRule(t.Context(), &apigatewayv2.CreateRoutingRuleInput{DomainName: aws.String(shop), Priority: aws.Int32(20), Conditions: []types.RoutingRuleCondition{}, Actions: r.to("prod")})
	r.must(err)
	if got := r.asks("/any", "x-canary", "1"); got != "next /any" {
		t.Error(got)
	}
	_, err = r.PutRoutingRule(t.Context(), &apigatewayv2.PutRoutingRuleInput{DomainName: aws.String(shop), RoutingRuleId: &id, Priority: aws.Int32(30), Conditions: []types.RoutingRuleCondition{header("x-canary", "*")}, Actions: r.to("next")})
	r.must(err)
	if got := r.asks("/any", "x-canary", "1"); got != "prod /any" {
		t.Error(got)
	}
	out, err := r.ListRoutingRules(t.Context(), &apigatewayv2.ListRoutingRulesInput{DomainName: aws.String(shop), MaxResults: aws.Int32(1)})
	r.must(err)
	if len(out.RoutingRules) != 1 || out.NextToken == nil || aws.ToInt32(out.RoutingRules[0].Priority) != 20 {
		t.Fatalf("first page %+v", out)
	}
	out, err = r.ListRoutingRules(t.Context(), &apigatewayv2.ListRoutingRulesInput{DomainName: aws.String(shop), MaxResults: aws.Int32(1), NextToken: out.NextToken})
	r.must(err)
	if len(out.RoutingRules) != 1 || out.NextToken != nil || aws.ToString(out.RoutingRules[0].RoutingRuleId) != id {
		t.Errorf("second page %+v", out)
	}
}

// What AWS refuses is refused, and nothing is kept of it.
func TestRulesRefused(t *testing.T) {
	r := newRuled(t, types.RoutingModeRoutingRuleThenApiMapping)
	_, err := r.rule(10, header("x-canary", "beta"))
	r.must(err)
	two := header("x-canary", "a")
	two.MatchHeaders.AnyOf = append(two.MatchHeaders.AnyOf, two.MatchHeaders.AnyOf[0])
	long := strings.Repeat("x", 128)
	for what, c := range map[string]struct {
		priority   int32
		conditions []types.RoutingRuleCondition
		code       string
	}{
		"a priority that is taken":       {10, []types.RoutingRuleCondition{header("x-other", "beta")}, "ConflictException"},
		"no priority":                    {0, []types.RoutingRuleCondition{}, "BadRequestException"},
		"a priority beyond the last":     {1_000_001, []types.RoutingRuleCondition{}, "BadRequestException"},
		"three headers":                  {1, []types.RoutingRuleCondition{header("a", "1"), header("b", "1"), header("c", "1")}, "BadRequestException"},
		"two values of a header":         {1, []types.RoutingRuleCondition{two}, "BadRequestException"},
		"two base paths":                 {1, []types.RoutingRuleCondition{base("a"), base("b")}, "BadRequestException"},
		"a long name":                    {1, []types.RoutingRuleCondition{header(long[:40], "1")}, "BadRequestException"},
		"a long value":                   {1, []types.RoutingRuleCondition{header("a", long)}, "BadRequestException"},
		"a long value within":            {1, []types.RoutingRuleCondition{header("a", "*"+long[:38]+"*")}, "BadRequestException"},
		"* in the middle":                {1, []types.RoutingRuleCondition{header("a", "b*c")}, "BadRequestException"},
		"* in a name":                    {1, []types.RoutingRuleCondition{header("x-*", "1")}, "BadRequestException"},
		"a space":                        {1, []types.RoutingRuleCondition{header("a", "b c")}, "BadRequestException"},
		"a name that is reserved":        {1, []types.RoutingRuleCondition{header("Authorization", "1")}, "BadRequestException"},
		"a name of AWS's":                {1, []types.RoutingRuleCondition{header("X-Amzn-Trace-Id", "1")}, "BadRequestException"},
		"a path with what no path holds": {1, []types.RoutingRuleCondition{base("a b")}, "BadRequestException"},
	} {
		_, err := r.rule(c.priority, c.conditions...)
		r.refused(what, err, c.code)
	}
	_, err = r.CreateRoutingRule(t.Context(), &apigatewayv2.CreateRoutingRuleInput{DomainName: aws.String(shop), Priority: aws.Int32(5), Conditions: []types.RoutingRuleCondition{}, Actions: r.to("gone")})
	r.refused("a stage that is not there", err, "BadRequestException")
	_, err = r.ListRoutingRules(t.Context(), &apigatewayv2.ListRoutingRulesInput{DomainName: aws.String("gone.example.com")})
	r.refused("another domain", err, "NotFoundException")
	_, err = r.DeleteRoutingRule(t.Context(), &apigatewayv2.DeleteRoutingRuleInput{DomainName: aws.String(shop), RoutingRuleId: aws.String("gone")})
	r.refused("another rule", err, "NotFoundException")
	_, err = r.v1.DeleteStage(t.Context(), &sdk.DeleteStageInput{RestApiId: &r.api, StageName: aws.String("next")})
	r.refused("a stage that a rule leads to", err, "BadRequestException")
	out, err := r.ListRoutingRules(t.Context(), &apigatewayv2.ListRoutingRulesInput{DomainName: aws.String(shop)})
	r.must(err)
	if len(out.RoutingRules) != 1 {
		t.Errorf("%d rules stand", len(out.RoutingRules))
	}
}

func (r *ruled) refused(what string, err error, code string) {
	r.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	status := map[string]int{"ConflictException": 409, "BadRequestException": 400, "NotFoundException": 404}[code]
	response, answered := errors.AsType[*awshttp.ResponseError](err)
	if !ok || !answered || api.ErrorCode() != code || response.HTTPStatusCode() != status {
		r.Errorf("%s: %v, want %s", what, err, code)
	}
}

// A rule that is taken away leads nobody, and its stage may go then.
func TestRuleTakenAway(t *testing.T) {
	r := newRuled(t, types.RoutingModeRoutingRuleThenApiMapping)
	id, err := r.rule(10, header("x-canary", "beta"), base("orders"))
	r.must(err)
	one, err := r.GetRoutingRule(t.Context(), &apigatewayv2.GetRoutingRuleInput{DomainName: aws.String(shop), RoutingRuleId: &id})
	r.must(err)
	if len(one.Conditions) != 2 || aws.ToString(one.Actions[0].InvokeApi.Stage) != "next" {
		t.Errorf("%+v", one)
	}
	_, err = r.DeleteRoutingRule(t.Context(), &apigatewayv2.DeleteRoutingRuleInput{DomainName: aws.String(shop), RoutingRuleId: &id})
	r.must(err)
	_, err = r.v1.DeleteStage(t.Context(), &sdk.DeleteStageInput{RestApiId: &r.api, StageName: aws.String("next")})
	r.must(err)
	if got := r.asks("/orders", "x-canary", "beta"); got != "prod /" {
		t.Error(got)
	}
}

// Amazon's own example of a rule, with the unmodified aws CLI.
func TestRulesWithTheCLI(t *testing.T) {
	r := newRuled(t, types.RoutingModeRoutingRuleThenApiMapping)
	run := func(into any, args ...string) {
		t.Helper()
		if refusal := sandboxtest.AWS(t, r.server, "AWS_ENDPOINT_URL_APIGATEWAYV2", into, append([]string{"apigatewayv2"}, args...)...); refusal != "" {
			t.Fatalf("aws apigatewayv2 %s: %s", strings.Join(args, " "), refusal)
		}
	}
	var made struct{ RoutingRuleID string }
	run(&made, "create-routing-rule", "--domain-name", shop, "--priority", "50", "--conditions",
		`[{"MatchHeaders": {"AnyOf": [{"Header": "Hello", "ValueGlob": "World"}]}}, {"MatchHeaders": {"AnyOf": [{"Header": "x-version", "ValueGlob": "beta"}]}}, {"MatchBasePaths": {"AnyOf": ["PetStoreShopper"]}}]`,
		"--actions", `[{"InvokeApi": {"ApiId": "`+r.api+`", "Stage": "prod"}}]`)
	var list struct {
		RoutingRules []struct{ RoutingRuleID string }
	}
	run(&list, "list-routing-rules", "--domain-name", shop)
	if len(list.RoutingRules) != 1 || made.RoutingRuleID == "" || list.RoutingRules[0].RoutingRuleID != made.RoutingRuleID {
		t.Errorf("made %+v, listed %+v", made, list)
	}
	var domain struct{ RoutingMode string }
	run(&domain, "get-domain-name", "--domain-name", shop)
	if domain.RoutingMode != "ROUTING_RULE_THEN_API_MAPPING" {
		t.Errorf("%+v", domain)
	}
}
