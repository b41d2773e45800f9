package apigateway_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"sluice/stages"
	"sluice/stages/apigateway/patch"
	"sluice/stages/driver"
)

const restAPI = "a1b2c3d4e5"

// domains is a rig with the domain of its testers, which somebody else changes.
type domains struct {
	*rig
	*apigatewayv2.Client
}

func newDomains(t *testing.T) domains {
	t.Helper()
	r := newRig(t)
	return domains{r, apigatewayv2.New(apigatewayv2.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(r.Env["AWS_ENDPOINT_URL_APIGATEWAYV2"]),
		Credentials: credentials.NewStaticCredentialsProvider("SOMEBODY", "ELSE", ""),
	})}
}

// tested is a change of a rollout that shows the release to testers.
func (d domains) tested() driver.Change {
	c := change(d.new)
	c.Header, c.Percent = header(), "10"
	return c
}

// rules are the domain's, in their order.
func (d domains) rules() []types.RoutingRule {
	d.Helper()
	out, err := d.ListRoutingRules(d.Context(), &apigatewayv2.ListRoutingRulesInput{DomainName: &header().Domain})
	d.must(err)
	return out.RoutingRules
}

// rule makes one by hand, which leads to a stage.
func (d domains) rule(priority int32, stage string, conditions ...types.RoutingRuleCondition) string {
	d.Helper()
	if conditions == nil {
		conditions = []types.RoutingRuleCondition{}
	}
	out, err := d.CreateRoutingRule(d.Context(), &apigatewayv2.CreateRoutingRuleInput{
		DomainName: &header().Domain, Priority: &priority, Conditions: conditions,
		Actions: []types.RoutingRuleAction{{InvokeApi: &types.RoutingRuleActionInvokeApi{ApiId: aws.String(restAPI), Stage: &stage}}},
	})
	d.must(err)
	return *out.RoutingRuleId
}

func (d domains) mode(mode types.RoutingMode) {
	d.Helper()
	_, err := d.UpdateDomainName(d.Context(), &apigatewayv2.UpdateDomainNameInput{DomainName: &header().Domain, RoutingMode: mode})
	d.must(err)
}

// remap maps a stage of the API to a base path of the domain.
func (d domains) remap(stage, base string) {
	d.Helper()
	_, err := d.CreateApiMapping(d.Context(), &apigatewayv2.CreateApiMappingInput{DomainName: &header().Domain, ApiId: aws.String(restAPI), Stage: &stage, ApiMappingKey: &base})
	d.must(err)
}

// unmap takes all mappings away.
func (d domains) unmap() {
	d.Helper()
	out, err := d.GetApiMappings(d.Context(), &apigatewayv2.GetApiMappingsInput{DomainName: &header().Domain})
	d.must(err)
	for _, m := range out.Items {
		_, err := d.DeleteApiMapping(d.Context(), &apigatewayv2.DeleteApiMappingInput{DomainName: &header().Domain, ApiMappingId: m.ApiMappingId})
		d.must(err)
	}
}

func asks(name, value string) types.RoutingRuleCondition {
	return types.RoutingRuleCondition{MatchHeaders: &types.RoutingRuleMatchHeaders{AnyOf: []types.RoutingRuleMatchHeaderValue{{Header: &name, ValueGlob: &value}}}}
}

func under(path string) types.RoutingRuleCondition {
	return types.RoutingRuleCondition{MatchBasePaths: &types.RoutingRuleMatchBasePaths{AnyOf: []string{path}}}
}

// walk does effects one after the other, each going on from what the last one left.
func (d domains) walk(c *driver.Change, kinds ...driver.Kind) {
	d.Helper()
	for _, kind := range kinds {
		_, result := d.do(kind, *c)
		c.Expected = result.After
	}
}

// The way of a release that testers have first, and nothing is left of it.
func TestTesters(t *testing.T) {
	d := newDomains(t)
	before := d.stands("prod")
	c := d.tested()
	c.Variables = map[string]string{"flavor": "canary"}
	d.walk(&c, driver.Host)
	want := patch.Stage{DeploymentID: d.new, Variables: map[string]string{"environment": before.Variables["environment"], "flavor": "canary"}}
	if diff := patch.Diff(d.stands("prod-testers"), want); diff != "" {
		t.Errorf("the testers' stage: %s", diff)
	}
	d.walk(&c, driver.Route)
	rules := d.rules()
	if len(rules) != 1 || *rules[0].Priority != 1000 || *rules[0].Actions[0].InvokeApi.Stage != "prod-testers" || len(rules[0].Conditions) != 1 {
		t.Errorf("rules %+v", rules)
	}
	d.same(before)
	c.Variables = nil
	d.walk(&c, driver.Weight, driver.Stable, driver.Disable, driver.Unroute, driver.Unhost)
	d.same(patch.Stage{DeploymentID: d.new, Variables: before.Variables})
	_, err := d.aws.GetStage(t.Context(), &sdk.GetStageInput{RestApiId: aws.String(restAPI), StageName: aws.String("prod-testers")})
	if err == nil || len(d.rules()) > 0 {
		t.Errorf("left: %v, %v", err, d.rules())
	}
}

// The rule is of the base path by which the target's own stage is reached, and is asked
// before all others.
func TestTestersRule(t *testing.T) {
	for name, test := range map[string]struct {
		by   func(domains)
		want string
	}{
		"the root of the domain": {func(domains) {}, "x-canary: beta at priority 1000"},
		"a base path": {func(d domains) {
			d.unmap()
			d.remap("prod", "orders")
			d.remap("staging", "staging")
		}, "x-canary: beta at priority 1000 under /orders"},
		"rules that lead there alone": {func(d domains) {
			d.mode(types.RoutingModeRoutingRuleOnly)
			d.unmap()
			d.rule(7, "staging", under("staging"))
			d.rule(9, "prod", under("orders"))
		}, "x-canary: beta at priority 6 under /orders"},
		"a rule of others before": {func(d domains) { d.rule(50, "staging", asks("x-other", "beta")) }, "x-canary: beta at priority 49"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDomains(t)
			test.by(d)
			p := d.prepare(driver.Host, d.tested())
			if len(p.Findings) != 1 || p.Findings[0].Severity != driver.Note || !strings.HasSuffix(p.Findings[0].Message, test.want) {
				t.Fatalf("findings %+v, want %s", p.Findings, test.want)
			}
			c := d.tested()
			op, err := d.prod.Begin(t.Context(), p.Call)
			d.must(err)
			c.Expected = op.Results["prod"].After
			d.walk(&c, driver.Route)
		})
	}
}

// What would lead the wrong requests is refused before anything is made.
func TestTestersRefused(t *testing.T) {
	for name, test := range map[string]struct {
		by   func(domains)
		says string
	}{
		"no such domain": {func(d domains) {
			_, err := d.DeleteDomainName(d.Context(), &apigatewayv2.DeleteDomainNameInput{DomainName: &header().Domain})
			d.must(err)
		}, "there is no public custom domain name api.example.com"},
		"rules are not asked":    {func(d domains) { d.mode(types.RoutingModeApiMappingOnly) }, "the routing mode API_MAPPING_ONLY, which asks no rules"},
		"the stage is not there": {func(d domains) { d.unmap() }, "nothing leads to stage prod of a1b2c3d4e5"},
		"two base paths":         {func(d domains) { d.remap("prod", "orders") }, "leads to stage prod on several base paths"},
		"others below":           {func(d domains) { d.remap("staging", "next") }, "leads /next of api.example.com elsewhere"},
		"others' rule below":     {func(d domains) { d.rule(5, "staging", under("next")) }, "leads /next of api.example.com elsewhere"},
		"the same header":        {func(d domains) { d.rule(5, "staging", asks("X-Canary", "beta")) }, "leads x-canary: beta to stage staging"},
		"the first priority":     {func(d domains) { d.rule(1, "staging", asks("x-other", "beta")) }, "has priority 1: none can be asked before it"},
		"somebody's stage": {func(d domains) {
			_, err := d.aws.CreateStage(d.Context(), &sdk.CreateStageInput{RestApiId: aws.String(restAPI), StageName: aws.String("prod-testers"), DeploymentId: &d.old})
			d.must(err)
		}, "stage prod-testers is there, and it was not made for testers"},
		"somebody's canary": {func(d domains) {
			d.byHand("/canarySettings/deploymentId", d.old, "/canarySettings/percentTraffic", "5")
		}, "a canary that this rollout did not make"},
		"testers of another rollout": {func(d domains) {
			c := d.tested()
			c.Release.ID = d.deployment()
			d.walk(&c, driver.Host, driver.Route)
		}, "stands for testers of deployment"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDomains(t)
			test.by(d)
			effects := d.counted(func(context.Context) {
				p := d.prepare(driver.Host, d.tested())
				if len(p.Findings) != 1 || p.Findings[0].Severity != driver.Refuse || !strings.Contains(p.Findings[0].Message, test.says) || p.Findings[0].Remedy == "" {
					t.Errorf("findings %+v, want %s", p.Findings, test.says)
				}
			})
			if effects != 0 {
				t.Errorf("%d effects", effects)
			}
		})
	}
}

// What somebody else made of it meanwhile is noticed before traffic moves.
func TestTestersForeign(t *testing.T) {
	for name, test := range map[string]struct {
		by   func(domains)
		says string
	}{
		"the rule is gone": {func(d domains) {
			_, err := d.DeleteRoutingRule(d.Context(), &apigatewayv2.DeleteRoutingRuleInput{DomainName: &header().Domain, RoutingRuleId: d.rules()[0].RoutingRuleId})
			d.must(err)
		}, "the testers' routing rule is missing"},
		"the rule leads others": {func(d domains) {
			r := d.rules()[0]
			_, err := d.PutRoutingRule(d.Context(), &apigatewayv2.PutRoutingRuleInput{
				DomainName: &header().Domain, RoutingRuleId: r.RoutingRuleId, Priority: r.Priority, Actions: r.Actions, Conditions: []types.RoutingRuleCondition{},
			})
			d.must(err)
		}, "the testers' routing rule"},
		"the stage runs another release": {func(d domains) {
			path, id := "/deploymentId", d.old
			_, err := d.aws.UpdateStage(d.Context(), &sdk.UpdateStageInput{RestApiId: aws.String(restAPI), StageName: aws.String("prod-testers"), PatchOperations: replacing(path, id)})
			d.must(err)
		}, "the testers' stage runs deployment"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDomains(t)
			c := d.tested()
			d.walk(&c, driver.Host, driver.Route)
			test.by(d)
			p := d.prepare(driver.Weight, c)
			if len(p.Findings) != 1 || p.Findings[0].Severity != driver.Foreign || !strings.Contains(p.Findings[0].Message, test.says) {
				t.Errorf("findings %+v, want foreign: %s", p.Findings, test.says)
			}
		})
	}
}

// A rollout that takes over moves what stands for testers, and its rule.
func TestTestersTakenOver(t *testing.T) {
	d := newDomains(t)
	first := d.tested()
	d.walk(&first, driver.Host, driver.Route)
	id := *d.rules()[0].RoutingRuleId
	next := d.tested()
	next.Release.ID, next.Options.Resolved = d.deployment(), true
	next.Header.Value = "gamma"
	p, result := d.do(driver.Host, next)
	if result.Release.ID != next.Release.ID || !strings.HasPrefix(p.Requests[0], "PATCH /restapis/a1b2c3d4e5/stages/prod-testers") {
		t.Errorf("%v read back %s", p.Requests, result.Release.ID)
	}
	p, _ = d.do(driver.Route, next)
	rules := d.rules()
	if len(rules) != 1 || *rules[0].RoutingRuleId != id || *rules[0].Conditions[0].MatchHeaders.AnyOf[0].ValueGlob != "gamma" || !strings.HasPrefix(p.Requests[0], "PUT ") {
		t.Errorf("%v made %+v", p.Requests, rules)
	}
}

// A priority that somebody took since it was prepared is no failure: another is taken.
func TestTestersPriorityTaken(t *testing.T) {
	d := newDomains(t)
	c := d.tested()
	d.walk(&c, driver.Host)
	p := d.prepare(driver.Route, c)
	d.rule(1000, "staging", asks("x-other", "beta"))
	_, err := d.prod.Begin(t.Context(), p.Call)
	if stages.CodeOf(err) != driver.Retryable {
		t.Fatalf("%v, want it to be tried again", err)
	}
	if got := fmt.Sprint(d.prepare(driver.Route, c).Requests); !strings.Contains(got, "at priority 999") {
		t.Errorf("prepared again: %s", got)
	}
}

// What is taken away leaves alone what others made, and does not need the domain.
func TestTestersTakeAwayTheirOwnAlone(t *testing.T) {
	d := newDomains(t)
	_, err := d.aws.CreateStage(t.Context(), &sdk.CreateStageInput{RestApiId: aws.String(restAPI), StageName: aws.String("prod-testers"), DeploymentId: &d.old})
	d.must(err)
	d.rule(5, "prod-testers", asks("x-theirs", "1"))
	for _, kind := range []driver.Kind{driver.Unroute, driver.Unhost} {
		if p := d.prepare(kind, d.tested()); !reflect.DeepEqual(p.Unchanged, []string{"prod"}) {
			t.Errorf("%s: findings %+v, requests %v", kind, p.Findings, p.Requests)
		}
	}
	_, err = d.DeleteDomainName(t.Context(), &apigatewayv2.DeleteDomainNameInput{DomainName: &header().Domain})
	d.must(err)
	if p := d.prepare(driver.Unroute, d.tested()); len(p.Unchanged) != 1 {
		t.Errorf("without the domain: %+v", p)
	}
}

// Who goes back is not kept from it by a domain that does not answer.
func TestRollbackWithoutTheDomain(t *testing.T) {
	d := newDomains(t)
	c := d.tested()
	p, result := d.do(driver.Host, c)
	c.Expected, c.Baseline = result.After, p.Before["prod"]
	d.walk(&c, driver.Weight)
	silent := place(t, d.Harness, map[string]string{"AWS_ENDPOINT_URL_APIGATEWAYV2": "http://127.0.0.1:1"}, http.DefaultTransport, target("prod"))
	back, err := silent.Prepare(t.Context(), call(driver.Rollback, c))
	d.must(err)
	if _, err := silent.Begin(t.Context(), back.Call); err != nil || len(back.Findings) > 0 {
		t.Errorf("%v, %+v", err, back.Findings)
	}
	if s := d.stands("prod"); s.Canary != nil {
		t.Errorf("the canary stands: %+v", s.Canary)
	}
}
